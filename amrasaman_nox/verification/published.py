"""Published wheels: rebuilt as their publisher built them, and compared."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from packaging.utils import parse_wheel_filename

from amrasaman_nox.build_lock import requirements
from amrasaman_nox.build_lock.dates import published_cutoff
from amrasaman_nox.builds import builder, hooks
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.comparison.wheels import compare_wheels, normalisations_of, verdict_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildFailure,
    BuildRecord,
    Comparison,
    LockedFile,
    Verdict,
)
from amrasaman_nox.sources import download
from amrasaman_nox.sources.locate import published_wheels
from amrasaman_nox.sources.resolve import resolve
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification import recipe as recipes
from amrasaman_nox.verification.evidence import read_evidence
from amrasaman_nox.verification.explain import explain
from amrasaman_nox.verification.proof import under_headers
from amrasaman_nox.verification.steps import Steps, teller
from amrasaman_nox.wheels.reader import read_wheel

if TYPE_CHECKING:
    from typing import BinaryIO

    from amrasaman_nox.model import (
        BuildJob,
        Difference,
        Interpreter,
        Prepared,
        ResolvedFile,
        Source,
    )
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.site import Site
    from amrasaman_nox.verification.evidence import Evidence
    from amrasaman_nox.verification.proof import Proof
    from amrasaman_nox.verification.recipe import Recipe
    from amrasaman_nox.wheels.reader import WheelContent

PROOF: Final = "identical content under the published headers"
#: The normalisation of METADATA whose fields are in a different order.
FIELD_ORDER: Final = "metadata-field-order"
_AGAINST: Final = "published"
#: The stage at which build requirements are resolved.
_LOCK: Final = "lock"
_REPAIRED: Final = ("manylinux", "musllinux")
_ORDER: Final = (
    Verdict.IDENTICAL,
    Verdict.EQUIVALENT,
    Verdict.DIFFERENT,
    Verdict.FAILED,
)


def compare_published(
    prepared: Prepared, job: BuildJob, *, site: Site, isolation: Isolation
) -> tuple[Comparison, ...]:
    """Rebuild a source as its publisher did and compare with the wheels that the index has.

    There is one comparison for each published wheel that the interpreter could have built: the
    pure one, or else the best of those with its tags; one that is ``unchecked`` where there is
    none. A build that fails is not an error: the comparison has it.

    :param job: the build of the source; a recipe says with which requirements, and how
    :raises AsamanError: the index cannot be asked or a wheel is not available (exit 5), or its
        bytes are not what the index advertises (exit 2)
    """
    pin = prepared.source.pin
    found = published_wheels(
        [pin],
        index=site.index,
        python=prepared.interpreter.executable,
        cache=site.index_cache,
        tags=prepared.interpreter.tags,
    ).get(pin, ())
    wheels = _comparable(found)
    if not wheels:
        reason = "the index has no wheel that this interpreter could have built"
        return (_comparison(prepared, "", Verdict.UNCHECKED, reason=reason),)
    for wheel in wheels:
        download.fetch(wheel, site)
    compared = _compare(prepared, job, wheels[0], site=site, isolation=isolation)
    if wheels[1:] and compared.pure is False:
        # Where both are published, ours shows which of them this source builds here.
        compared = _compare(prepared, job, wheels[1], site=site, isolation=isolation)
    return (compared.comparison,)


def compare_wheel(
    prepared: Prepared,
    job: BuildJob,
    published: Source,
    *,
    site: Site,
    isolation: Isolation,
    recipe: Recipe | None = None,
) -> Comparison:
    """Compare a published wheel, whose bytes are in the store, with a rebuild of its source.

    :param recipe: how to rebuild; inferred from the wheel where it is ``None``
    """
    compared = _compare(prepared, job, published, site=site, isolation=isolation, recipe=recipe)
    return compared.comparison


def rebuild_by_recipe(
    job: BuildJob, recipe: Recipe, *, site: Site, isolation: Isolation
) -> BuildRecord | BuildFailure:
    """Build the source of *job* by *recipe*; the wheel stays as the backend wrote it.

    :raises AsamanError: a build requirement is not available
    """
    requirements.fetch_files(site, recipe.files, job.interpreter.executable)
    world = dataclasses.replace(
        job.environment, source_date_epoch=recipe.source_date_epoch, umask=recipe.umask
    )
    job = dataclasses.replace(
        job,
        requirements=tuple(sorted(recipe.files)),
        environment=world,
        canonical=False,
        config_settings=recipe.settings,
    )
    return builder.build_wheel(
        job, store=site.store, isolation=isolation, notify=site.say, tell=site.notify
    )


def _comparable(found: tuple[Source, ...]) -> tuple[Source, ...]:
    """Return the pure wheel and the best of the others, of those that fit the interpreter.

    Where hashes of wheels are pinned, those wheels go before others.
    """
    found = tuple(one for one in found if one.digest in one.pin.digests) or found
    pure = [wheel for wheel in found if _is_pure(wheel.filename)]
    others = [wheel for wheel in found if not _is_pure(wheel.filename)]
    return (*pure[:1], *others[:1])


def _is_pure(filename: str) -> bool:
    return filename.endswith("-any.whl")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """A comparison; ``pure`` tells whether our own wheel is, ``None`` without one.

    ``failed_stage`` is the step at which the rebuild failed, or ``""``.
    """

    comparison: Comparison
    pure: bool | None = None
    failed_stage: str = ""


def _compare(
    prepared: Prepared,
    job: BuildJob,
    published: Source,
    *,
    site: Site,
    isolation: Isolation,
    recipe: Recipe | None = None,
) -> _Compared:
    name = published.filename
    with fetched(published.digest, name, site.store) as file:
        try:
            content = read_wheel(file, name, pin=prepared.source.pin, lenient=True)
        except AsamanError as error:
            # What a build leaves is read as strictly, so that none can have left this one.
            reason = f"the published wheel is malformed: {error.why}"
            return _Compared(
                comparison=_comparison(
                    prepared, name, Verdict.DIFFERENT, theirs=published.digest, reason=reason
                )
            )
        bench = _Bench(
            site=site,
            isolation=isolation,
            job=job,
            prepared=prepared,
            published=published,
            theirs=file,
            content=content,
            evidence=read_evidence(content, published.uploaded),
        )
        return _best(bench) if recipe is None else bench.attempt(recipe)


def _best(bench: _Bench) -> _Compared:
    """Try the inferred recipe, then the fallbacks, and return the first or best that compares."""
    prepared, evidence = bench.prepared, bench.evidence
    as_of = published_cutoff(
        evidence.uploaded,
        prepared.source.uploaded,
        now=datetime.now(UTC).replace(microsecond=0),
    )
    system = prepared.system
    first = recipes.infer(evidence, system.requires, as_of, own_backend=bool(system.backend_path))
    best = bench.attempt(first)
    if _is_enough(best) or _is_repaired(bench.published.filename):
        return best
    outcome = recipes.Outcome(
        recipe=first,
        differences=best.comparison.differences,
        unresolved=best.failed_stage == _LOCK,
    )
    others = tuple(recipes.fallbacks(evidence, outcome))
    steps = Steps(teller(bench.site.notify, str(prepared.source.pin)))
    steps.begin("looking for the publisher's recipe", best.comparison)
    steps.expect(len(others))
    for other in others:
        steps.next()
        compared = bench.attempt(other)
        if _rank(compared) < _rank(best):
            best = compared
        if _is_enough(best):
            break
    return best


def _is_enough(compared: _Compared) -> bool:
    return compared.comparison.verdict in (Verdict.IDENTICAL, Verdict.EQUIVALENT)


def _rank(compared: _Compared) -> tuple[int, int]:
    comparison = compared.comparison
    unlike = sum(one.normalisation is None for one in comparison.differences)
    return _ORDER.index(comparison.verdict), unlike


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """One published wheel, open, and what its rebuilds need.

    ``resolved`` keeps what the same build requirements came to, ``tried`` what was built.
    """

    site: Site
    isolation: Isolation
    job: BuildJob
    prepared: Prepared
    published: Source
    theirs: BinaryIO
    content: WheelContent
    evidence: Evidence
    resolved: dict[Recipe, tuple[LockedFile, ...]] = dataclasses.field(default_factory=dict)
    tried: dict[Recipe, _Compared] = dataclasses.field(default_factory=dict)

    def attempt(self, recipe: Recipe) -> _Compared:
        """Rebuild by *recipe* and compare; a failure is a comparison as well.

        What comes to the same as an earlier attempt is not built again.
        """
        try:
            whole = self._with_files(recipe)
        except (AsamanError, hooks.HookFailed) as error:
            return self._failed(recipe, failure_of(self.prepared.source, _LOCK, error))
        key = recipes.Recipe(
            source_date_epoch=whole.source_date_epoch,
            umask=whole.umask,
            settings=whole.settings,
            files=whole.files,
        )
        if key not in self.tried:
            self.tried[key] = self._built(whole)
        return self.tried[key]

    def _built(self, whole: Recipe) -> _Compared:
        try:
            built = rebuild_by_recipe(self.job, whole, site=self.site, isolation=self.isolation)
        except AsamanError as error:
            return self._failed(whole, failure_of(self.prepared.source, _LOCK, error))
        if isinstance(built, BuildFailure):
            return self._failed(whole, built)
        return self._compared(whole, built)

    def _with_files(self, recipe: Recipe) -> Recipe:
        if recipe.files:
            return recipe
        key = dataclasses.replace(recipe, source_date_epoch=None, umask=0, steps=())
        if key not in self.resolved:
            self.resolved[key] = self._resolved(recipe)
        return dataclasses.replace(recipe, files=self.resolved[key])

    def _resolved(self, recipe: Recipe) -> tuple[LockedFile, ...]:
        """Resolve static and then dynamic build requirements, and fetch what they come to."""
        job, site, isolation = self.job, self.site, self.isolation
        files = _resolved(job.interpreter, recipe, recipe.requires, site)
        found = builder.ask(
            dataclasses.replace(job, requirements=files),
            store=site.store,
            isolation=isolation,
            notify=site.say,
        )
        requirements.check_plain(found, job.source.pin)
        dynamic = tuple(text for text in found if text not in recipe.requires)
        if not dynamic:
            return files
        return _resolved(job.interpreter, recipe, (*recipe.requires, *dynamic), site)

    def _failed(self, recipe: Recipe, failure: BuildFailure) -> _Compared:
        comparison = _comparison(
            self.prepared,
            self.published.filename,
            Verdict.FAILED,
            theirs=self.published.digest,
            recipe=self._pairs(recipe),
            reason=f"{failure.stage}: {failure.reason}",
            hint=failure.hint,
            log=failure.log,
        )
        return _Compared(comparison=comparison, failed_stage=failure.stage)

    def _compared(self, recipe: Recipe, built: BuildRecord) -> _Compared:
        name = self.published.filename
        with fetched(built.wheel.digest, built.wheel.filename, self.site.store) as ours:
            differences = _with_forms(compare_wheels(ours, self.theirs, filename=name))
            verdict = verdict_of(differences)
            proof = self._proof(ours, built) if verdict is Verdict.EQUIVALENT else None
        pairs = self._pairs(recipe)
        if proof is not None:
            pairs = (*pairs, *(("packing", text) for text in proof.packing))
        comparison = _comparison(
            self.prepared,
            name,
            verdict,
            ours=built.wheel.digest,
            theirs=self.published.digest,
            normalisations=normalisations_of(differences),
            differences=differences,
            causes=explain(differences, _AGAINST),
            recipe=pairs,
            proof=PROOF if proof is not None else "",
            **self._told(built, verdict, proof),
        )
        return _Compared(comparison=comparison, pure=_is_pure(built.wheel.filename))

    def _told(self, built: BuildRecord, verdict: Verdict, proof: Proof | None) -> dict[str, str]:
        """Return reason and hint for what the differences themselves do not say."""
        if verdict is Verdict.EQUIVALENT and proof is None:
            return {"reason": "the published sha256 was not reproduced"}
        if verdict is not Verdict.DIFFERENT:
            return {}
        ours = self.prepared.interpreter.minor
        if self.evidence.python not in {"", ours}:
            return {
                "reason": f"the published wheel was built by Python {self.evidence.python}",
                "hint": f"use the same version: --python {self.evidence.python}",
            }
        if _is_repaired(self.published.filename):
            return {
                "reason": "the published wheel was repaired after its build (auditwheel), "
                f"and {_same_members(built, self.content)}"
            }
        return {}

    def _proof(self, ours: BinaryIO, built: BuildRecord) -> Proof | None:
        return under_headers(read_wheel(ours, built.wheel.filename), self.content)

    def _pairs(self, recipe: Recipe) -> tuple[tuple[str, str], ...]:
        interpreter = self.prepared.interpreter
        python = f"{interpreter.implementation} {interpreter.version}"
        return (("python", python), *recipe.pairs())


def _resolved(
    interpreter: Interpreter, recipe: Recipe, wanted: tuple[str, ...], site: Site
) -> tuple[LockedFile, ...]:
    if not wanted:
        return ()
    resolution = resolve(
        wanted,
        index=site.index,
        interpreter=interpreter,
        as_of=recipe.as_of,
        cache=site.index_cache,
        constraints=recipe.constraints,
        overrides=recipe.overrides,
        # It made the wheel, whenever the index says that it was uploaded.
        undated=recipe.exact(),
    )
    download.fetch_all(resolution.files, site)
    return tuple(sorted(_locked(file) for file in resolution.files))


def _locked(file: ResolvedFile) -> LockedFile:
    return LockedFile(filename=file.filename, digest=file.digest)


def _with_forms(differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Name the order of fields in METADATA as a matter of form: it has no meaning.

    Between two builds of one recipe it would be a defect; a publisher's own recipe is inferred.
    """
    return tuple(
        dataclasses.replace(one, normalisation=FIELD_ORDER)
        if one.kind == "metadata"
        and one.member.endswith(".dist-info/METADATA")
        and one.reordered == "fields"
        else one
        for one in differences
    )


def _same_members(built: BuildRecord, theirs: WheelContent) -> str:
    ours = {(member.name, member.sha256) for member in built.wheel.members}
    same = sum((member.name, member.sha256) in ours for member in theirs.members)
    return f"{same} of its {len(theirs.members)} members are the same"


def _is_repaired(filename: str) -> bool:
    platforms = (tag.platform for tag in parse_wheel_filename(filename)[3])
    return any(platform.startswith(_REPAIRED) for platform in platforms)


def _comparison(prepared: Prepared, wheel: str, verdict: Verdict, **facts: Any) -> Comparison:
    return Comparison(
        name=prepared.source.name,
        version=prepared.source.version,
        wheel=wheel,
        verdict=verdict,
        against=_AGAINST,
        **facts,
    )
