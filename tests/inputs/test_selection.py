"""Which pins of an input apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.inputs.selection import part, select
from amrasaman_nox.model import Pin, Requirements
from tests.inputs.reading import HASH, MARKERS, failure, read

if TYPE_CHECKING:
    from pathlib import Path


LONG_AGO = 'python_version < "3"'


def test_a_marker_decides_between_two_pins_of_a_project(tmp_path: Path) -> None:
    text = f'foo==1 ; {LONG_AGO} {HASH}\nfoo==2 ; python_version >= "3" {HASH}\nbar==1 {HASH}\n'
    found = read(tmp_path, text)
    applying, left_out = select(found, MARKERS)
    assert [str(pin) for pin in applying] == ["foo==2", "bar==1"]
    assert [(str(pin), why) for pin, why in left_out] == [
        ("foo==1", 'marker python_version < "3" is false here')
    ]


def test_two_releases_of_a_project_that_both_apply_are_refused(tmp_path: Path) -> None:
    text = f'foo==1 ; os_name == "posix" {HASH}\nFOO==2 {HASH}\n'
    found = read(tmp_path, text)
    error = failure(lambda: select(found, MARKERS))
    assert error.lines()[0] == (
        f"error: pinned twice: foo==2, and foo==1 ({tmp_path}/requirements.txt line 1) "
        f"({tmp_path}/requirements.txt line 2)"
    )


def test_a_constraint_with_a_marker_counts_where_it_applies(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text('foo<1 ; sys_platform == "win32"\n')
    found = read(tmp_path, f"foo==1 {HASH}\n-c c.txt\n")
    assert select(found, MARKERS)[0] == found.pins
    error = failure(lambda: select(found, {**MARKERS, "sys_platform": "win32"}))
    assert error.what == "conflicting constraint"


def test_a_constraint_does_not_judge_a_pin_that_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("foo>1\n")
    found = read(tmp_path, f"foo==1 ; {LONG_AGO} {HASH}\nbar==1 {HASH}\n-c c.txt\n")
    assert [str(pin) for pin in select(found, MARKERS)[0]] == ["bar==1"]


@pytest.mark.parametrize("marker", ['"x" in extras', 'python_version ~= "x"'])
def test_a_marker_that_cannot_be_judged_is_refused(tmp_path: Path, marker: str) -> None:
    found = read(tmp_path, f"foo==1 ; {marker} {HASH}\n")
    error = failure(lambda: select(found, MARKERS))
    assert error.what == "invalid marker"
    assert error.origin == found.pins[0].origin


# --- parts of a run


def requirements(*names: str) -> Requirements:
    pins = tuple(Pin(name=name, version="1.0") for name in names)
    return Requirements(kind="requirements", path="requirements.txt", pins=pins)


def parts_of(names: list[str], parts: int) -> list[set[str]]:
    whole = requirements(*names)
    return [
        {pin.name for pin in part(whole, (number, parts)).pins} for number in range(1, parts + 1)
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
    assert part(whole, None) is whole
