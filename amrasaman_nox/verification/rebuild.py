"""One rebuild under all variations; and, where it differs, the variations that matter.

What is rebuilt is a :class:`Original`: a wheel or an sdist with a function that builds it again in
an environment. A difference is never tried again until it vanishes: every further build only
narrows down where it comes from. The likeliest cause is tried first, and each build is told of.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from amrasaman_nox.comparison.wheels import normalisations_of, verdict_of
from amrasaman_nox.model import (
    Artefact,
    BuildFailure,
    Cause,
    Change,
    Comparison,
    Difference,
    Verdict,
)
from amrasaman_nox.verification.explain import FAILS, explain
from amrasaman_nox.verification.likely import fitting, shown
from amrasaman_nox.verification.steps import Steps
from amrasaman_nox.verification.variations import ADDRESSES, CLOCK, VARIATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from amrasaman_nox.model import BuildEnvironment
    from amrasaman_nox.verification.steps import Tell
    from amrasaman_nox.verification.variations import Plan, Variation

#: What differs with nothing varied.
RANDOM: Final = "random"
#: Zip keeps even seconds only.
_PAUSE: Final = 2.0
_RECORD: Final = ".dist-info/RECORD"
#: How many builds show whether something depends on where memory is: now and then, two are alike.
_LAYOUTS: Final = 4
#: Variations that a build is tried without first, where it fails under all.
_LIKELIEST_TO_FAIL: Final = ("locale",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """What is rebuilt: the first artefact, the environment that made it, and how to repeat that.

    ``started`` is when the first build began, ``finished`` when it had ended; each is ``None``
    where nobody knows.
    """

    name: str
    version: str
    first: Artefact
    environment: BuildEnvironment
    started: datetime | None
    finished: datetime | None
    build: Callable[[BuildEnvironment], Artefact | BuildFailure]
    compare: Callable[[Artefact, Artefact], tuple[Difference, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """How a rebuild compares; ``artefact`` is what it gave, ``None`` where it failed."""

    comparison: Comparison
    artefact: Artefact | None = None


def rebuild(original: Original, plan: Plan, tell: Tell = lambda step, known: None) -> Rebuilt:
    """Rebuild under all variations of *plan*; where that differs, find out which of them matter.

    The comparison has the causes, each confirmed by a build with that one variation alone.
    A variation under which the build fails says nothing about its bytes: it is left out and named,
    and the others go on. A rebuild that fails with nothing varied gives ``failed``.

    :param tell: is called before each build of the search for causes, with what is known by then
    """
    search = _Search(original=original, plan=plan, steps=Steps(tell))
    try:
        search, whole = search.whole()
        if whole.digest == original.first.digest:
            return Rebuilt(comparison=search.comparison(Verdict.IDENTICAL, whole), artefact=whole)
        found = original.compare(original.first, whole)
        comparison = replace(
            search.comparison(verdict_of(found), whole),
            normalisations=normalisations_of(found),
            differences=found,
        )
        search.steps.begin("searching for the cause", comparison)
        causes, reason = search.causes(whole, found)
    except _Failed as failed:
        return Rebuilt(comparison=search.failed(failed))
    comparison = replace(comparison, causes=(*causes, *search.left_out), reason=reason)
    return Rebuilt(comparison=comparison, artefact=whole)


class _Failed(Exception):  # noqa: N818 - it becomes a verdict
    """A rebuild gave no artefact, under these variations."""

    def __init__(self, failure: BuildFailure, names: Sequence[str]) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.names = tuple(names)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Steady:
    """What builds are held against while one searches.

    ``environment`` is the first one, with its clock fixed where that is possible;
    ``masked`` are the members that are new in every build.
    """

    environment: BuildEnvironment
    base: Artefact
    masked: frozenset[str] = frozenset()
    random: tuple[Difference, ...] = ()

    def same(self, other: Artefact, one: Artefact | None = None) -> bool:
        """Tell whether *other* differs from *one*, the base for none, only in what always does."""
        one = one or self.base
        if not self.masked:
            return one.digest == other.digest
        return self.content(one) == self.content(other)

    def masking(self, other: Artefact) -> _Steady:
        """Return this without the members in which *other* differs."""
        ours, theirs = _facts(self.base), _facts(other)
        names = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}
        return replace(self, masked=self.masked | names)

    def content(self, artefact: Artefact) -> frozenset[tuple[str, str, bool]]:
        """Return the members that do not always differ; RECORD follows from the others."""
        return frozenset(
            (member.name, member.sha256, member.executable)
            for member in artefact.members
            if member.name not in self.masked and not member.name.endswith(_RECORD)
        )


#: Variations that together make a difference, mostly one, and what was built under them.
_Culprits = tuple[tuple["Variation", ...], "Artefact | BuildFailure"]
_Matters = tuple[tuple["Variation", ...], Artefact, _Steady]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """The search for the variations that matter to one original."""

    original: Original
    plan: Plan
    steps: Steps
    left_out: tuple[Cause, ...] = ()

    # --- builds ------------------------------------------------------------------------------

    def whole(self) -> tuple[_Search, Artefact]:
        """Build under all variations but those under which the build fails.

        :returns: the search with the variations that are left, and what was built under them
        """
        if not self.plan.machine.fake_clock:
            self._pause(self.original.finished)
        search, built = self, self.under_all()
        while isinstance(built, BuildFailure):
            search, built = search._without_failing(built)
        return search, built

    def under_all(self) -> Artefact | BuildFailure:
        """Build under all variations that are left."""
        return self._under(self.original.environment, self.plan.variations)

    def _without_failing(self, failure: BuildFailure) -> tuple[_Search, Artefact | BuildFailure]:
        """Leave out variations under which the build fails, at least one, and build again."""
        if not self.plan.variations:
            raise _Failed(failure, ())
        self.steps.begin("looking for the variation that breaks the build")
        self.steps.expect(len(_LIKELIEST_TO_FAIL))
        for name in _LIKELIEST_TO_FAIL:
            search = self._without({name: failure})
            built = search.under_all() if name in self.plan.names else failure
            if isinstance(built, Artefact):
                return search, built
        self.steps.expect(1 + _halvings(self.plan.variations) + 1)
        plain = self._under(self.original.environment, ())
        if isinstance(plain, BuildFailure):
            raise _Failed(plain, ())

        def fails(tried: Sequence[Variation]) -> BuildFailure | None:
            result = self._under(self.original.environment, tried)
            return result if isinstance(result, BuildFailure) else None

        # Of several that fail only together, one is enough to leave out.
        found = _culprits(fails, self.plan.variations, failure)
        search = self._without(
            {group[0].name: built for group, built in found if isinstance(built, BuildFailure)}
        )
        return search, search.under_all()

    def _without(self, failures: Mapping[str, BuildFailure]) -> _Search:
        failing = [each for each in self.plan.variations if each.name in failures]
        where = {
            each.name: each.where(self.plan.varied(self.original.environment, [each]))
            for each in failing
        }
        reasons = {
            name: f"the build fails {place}: {failures[name].reason}"
            for name, place in where.items()
        }
        causes = [_failing(name, failures[name]) for name in where]
        return replace(self, plan=self.plan.without(reasons), left_out=(*self.left_out, *causes))

    def _under(
        self, environment: BuildEnvironment, variations: Sequence[Variation]
    ) -> Artefact | BuildFailure:
        self.steps.next()
        return self.original.build(self.plan.varied(environment, variations))

    def _artefact(self, environment: BuildEnvironment, variations: Sequence[Variation]) -> Artefact:
        built = self._under(environment, variations)
        if isinstance(built, BuildFailure):
            raise _Failed(built, [each.name for each in variations])
        return built

    def _pause(self, finished: datetime | None) -> None:
        """Wait until a build that begins now cannot fall into one second with a *finished* one."""
        passed = 0.0 if finished is None else (datetime.now(UTC) - finished).total_seconds()
        # A clock that was set back says nothing of how long ago it was.
        left = _PAUSE - max(0.0, passed)
        if left > 0:
            time.sleep(left)

    # --- what differs ------------------------------------------------------------------------

    def causes(
        self, whole: Artefact, differences: tuple[Difference, ...]
    ) -> tuple[tuple[Cause, ...], str]:
        """Return why the rebuild differs, the most particular cause first, and what to know.

        :param whole: what was built under all variations
        :param differences: how it differs
        """
        self.steps.expect(2 + (_LAYOUTS if ADDRESSES in self.plan.names else 0))
        steady = self._steady()
        found: dict[str, tuple[Cause, ...]] = {}
        for group, built, after in self._that_matter(steady, whole, differences):
            found[_label(group)] = self._explained(steady, group, built)
            self.steps.found(found[_label(group)])
            steady = after
        if steady.random:
            found[RANDOM] = explain(steady.random, RANDOM)
        elif CLOCK not in found and not steady.same(self.original.first):
            # Held still, the clock gives another result than running: fractions of a second.
            parts = self.original.compare(self.original.first, steady.base)
            found[CLOCK] = explain(parts, CLOCK)
        elif not found:
            # Only the clock went on, unless that was held against another one as well.
            label = RANDOM if CLOCK in self.plan.names else CLOCK
            found[label] = explain(differences, label)
        ordered = sorted(found.items(), key=lambda item: _rank(item[0]))
        return tuple(cause for _, causes in ordered for cause in causes), self._reason(steady)

    def _that_matter(
        self, steady: _Steady, whole: Artefact, differences: tuple[Difference, ...]
    ) -> Iterator[_Matters]:
        """Build until it is known which variations matter, the likeliest ones first.

        :returns: variations that matter, what they gave alone, and what later builds are held
            against
        """
        builds = functools.cache(functools.partial(self._artefact, steady.environment))
        unknown = tuple(one for one in differences if one.member not in steady.masked)
        telling = shown(unknown, self.original.environment, self.plan)
        self.steps.expect(len(telling) or 2 * _LAYOUTS)
        for each in telling:
            built = builds((each,))
            if steady.same(whole, built) and not steady.same(built):
                # It alone gives what all give, its value included: nothing else is needed.
                yield (each,), built, steady
                return
        layout = self._other_layout(steady) if unknown else None
        if layout is not None:
            # Whatever else is varied moves memory as well: this would be blamed on it.
            steady = steady.masking(layout[1])
            yield (layout[0],), layout[1], steady

        def differs(tried: tuple[Variation, ...]) -> Artefact | None:
            built = builds(tried)
            return None if steady.same(built) else built

        likely = dict.fromkeys((*telling, *fitting(unknown, self.plan)))
        suspects = [each for each in self.plan.variations if each.name != ADDRESSES]
        found = False
        self.steps.expect(len(likely) + _halvings(suspects))
        for each in likely:
            alone = differs((each,))
            if alone is not None:
                found = True
                yield (each,), alone, steady
                if steady.same(whole, alone):
                    return
        # Where none of them matters alone, they may together with others.
        rest = tuple(each for each in suspects if not found or each not in likely)
        self.steps.expect(_halvings(rest))
        for group, gave in _culprits(differs, rest):
            if isinstance(gave, Artefact):
                yield group, gave, steady

    def _explained(
        self, steady: _Steady, group: Sequence[Variation], built: Artefact
    ) -> tuple[Cause, ...]:
        differences = tuple(
            one
            for one in self.original.compare(steady.base, built)
            if one.member not in steady.masked
        )
        return explain(differences, _label(group))

    def _other_layout(self, steady: _Steady) -> tuple[Variation, Artefact] | None:
        """Build with randomised addresses, a few times, until something else comes out."""
        for variation in self.plan.variations:
            if variation.name == ADDRESSES:
                for _ in range(_LAYOUTS):
                    built = self._artefact(steady.environment, (variation,))
                    if not steady.same(built):
                        return variation, built
        return None

    def _steady(self) -> _Steady:
        """Build with nothing varied, once or, where that differs from the first, twice."""
        original = self.original
        still = self._still()
        if still == original.environment:
            return self._steady_in(still)
        try:
            return self._steady_in(still)
        except _Failed:
            # Some programs do not run with a fixed clock.
            return self._steady_in(original.environment)

    def _steady_in(self, environment: BuildEnvironment) -> _Steady:
        once = self._artefact(environment, ())
        if once.digest == self.original.first.digest:
            return _Steady(environment=environment, base=once)
        if environment.clock is None:
            self._pause(datetime.now(UTC))
        twice = self._artefact(environment, ())
        random = self.original.compare(once, twice) if once.digest != twice.digest else ()
        content = {name: _facts(once).get(name) for name in {*_facts(once), *_facts(twice)}}
        masked = frozenset(
            name for name, facts in content.items() if _facts(twice).get(name) != facts
        )
        return _Steady(environment=environment, base=once, masked=masked, random=random)

    def _still(self) -> BuildEnvironment:
        started, environment = self.original.started, self.original.environment
        if started is None or not self.plan.machine.fake_clock or environment.clock is not None:
            return environment
        return replace(environment, clock=int(started.timestamp()))

    def _reason(self, steady: _Steady) -> str:
        if not steady.random or steady.environment.clock is not None:
            return ""
        why = "it does not build under libfaketime"
        if not self.plan.machine.fake_clock:
            why = "libfaketime is not installed"
        return f"the clock could not be fixed ({why}), so a random value may be a time"

    # --- verdicts ----------------------------------------------------------------------------

    def comparison(self, verdict: Verdict, other: Artefact | None = None) -> Comparison:
        """Return a comparison with what is known of every rebuild."""
        original = self.original
        return Comparison(
            name=original.name,
            version=original.version,
            wheel=original.first.filename,
            verdict=verdict,
            ours=original.first.digest,
            theirs=None if other is None else other.digest,
            varied=self.plan.names,
            not_varied=self.plan.not_varied,
            values=self.plan.values(original.environment),
            causes=self.left_out,
        )

    def failed(self, failed: _Failed) -> Comparison:
        """Return the comparison of a rebuild that gave nothing to compare."""
        failure = failed.failure
        varied = f"varied: {', '.join(failed.names)}" if failed.names else "nothing varied"
        return replace(
            self.comparison(Verdict.FAILED),
            reason=f"the rebuild failed ({varied}): {failure.stage}: {failure.reason}",
            hint=failure.hint,
            log=failure.log,
        )


def _failing(variation: str, failure: BuildFailure) -> Cause:
    """Return that a build fails under a variation, as a cause with its explanation."""
    said = Change(what=failure.stage, theirs=failure.reason)
    difference = Difference(kind=FAILS, changes=(said,), total=1)
    (cause,) = explain((difference,), variation)
    return cause


def _facts(artefact: Artefact) -> dict[str, tuple[str, bool]]:
    return {member.name: (member.sha256, member.executable) for member in artefact.members}


def _label(group: Sequence[Variation]) -> str:
    return "+".join(variation.name for variation in group)


def _rank(label: str) -> int:
    """Return the place of a cause: what many things depend on (paths, the user) comes last."""
    names = [variation.name for variation in reversed(VARIATIONS)]
    return names.index(label) + 1 if label in names else 0 if label == RANDOM else len(names) + 1


def _halvings(suspects: Sequence[Variation]) -> int:
    """Return about how many builds find one culprit among *suspects*."""
    return 2 * max(1, len(suspects)).bit_length()


def _culprits(
    matters: Callable[[tuple[Variation, ...]], Artefact | BuildFailure | None],
    suspects: tuple[Variation, ...],
    seen: Artefact | BuildFailure | None = None,
) -> list[_Culprits]:
    """Return the variations among *suspects* that matter, each with what it gave alone.

    Halves that do not matter are left alone, so that one culprit of n costs about 2·log2(n) builds.

    :param matters: builds under some variations; returns what it gave if that matters
    :param seen: what *suspects* gave all together, where that is known
    """
    built = seen if seen is not None else matters(suspects) if suspects else None
    if built is None:
        return []
    if len(suspects) == 1:
        return [(suspects, built)]
    middle = len(suspects) // 2
    found = [*_culprits(matters, suspects[:middle]), *_culprits(matters, suspects[middle:])]
    return found or [_together(matters, suspects, built)]


def _together(
    matters: Callable[[tuple[Variation, ...]], Artefact | BuildFailure | None],
    suspects: tuple[Variation, ...],
    built: Artefact | BuildFailure,
) -> _Culprits:
    """Return the fewest of *suspects* that matter only together: each is left out in turn."""
    for variation in suspects:
        fewer = tuple(each for each in suspects if each is not variation)
        result = matters(fewer) if len(fewer) > 1 else None
        if result is not None:
            return _together(matters, fewer, result)
    return suspects, built
