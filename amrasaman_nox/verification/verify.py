"""The verify command: rebuilds, or compares with published wheels or another rebuilder's."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import files
from amrasaman_nox.agreement.ballot import open_ballot
from amrasaman_nox.agreement.envelopes import SUFFIX
from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.config.inputs import FIELDS
from amrasaman_nox.config.layers import pins_to_check
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs import readers, workspace
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import (
    BuildFailure,
    BuildOutcome,
    BuildRecord,
    Comparison,
    Event,
    Prepared,
    Report,
    Requirements,
    Verdict,
)
from amrasaman_nox.record_files import read_folder
from amrasaman_nox.runs import build, crates, project
from amrasaman_nox.runs.durations import seconds
from amrasaman_nox.runs.epoch import with_epoch
from amrasaman_nox.runs.run import Run, begun, opened
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sandbox.ladder import with_helpers
from amrasaman_nox.sources import prepare
from amrasaman_nox.sources.access import is_url
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification import (
    clock,
    diffoscope,
    dist,
    locales,
    originals,
    own_wheels,
    probe,
    rebuilders,
    released,
    variations,
    voted,
)
from amrasaman_nox.verification.draw import Draw, begin, repeated_by
from amrasaman_nox.verification.kept import DIFFERENT, keep
from amrasaman_nox.verification.rebuild import Original, Rebuilt, rebuild
from amrasaman_nox.verification.steps import teller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Interpreter, Notify, Pin
    from amrasaman_nox.verification.variations import Plan

    _Compare = Callable[[Run, BuildRecord], Comparison]

PUBLISHED: Final = "published"

_IN_RUSTC: Final = "clock in rustc: procedural macros see the real one, all other programs do not"
_CONSTANT_NAMES: Final = (
    "temporary-names: constant, as --constant-temporary-names had it when this was built"
)
#: A file system lists a folder in an order of its own, whatever the order of making.
_ON_DISK: Final = {"directory-order": "the source is on disk"}


def verify(config: Config, *, notify: Notify) -> Report:
    """Build what is unbuilt, rebuild all of it under variations, and compare.

    With ``against``, compare with published wheels or with another rebuilder's records or wheels
    in the place of a rebuild.

    :raises AsamanError: bad input or an unknown variation (exit 2), isolation or an interpreter
        that is not available (exit 4), or a fault of the disk or the network (exit 5)
    """
    variations.named(config.vary)  # That a name is unknown is told before anything is built,
    _required(config)
    if config.diffoscope:
        diffoscope.program()  # and that a program is missing, too.
    if config.against == PUBLISHED:
        return _published(config, notify)
    if config.policy is not None or len(config.others) > 1 or _is_voted(config):
        return _voted(config, notify)
    if config.against is not None:
        pins = pins_to_check(config)
        if pins is not None:
            return _against_pins(config, pins, notify)
        return _against(config, Path(config.others[0]), notify)
    draw = begin(config.seed)
    report = dataclasses.replace(_rebuilt(config, notify, draw), seed=draw.seed)
    failures = (*report.build.failures, *dist.fill(config, report))
    return dataclasses.replace(report, build=dataclasses.replace(report.build, failures=failures))


def _is_voted(config: Config) -> bool:
    """Tell whether the one place to compare with is a URL, or a file of signatures."""
    return any(is_url(place) or place.endswith(SUFFIX) for place in config.others)


def _voted(config: Config, notify: Notify) -> Report:
    """Say of each wheel who of several rebuilders agrees, and who does not."""
    ballot = open_ballot(config)
    notes: list[str] = []
    report = _built(config, notify, lambda _, record: voted.compare(record, ballot, config, notes))
    return dataclasses.replace(report, notes=(*report.notes, *dict.fromkeys(sorted(notes))))


def _against(config: Config, path: Path, notify: Notify) -> Report:
    """Compare with what another rebuilder has."""
    theirs = rebuilders.read(path)
    report = _built(
        config, notify, lambda _, record: rebuilders.compare(record, config, theirs.wheels)
    )
    return dataclasses.replace(report, notes=(*report.notes, *theirs.notes))


def _against_pins(config: Config, path: Path, notify: Notify) -> Report:
    """Compare with the hashes of wheels in a file; without an input, the sdists of these."""
    pins = own_wheels.read(path, config)
    requirements = None
    if not any(getattr(config, name) for name in FIELDS):
        with opened(config, notify) as run:
            requirements = own_wheels.to_build(pins, path, run)
    report = _built(
        config, notify, lambda run, record: own_wheels.compare(run, record, pins), requirements
    )
    known = {(one.name, one.version) for one in report.comparisons}
    known |= {(one.name, one.version) for one in report.build.failures}
    known |= {(pin.name, pin.version) for pin, _ in report.build.left_out}
    missing = own_wheels.unbuilt(pins, known)
    return dataclasses.replace(report, comparisons=(*report.comparisons, *missing))


def check_distributions(paths: Sequence[Path], config: Config, *, notify: Notify) -> Report:
    """Rebuild sdists that were just made, and compare with the wheels that were made from them.

    Each sdist is built twice, the second time under variations. A wheel among *paths* is compared
    with what its sdist gives. Nothing is put into the output folder but what differs.

    :param paths: sdists and wheels; all in the folder ``dist`` for none
    :raises AsamanError: there is no sdist among them, or none for a wheel (exit 2); else as
        :func:`verify`
    """
    folder = config.project or Path()
    found = list(paths) or sorted((folder / "dist").glob("*.*"))
    wheels = [path for path in found if path.name.endswith(".whl")]
    archives = [path for path in found if path.name.endswith((".tar.gz", ".zip"))]
    if not archives:
        raise AsamanError("no sdist", "the distributions contain no sdist", hint="build one")
    reports: list[Report] = []
    compared: list[Comparison] = []
    with files.folder() as made:
        for archive in archives:
            own = dataclasses.replace(
                config,
                requirement=None,
                directory=None,
                project=None,
                against=None,
                source=archive,
                output=made / archive.name,
            )
            report = verify(own, notify=notify)
            reports.append(_moved(report, own.output, config.output))
            compared += _beside(wheels, own.output, config)
    missing = {wheel.name for wheel in wheels} - {one.wheel for one in compared}
    compared += [_without_sdist(name) for name in sorted(missing)]
    return dataclasses.replace(
        reports[0],
        comparisons=(
            *(one for report in reports for one in report.comparisons),
            *compared,
        ),
        build=BuildOutcome(
            failures=tuple(one for report in reports for one in report.build.failures)
        ),
        output=str(config.output),
    )


def _moved(report: Report, made: Path, output: Path) -> Report:
    """Move what differs from a throwaway folder to where the user finds it."""
    if not (made / DIFFERENT).is_dir():
        return report
    shutil.copytree(made / DIFFERENT, output / DIFFERENT, dirs_exist_ok=True)
    return dataclasses.replace(
        report,
        comparisons=tuple(
            dataclasses.replace(one, kept=one.kept.replace(str(made), str(output)))
            for one in report.comparisons
        ),
    )


def _beside(wheels: Sequence[Path], made: Path, config: Config) -> list[Comparison]:
    """Compare the wheels that were given with those that their sdist gave."""
    ours = {file.wheel.name: file.record for file in read_folder(made).files}
    return [
        rebuilders.compare_files(ours[wheel.name], made, other, config)
        for wheel in wheels
        if wheel.name in ours
        for other in rebuilders.read(wheel).wheels
    ]


def _without_sdist(wheel: str) -> Comparison:
    name, version, *_ = wheel.split("-")
    return Comparison(
        name=name,
        version=version,
        wheel=wheel,
        verdict=Verdict.UNCHECKED,
        reason="none of the given sdists builds a wheel with this name",
    )


def _required(config: Config) -> tuple[str, ...]:
    return variations.named(config.require_variations) if config.require_variations else ()


# --- published wheels ------------------------------------------------------------------------


def _published(config: Config, notify: Notify) -> Report:
    """Rebuild each source as its publisher did, and compare with the wheels of the index."""
    from amrasaman_nox.verification import published

    config = with_epoch(config, notify)
    requirements = readers.read_input(config)
    trees: dict[str, released.Tree] = {}
    comparisons: list[Comparison] = []
    left_out: tuple[tuple[Pin, str], ...] = ()
    failures: tuple[BuildFailure, ...] = ()
    with opened(config, notify) as run:
        if requirements is None:
            folders = workspace.projects_of(config)
            trees = released.build_all(run, folders, config)
            requirements = released.on_index(run, trees)
        run = run.with_options(requirements.index)
        for interpreter in run.interpreters:
            pins, left = select(requirements, dict(interpreter.markers))
            found = [
                one
                for python, own in run.by_interpreter(pins, interpreter).items()
                for one in prepare.prepare(
                    run.site, own, python, only_binary=frozenset(config.only_binary)
                )
            ]
            failed, prepared = prepare.parted(found)
            failures += failed
            comparisons += [
                released.compare(run, trees.pop(each.source.name), each.source)
                for each in prepared
                if each.source.name in trees
            ]
            notify(Event(stage="rebuild", state="total", count=len(prepared)))
            for compared in in_parallel(
                run.workers, prepared, lambda each: _one_published(run, each, published)
            ):
                comparisons += compared
            left_out += left
    return Report(
        command="verify",
        build=BuildOutcome(failures=failures, left_out=left_out),
        comparisons=tuple(comparisons),
        isolation=run.isolation.rung,
        output=str(config.output),
        allowed=Verdict(config.allow),
        notes=run.notes,
        warnings=run.warnings,
    )


def _one_published(run: Run, prepared: Prepared, published: ModuleType) -> tuple[Comparison, ...]:
    pin = prepared.source.pin
    run.site.notify(Event(stage="rebuild", state="start", name=str(pin)))
    try:
        prepared = crates.resolved(run, prepared)
        found: tuple[Comparison, ...] = published.compare_published(
            prepared,
            run.job(prepared.source, prepared.interpreter),
            site=run.site,
            isolation=run.isolation,
        )
        found = tuple(_kept_published(run, each) for each in found)
    except AsamanError as error:
        found = (
            Comparison(
                name=pin.name,
                version=pin.version,
                wheel="",
                verdict=Verdict.FAILED,
                against=PUBLISHED,
                reason=str(error),
                hint=error.hint,
            ),
        )
    run.site.notify(Event(stage="rebuild", state="done", name=str(pin), results=found))
    return found


def _kept_published(run: Run, comparison: Comparison) -> Comparison:
    digests = {"rebuilt": comparison.ours, "published": comparison.theirs}
    return keep(
        comparison,
        {
            side: partial(fetched, digest, comparison.wheel, run.site.store)
            for side, digest in digests.items()
            if digest is not None
        },
        run.config,
    )


# --- what was built --------------------------------------------------------------------------


def _built(
    config: Config, notify: Notify, compare: _Compare, requirements: Requirements | None = None
) -> Report:
    """Build what is unbuilt, then compare each wheel.

    :param requirements: what is built in the place of the configured input
    """
    with begun(config, notify, requirements) as (run, read):
        done = run.report("verify", build.built(run, read))
        return _compared(_renewed(run), done, compare)


def _rebuilt(config: Config, notify: Notify, draw: Draw) -> Report:
    """Build what is unbuilt, then rebuild each wheel with values that are drawn, and compare."""
    started = datetime.now(UTC)
    with begun(config, notify) as (run, read):
        run = _provided(run)
        plan = _plan(run, draw)
        done = run.report("verify", build.built(run, read))
        records, run = done.build.records, _renewed(run)
        _supply(run, read, records)
        plan = probe.proved(run, plan) if records else plan
        own = _own_sdists(run, read, records, plan, started)
        return _compared(run, done, partial(verify_record, plan=plan), own)


def _compared(run: Run, done: Report, compare: _Compare, own: Sequence[Comparison] = ()) -> Report:
    """Return the report of *done* with the comparison of each wheel, those of *own* first."""
    records, required = done.build.records, _required(run.config)
    run.site.notify(Event(stage="rebuild", state="total", count=len(records)))
    found = in_parallel(
        run.workers,
        records,
        lambda record: _told(run, record, compare),
        weights=[seconds(record) for record in records],
    )
    comparisons = (*own, *found)
    return dataclasses.replace(
        done,
        build=dataclasses.replace(done.build, records=()),
        comparisons=comparisons,
        allowed=Verdict(run.config.allow),
        required=required,
        notes=(*done.notes, *_lacking(comparisons, required)),
    )


def _provided(run: Run) -> Run:
    """Return *run* with what shows builds another clock and locale, compiled if it is missing."""
    wanted, store = variations.named(run.config.vary), run.site.store
    if variations.CLOCK in wanted:
        clock.provide(run.config, run.site.notify)
    if variations.LOCALE in wanted:
        locales.provide(store, run.site.notify)
    return dataclasses.replace(run, isolation=with_helpers(run.isolation, store.root))


def _plan(run: Run, draw: Draw) -> Plan:
    # Said before anything is built, too: a run that is interrupted can be repeated as well.
    run.site.say(repeated_by(draw.seed))
    return variations.plan(run.config.vary, variations.Machine.here(run.isolation), draw)


def _renewed(run: Run) -> Run:
    """Return *run* after its builds: what was to be locked again is locked."""
    config = dataclasses.replace(run.config, relock=False, relock_packages=())
    return dataclasses.replace(run, config=config)


def _lacking(comparisons: Sequence[Comparison], required: tuple[str, ...]) -> Iterator[str]:
    """Yield a note for each required variation that was left out somewhere."""
    for name in required:
        found = [one for one in comparisons if name in one.lacks(required)]
        if found:
            pins = ", ".join(f"{one.name} {one.version}" for one in found)
            yield f"--require-variations {name}: not varied for {pins}"


def _told(run: Run, record: BuildRecord, compare: _Compare) -> Comparison:
    """Compare, and tell the display of it; what cannot be compared becomes a value."""
    pin = str(record.source.pin)
    run.site.notify(Event(stage="rebuild", state="start", name=pin))
    try:
        result = compare(run, record)
    except AsamanError as error:
        result = dataclasses.replace(
            unchecked(record, str(error)), verdict=Verdict.FAILED, hint=error.hint
        )
    state = "failed" if result.verdict is Verdict.FAILED else "done"
    run.site.notify(Event(stage="rebuild", state=state, name=pin, results=(result,)))
    return result


def unchecked(record: BuildRecord, reason: str) -> Comparison:
    """Return the comparison of a wheel that was held against nothing."""
    return Comparison(
        name=record.name,
        version=record.version,
        wheel=record.wheel.filename,
        verdict=Verdict.UNCHECKED,
        as_published=record.as_published,
        ours=record.wheel.digest,
        reason=reason,
    )


def verify_record(run: Run, record: BuildRecord, plan: Plan) -> Comparison:
    """Rebuild the wheel of *record*, which is in the output folder, and compare.

    :raises AsamanError: the wheel or its interpreter is not available
    """
    if record.as_published:
        return unchecked(record, "used as published, not rebuilt")
    wheel = run.config.output / record.wheel.filename
    original = originals.of_wheel(run, record, wheel)
    if record.source_on_disk:
        plan = plan.without(_ON_DISK)
    if original.environment.temporary_names == "constant":
        plan = dataclasses.replace(plan, not_varied=(*plan.not_varied, _CONSTANT_NAMES))
    if record.rust is not None and variations.CLOCK in plan.names:
        plan = dataclasses.replace(plan, not_varied=(*plan.not_varied, _IN_RUSTC))
    plan = plan.since(record.started)
    return _kept(
        run, original, rebuild(original, plan, teller(run.site.notify, str(record.source.pin)))
    )


def _own_sdists(
    run: Run,
    requirements: Requirements,
    records: Sequence[BuildRecord],
    plan: Plan,
    started: datetime,
) -> list[Comparison]:
    """Rebuild the sdist of each project, where the input is one, or a workspace."""
    if run.config.project is None:
        return []
    # The wheels of all interpreters come from one sdist.
    sources = {record.name: record.source for record in records}
    found = []
    for pin, folder in zip(requirements.pins, project.folders_of(requirements), strict=True):
        if pin.name in sources:
            original = originals.of_sdist(run, folder, sources[pin.name], started)
            found.append(_kept(run, original, rebuild(original, plan.without(_ON_DISK))))
    return found


def _supply(run: Run, requirements: Requirements, records: Sequence[BuildRecord]) -> None:
    """Bring what the rebuilds need into the store.

    Wheels that were kept may have been built with another store.
    """
    pins = {digest: pin for pin in requirements.pins for digest in pin.digests}
    for record in records:
        if record.as_published:
            continue
        own = next(each for each in run.all_interpreters if _built_by(each, record))
        if not run.site.store.has(record.source.digest):
            pinned = record.source.pinned
            pin = pins.get(pinned, record.source.pin) if pinned is not None else record.source.pin
            pin = dataclasses.replace(pin, digests=(pinned,) if pinned is not None else ())
            prepare.prepare(run.site, [pin], own, only_binary=frozenset(run.config.only_binary))
        missing = [file for file in record.requirements if not run.site.store.has(file.digest)]
        if missing:
            requires.fetch_files(run.site, missing, own.executable)


def _built_by(interpreter: Interpreter, record: BuildRecord) -> bool:
    return record.interpreter is not None and interpreter.digest == record.interpreter.digest


def _kept(run: Run, original: Original, rebuilt: Rebuilt) -> Comparison:
    artefacts = {"first": original.first, "rebuilt": rebuilt.artefact or original.first}
    return keep(
        rebuilt.comparison,
        {
            side: partial(fetched, each.digest, each.filename, run.site.store)
            for side, each in artefacts.items()
        },
        run.config,
    )
