"""For every seed the varied clock shows another date in each of its parts."""

from __future__ import annotations

import calendar
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH
from amrasaman_nox.verification.draw import Draw
from amrasaman_nox.verification.moments import ahead, zone

SEEDS = [str(number) for number in range(2000)]
MOMENTS = [
    datetime(2026, 11, 28, 4, 57, 3, tzinfo=UTC),
    datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2031, 7, 15, 0, 0, tzinfo=UTC),
    datetime(2097, 1, 1, 10, 0, tzinfo=UTC),
]


def is_unlike(seen: datetime, first: datetime) -> bool:
    return (
        calendar.isleap(seen.year) != calendar.isleap(first.year)
        and seen.year != first.year
        and seen.month != first.month
        and seen.day != first.day
        and seen.weekday() != first.weekday()
        and seen.hour != first.hour
    )


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_the_clock_is_at_least_398_days_later_and_differs_in_every_part(now: datetime) -> None:
    for seed in SEEDS:
        draw = Draw(seed=seed, now=now)
        place = zone(draw, DEFAULT_SOURCE_DATE_EPOCH)
        seconds = ahead(draw, place)
        assert seconds >= 398 * 86_400
        for offset in (timedelta(), *place.offsets):
            assert is_unlike(now + timedelta(seconds=seconds) + offset, now)


@pytest.mark.parametrize("days", [-1, 3, 40, 366, 800])
def test_what_was_built_at_another_time_is_unlike_that(days: int) -> None:
    now = MOMENTS[0]
    first = now - timedelta(days=days)
    for seed in SEEDS[:500]:
        draw = Draw(seed=seed, now=now, first=first)
        later = now + timedelta(seconds=ahead(draw, zone(draw, 0)))
        assert is_unlike(later, first)
        assert later - max(now, first) >= timedelta(days=398)


def test_the_clock_does_not_go_further_than_it_has_to() -> None:
    now = MOMENTS[0]
    years = {
        (now + timedelta(seconds=ahead(draw, zone(draw, 0)))).year
        for draw in (Draw(seed=seed, now=now) for seed in SEEDS)
    }
    assert years <= {2028, 2032}


def test_other_seeds_give_other_clocks_and_time_zones() -> None:
    draws = [Draw(seed=seed, now=MOMENTS[0]) for seed in SEEDS]
    assert len({ahead(draw, zone(draw, 0)) for draw in draws}) > 1900
    assert len({zone(draw, DEFAULT_SOURCE_DATE_EPOCH).offsets for draw in draws}) > 10


@pytest.mark.parametrize("hour", range(24))
def test_a_date_from_the_epoch_falls_on_another_day_in_the_time_zone(hour: int) -> None:
    for minute in (0, 14, 29, 59):
        moment = datetime(2011, 6, 29, hour, minute, 37, tzinfo=UTC)
        for seed in SEEDS[:100]:
            place = zone(Draw(seed=seed, now=moment), int(moment.timestamp()))
            assert all((moment + each).date() != moment.date() for each in place.offsets)


def test_the_c_library_reads_the_time_zone_as_it_is_meant() -> None:
    for seed in SEEDS[:20]:
        place = zone(Draw(seed=seed, now=MOMENTS[0]), DEFAULT_SOURCE_DATE_EPOCH)
        done = subprocess.run(
            ["date", "-d", "@1309379017", "+%z %Z"],
            env={**os.environ, "TZ": place.variable},
            capture_output=True,
            text=True,
            check=True,
        )
        offset, name = done.stdout.split()
        # June is winter in the south.
        minutes = int(place.offsets[0].total_seconds()) // 60
        assert (
            offset == f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
        )
        assert len(name) == 4
