"""The varied clock and time zone: what a build reads of the date is another thing in each part."""

from __future__ import annotations

import calendar
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from amrasaman_nox.verification.draw import Draw

_DAY: Final = 86_400
#: By how many seconds the varied clock is ahead at least, and how far it is drawn from.
_LEAST: Final = 398 * _DAY
_SPREAD: Final = 4 * 366 * _DAY
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """A time zone as the variable ``TZ`` names it (POSIX), and how far it is ahead of UTC."""

    variable: str
    offsets: tuple[timedelta, ...]


def zone(draw: Draw, epoch: int) -> Zone:
    """Draw a time zone in which *epoch*, in seconds since 1970, falls on another day than in UTC.

    It is not a whole number of hours off, has summer time, and needs no zone files.
    """
    for attempt in itertools.count():
        east = 15 * draw.number(f"time zone {attempt}", -47, 55)
        offsets = timedelta(minutes=east), timedelta(minutes=east + 30)
        if all(each.seconds % 3600 and _other_day(epoch, each) for each in offsets):
            break
    name = "".join(draw.one_of(f"time zone letter {place}", _LETTERS) for place in range(3))
    standard, summer = (_posix(each) for each in offsets)
    return Zone(variable=f"{name}T{standard}{name}S{summer},M10.1.0,M4.1.0", offsets=offsets)


def _other_day(epoch: int, offset: timedelta) -> bool:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)
    return (moment + offset).date() != moment.date()


def _posix(offset: timedelta) -> str:
    """Return *offset* as POSIX writes it: what is ahead of UTC is negative."""
    minutes = -int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02}"


def ahead(draw: Draw, zone: Zone) -> int:
    """Return by how many seconds the varied clock is ahead of the machine's, at least 398 days.

    It differs from the first build's in year, month, day, weekday and hour, and the year is a leap
    year if the other is none; in UTC and in *zone*.
    """
    now = draw.now.astimezone(UTC)
    first = now if draw.first is None else draw.first.astimezone(UTC)
    # A first build elsewhere may have run under a clock that is ahead of ours.
    early = max(0, int((first - now).total_seconds()) + 1)
    for attempt in itertools.count():
        # Leap years are rare around 2100: the further the search goes, the later it looks.
        far = _LEAST + _SPREAD + attempt * 8 * _DAY
        seconds = early + draw.number(f"clock {attempt}", _LEAST, far)
        seen = now + timedelta(seconds=seconds)
        if all(_unlike(seen + offset, first) for offset in (timedelta(), *zone.offsets)):
            return seconds
    raise AssertionError  # The search has no end.


def _unlike(seen: datetime, first: datetime) -> bool:
    return (
        calendar.isleap(seen.year) != calendar.isleap(first.year)
        and seen.month != first.month
        and seen.day != first.day
        and seen.weekday() != first.weekday()
        # A build that waits for its turn begins later than is known here.
        and 2 <= (seen.hour - first.hour) % 24 <= 22
    )
