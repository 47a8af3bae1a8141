"""Which part of a divided run a pin is in."""

from __future__ import annotations

import pytest

from amrasaman_nox.builds import shard
from amrasaman_nox.model import (
    Pin,
    Requirements,
)


def requirements(*names: str) -> Requirements:
    pins = tuple(Pin(name=name, version="1.0") for name in names)
    return Requirements(kind="requirements", path="requirements.txt", pins=pins)


def parts_of(names: list[str], parts: int) -> list[set[str]]:
    whole = requirements(*names)
    return [
        {pin.name for pin in shard.part(whole, (number, parts)).pins}
        for number in range(1, parts + 1)
    ]


@pytest.mark.parametrize("parts", [1, 2, 5, 40])
def test_each_pin_is_in_exactly_one_part(parts: int) -> None:
    names = [f"project-{number}" for number in range(100)]
    found = parts_of(names, parts)
    assert sorted(name for part in found for name in part) == sorted(names)
    if parts <= 5:
        assert min(len(part) for part in found) > 60 // parts


def test_a_pin_stays_in_its_part_when_others_come_and_go() -> None:
    names = [f"project-{number}" for number in range(100)]
    before, after = parts_of(names, 5), parts_of([*names[20:], "new"], 5)
    for one, other in zip(before, after, strict=True):
        assert one - set(names[:20]) == other - {"new"}


def test_without_a_shard_it_is_the_whole() -> None:
    whole = requirements("b", "a")
    assert shard.part(whole, None) is whole
