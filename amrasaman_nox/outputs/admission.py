"""Which wheels a policy lets into a verified file: those that have their votes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, ExitCode, all_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from amrasaman_nox.agreement.ballot import Ballot
    from amrasaman_nox.agreement.votes import Tally
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord, Pin
    from amrasaman_nox.outputs.requirements import VerifiedPin


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """The votes for all wheels of a file, all of which are admitted."""

    ballot: Ballot | None = None
    tallies: tuple[Tally, ...] = ()

    @property
    def voted(self) -> frozenset[str]:
        """The file names of the wheels that have votes."""
        return frozenset(one.record.wheel.filename for one in self.tallies if not one.exempt)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth printing: how many votes there are, and where somebody does not agree."""
        if not self.tallies:
            return ()
        voted = [each for each in self.tallies if not each.exempt]
        needed = self.tallies[0].needed
        head = f"{len(voted)} of {len(self.tallies)} wheels have {needed} votes or more"
        return (head, *(line for each in self.tallies for line in _remarks(each)))

    def summary(self, resource: Path, config: Config) -> str:
        """Return the summary that *config* asks for, ``""`` for none; signed if it names a key.

        :param resource: the file that it is about
        :raises AsamanError: the key cannot be used, or no wheel has votes
        """
        if config.vsa is None or self.ballot is None or self.ballot.policy is None:
            return ""
        from amrasaman_nox.agreement import seals, summary

        seal = seals.configured(config)
        return summary.render(self.tallies, self.ballot.policy, resource, datetime.now(UTC), seal)


def ballot_of(config: Config) -> Ballot | None:
    """Return the ballot of *config*, ``None`` without a policy.

    :raises AsamanError: an option needs a policy and there is none; else as
        :func:`amrasaman_nox.agreement.ballot.open_ballot`
    """
    if config.policy is not None:
        from amrasaman_nox.agreement.ballot import open_ballot

        return open_ballot(config)
    if config.vsa is not None:
        raise AsamanError("--vsa", "it requires a policy", hint="give one: --policy FILE")
    return None


def admit(
    entries: Sequence[VerifiedPin], records: Iterable[BuildRecord], ballot: Ballot | None
) -> Admission:
    """Return the votes for the wheels of *entries*.

    :param records: the records of all wheels
    :raises AsamanError: a wheel lacks votes (exit 1); all such pins are named, and what each
        rebuilder says
    """
    if ballot is None:
        return Admission()
    by_name = {record.wheel.filename: record for record in records}
    pins = {wheel.filename: entry.pin for entry in entries for wheel in entry.wheels}
    tallies = tuple(ballot.tally(by_name[name]) for name in pins)
    refused = [_refusal(each, pins) for each in tallies if not each.admitted]
    if refused:
        raise all_of(refused)
    return Admission(ballot=ballot, tallies=tallies)


def _refusal(tally: Tally, pins: Mapping[str, Pin]) -> AsamanError:
    pin = pins[tally.record.wheel.filename]
    return AsamanError(
        str(pin),
        tally.reason,
        code=ExitCode.DIFFERENT,
        origin=pin.origin,
        others=tally.problems,
    )


def _remarks(tally: Tally) -> Iterator[str]:
    wheel = tally.record.wheel.filename
    if tally.exempt or any(vote.counts and vote.group not in tally.groups for vote in tally.votes):
        yield f"{wheel}: {tally.reason}"
    yield from (str(problem) for problem in tally.problems)
