"""Our wheels under the votes of several rebuilders; where one differs, its file is looked at."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.agreement import votes
from amrasaman_nox.model import Comparison, Verdict
from amrasaman_nox.verification import rebuilders
from amrasaman_nox.verification.rebuilders import TheirWheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.agreement.ballot import Ballot
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord


def compare(record: BuildRecord, ballot: Ballot, config: Config, notes: list[str]) -> Comparison:
    """Return what all say of the wheel of *record*; files that do not count go to *notes*.

    The inputs that differ are named from the records. Then the first file that differs, where a
    place has it, is compared member by member.

    :raises AsamanError: a location is refused or does not answer, or a wheel is malformed
    """
    held = ballot.found(record)
    tally = votes.count(record, held, ballot.policy, ballot.today)
    notes += [f"not counted: {problem}" for problem in tally.problems]
    found = Comparison(
        name=record.name,
        version=record.version,
        wheel=record.wheel.filename,
        verdict=tally.verdict,
        against="votes" if ballot.policy is not None else "rebuilders",
        as_published=record.as_published,
        ours=record.wheel.digest,
        reason=tally.reason,
        votes=tally.votes,
        exempt=tally.exempt,
    )
    others = (one.wheel for one in held if one.digest not in (None, record.wheel.digest))
    wheel = next((each for each in others if each is not None), None)
    if found.verdict is not Verdict.DIFFERENT or wheel is None:
        return found
    return _with_differences(found, record, wheel, config)


def _with_differences(
    found: Comparison, record: BuildRecord, wheel: Path, config: Config
) -> Comparison:
    theirs = TheirWheel(
        name=record.name, version=record.version, filename=wheel.name, record=None, wheel=wheel
    )
    inside = rebuilders.compare_files(record, config.output, theirs, config)
    return dataclasses.replace(
        found,
        theirs=inside.theirs,
        normalisations=inside.normalisations,
        differences=inside.differences,
        causes=inside.causes,
        kept=inside.kept,
    )
