"""What differs between two wheels of one source that were built with other build requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.comparison.wheels import compare_wheels, normalisations_of, verdict_of
from amrasaman_nox.model import Comparison, Verdict
from amrasaman_nox.runs.sourced import differing
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification import probe, variations
from amrasaman_nox.verification.draw import begin
from amrasaman_nox.verification.explain import BUILD_REQUIREMENTS, explain
from amrasaman_nox.verification.originals import of_wheel
from amrasaman_nox.verification.rebuild import rebuild

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildRecord
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.runs.stages import Stages


def unrepeated(run: Run, done: Stages) -> tuple[Comparison, ...]:
    """Return how each wheel of the last stage that is not the same differs from the one before.

    :raises AsamanError: a wheel is no longer in the store (exit 5)
    """
    number = done.stages[-1].number - 1
    return tuple(
        compared(run, done.records[each], done.former[each], f"stage {number}")
        for each in differing(done)
        if each in done.former
    )


def compared(run: Run, ours: BuildRecord, theirs: BuildRecord, against: str) -> Comparison:
    """Return how the wheel of one record differs from that of another, and why.

    The build is repeated under all variations first, their values drawn from the run's seed: what
    is not the same then has nothing to do with build requirements.

    :param against: what the other wheel is, for readers
    :raises AsamanError: a wheel is no longer in the store (exit 5)
    """
    store, left, right = run.site.store, ours.wheel, theirs.wheel
    with (
        fetched(left.digest, left.filename, store) as our_file,
        fetched(right.digest, right.filename, store) as their_file,
    ):
        found = compare_wheels(our_file, their_file, filename=left.filename)
    plan = variations.plan((), variations.Machine.here(run.isolation), begin(run.config.seed))
    again = rebuild(
        of_wheel(run, ours, store.path(left.digest)), probe.proved(run, plan)
    ).comparison
    same = again.verdict is Verdict.IDENTICAL
    return Comparison(
        name=ours.name,
        version=ours.version,
        wheel=left.filename,
        verdict=verdict_of(found),
        against=against,
        ours=left.digest,
        theirs=right.digest,
        normalisations=normalisations_of(found),
        differences=found,
        causes=explain(found, BUILD_REQUIREMENTS) if same else again.causes,
        varied=again.varied,
        not_varied=again.not_varied,
        values=again.values,
        reason=f"it differs from {against}" if same else again.reason,
    )
