"""The date that build requirements are resolved at: for builds, and for published wheels.

Both follow from public facts, so that two people who share only their pins resolve the same.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amrasaman_nox.model import LockEntry

#: When the first release of each minor version of Python came out (PEP 569, 596, 619, 664, 693,
#: 719, 745).
RELEASED: Final[Mapping[str, date]] = {
    "3.8": date(2019, 10, 14),
    "3.9": date(2020, 10, 5),
    "3.10": date(2021, 10, 4),
    "3.11": date(2022, 10, 24),
    "3.12": date(2023, 10, 2),
    "3.13": date(2024, 10, 7),
    "3.14": date(2025, 10, 7),
}


class Reason(enum.StrEnum):
    """Why a resolution has its date."""

    UPLOAD = "upload of the sdist"
    INTERPRETER = "release of the interpreter"
    OPTION = "--as-of"
    NOW = "--as-of now"
    UNKNOWN = "upload time not known"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutoff:
    """A date of resolution in UTC, why it is that date, and a note where a rule did not apply."""

    moment: datetime
    reason: Reason
    note: str = ""


def build_cutoff(
    uploaded: datetime | None, python: str, *, as_of: str | None, now: datetime
) -> Cutoff:
    """Return the date at which the build requirements of a source are resolved.

    It is the later of the sdist's upload and the release of the interpreter's minor version: a
    build requirement from before that release may not run on it, or has no wheel for it.

    :param uploaded: when the sdist was uploaded (UTC), ``None`` if no index knows
    :param python: the interpreter's minor version, such as ``3.12``
    :param as_of: what the user asks for: ``now``, a moment in ISO 8601, or ``None`` for the rule
    :param now: the time at which the run began (UTC), for a source of unknown age
    """
    if as_of == "now":
        return Cutoff(moment=now, reason=Reason.NOW)
    if as_of is not None:
        return Cutoff(moment=datetime.fromisoformat(as_of).astimezone(UTC), reason=Reason.OPTION)
    if uploaded is None:
        return Cutoff(moment=now, reason=Reason.UNKNOWN)
    released = RELEASED.get(python)
    if released is None:
        note = f"the release date of Python {python} is not known: the sdist's upload time is used"
        return Cutoff(moment=uploaded, reason=Reason.UPLOAD, note=note)
    floor = datetime.combine(released, time(), UTC)
    if uploaded < floor:
        return Cutoff(moment=floor, reason=Reason.INTERPRETER)
    return Cutoff(moment=uploaded, reason=Reason.UPLOAD)


def is_as_of(entry: LockEntry, asked: str) -> bool:
    """Return whether *entry* was resolved as of the date *asked*, as a user names it."""
    if asked == "now":
        return entry.as_of_reason == Reason.NOW
    return entry.as_of == datetime.fromisoformat(asked).astimezone(UTC)


def is_before_interpreter(entry: LockEntry, python: str) -> bool:
    """Return whether *entry* is from before the rule of the interpreter's release, and it applies.

    Such entries were written by 0.3.0, and name no reason.
    """
    released = RELEASED.get(python)
    if entry.as_of is None or released is None or entry.as_of_reason:
        return False
    return entry.as_of < datetime.combine(released, time(), UTC)


def crates_cutoff(uploaded: datetime | None, *, as_of: str | None, now: datetime) -> datetime:
    """Return the date at which the crates of a source without a ``Cargo.lock`` are resolved.

    No crate depends on the interpreter, so its release does not count.
    """
    if as_of is not None and as_of != "now":
        return datetime.fromisoformat(as_of).astimezone(UTC)
    return now if as_of == "now" or uploaded is None else uploaded


def published_cutoff(
    wheel_uploaded: datetime | None, sdist_uploaded: datetime | None, *, now: datetime
) -> datetime:
    """Return the date at which the publisher of a wheel resolved its build requirements.

    The interpreter that is used here does not matter: the publisher had another one, maybe an older
    one.
    """
    return wheel_uploaded or sdist_uploaded or now
