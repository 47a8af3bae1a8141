"""The ballot: which places are asked, under which policy, on which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from amrasaman_nox.agreement import places, policy, votes
from amrasaman_nox.config.config import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from amrasaman_nox.agreement.places import Held, Place
    from amrasaman_nox.agreement.policy import Policy
    from amrasaman_nox.agreement.votes import Tally
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """Where votes are looked for, and whose count.

    ``policy`` is ``None`` where places are only compared with; ``today`` is in UTC.
    """

    places: tuple[Place, ...]
    policy: Policy | None
    today: date

    def tally(self, ours: BuildRecord) -> Tally:
        """Return what all places say of the wheel of *ours*.

        :raises AsamanError: a location does not answer, or is refused (exit 2 or 5)
        """
        return votes.count(ours, self.found(ours), self.policy, self.today)

    def found(self, ours: BuildRecord) -> tuple[Held, ...]:
        """Return what each place has of the wheel of *ours*, to be counted.

        :raises AsamanError: as :meth:`tally`
        """
        return tuple(place.held(ours) for place in self.places)


def open_ballot(config: Config) -> Ballot:
    """Return the ballot of *config*: its places, with a policy also its own folder of wheels.

    :raises AsamanError: the policy or a place cannot be read, or the threshold not be reached today
        (exit 2); a library for signatures is missing (exit 4)
    """
    today = datetime.now(UTC).date()
    rules = None if config.policy is None else _rules(config.policy, today)
    others = (each for each in config.others if each != PUBLISHED)
    found = tuple(places.open_place(each, config.index) for each in others)
    own = () if rules is None else _own([config.output])
    return Ballot(places=(*own, *found), policy=rules, today=today)


def own_ballot(path: Path, folders: Iterable[Path]) -> Ballot:
    """Return the ballot of the policy at *path* over *folders* of the user's own.

    :raises AsamanError: as :func:`open_ballot`
    """
    today = datetime.now(UTC).date()
    return Ballot(places=_own(folders), policy=_rules(path, today), today=today)


def _rules(path: Path, today: date) -> Policy:
    rules = policy.read(path)
    rules.check_reachable(today)
    return rules


def _own(folders: Iterable[Path]) -> tuple[Place, ...]:
    return tuple(places.Folder(each, ours=True) for each in folders)
