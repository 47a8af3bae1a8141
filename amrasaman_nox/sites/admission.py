"""Which wheels a policy lets into a site: those that have their votes; others are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.agreement.ballot import own_ballot
from amrasaman_nox.errors import AsamanError, ExitCode, all_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from amrasaman_nox.agreement.votes import Tally
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.record_files import RecordFile


def tallies(
    config: Config, files: Mapping[str, RecordFile], folders: Sequence[Path]
) -> dict[str, Tally]:
    """Return what the rebuilders of the policy say of each of *files*; nothing without a policy.

    The signed records in *folders* are counted.

    :raises AsamanError: the policy cannot be read, or the threshold not be reached today (exit 2),
        or a library for signatures is missing (exit 4)
    """
    if config.policy is None:
        return {}
    ballot = own_ballot(config.policy, folders)
    return {name: ballot.tally(file.record) for name, file in sorted(files.items())}


def lets(tally: Tally | None) -> bool:
    """Tell whether the policy lets a wheel with *tally* through, or there is no policy."""
    return tally is None or tally.admitted


def check_some(found: Mapping[str, Tally]) -> None:
    """Check that the policy lets one wheel through at least.

    :raises AsamanError: it does not (exit 1); all are named, with what each rebuilder says
    """
    refused = [
        AsamanError(name, one.reason, code=ExitCode.DIFFERENT, others=one.problems)
        for name, one in found.items()
        if not one.admitted
    ]
    if refused and len(refused) == len(found):
        raise all_of(refused)


def notes(found: Mapping[str, Tally]) -> list[str]:
    """Return a line for each wheel that the policy does not let through, and each bad file."""
    lines = [f"left out: {name}: {one.reason}" for name, one in found.items() if not one.admitted]
    return lines + [str(problem) for one in found.values() for problem in one.problems]
