"""Bounded texts that show where two values differ."""

from __future__ import annotations

import pytest

from amrasaman_nox.comparison.lines import (
    MOST_LINES,
    different_strings,
    excerpts,
    first_difference,
    hexdump,
    listed,
    shorten,
    strings,
    unified,
)
from amrasaman_nox.model import Row, RowKind
from amrasaman_nox.reports.wording import diff_text
from tests.comparison.examples import the_one
from tests.wheels.handmade import wheel


def test_a_diff_is_bounded_however_long_the_texts() -> None:
    ours = "".join(f"{number}\n" for number in range(100_000))
    theirs = "".join(f"{number * 7}\n" for number in range(100_000))
    one = the_one(
        wheel({"demo/x.txt": ours.encode()}), wheel({"demo/x.txt": theirs.encode()}), "text"
    )
    assert len(diff_text(one).split("\n")) <= MOST_LINES + 1
    assert diff_text(one).endswith("… cut")


def test_the_lines_of_a_hunk_are_counted_from_the_start_of_the_file() -> None:
    ours = [str(number) for number in range(1000)]
    theirs = [*ours[:800], "new", *ours[801:]]
    assert "@@ -798,7 +798,7 @@" in [row.text for row in unified(ours, theirs)]


@pytest.mark.parametrize(
    ("ours", "theirs", "place"),
    [
        (b"", b"", 0),
        (b"ab", b"ac", 1),
        (b"ab", b"abc", 2),
        (bytes(200_000) + b"x", bytes(200_001), 200_000),
    ],
)
def test_the_first_difference_is_found(ours: bytes, theirs: bytes, place: int) -> None:
    assert first_difference(ours, theirs) == place


def test_excerpts_begin_a_little_before_the_difference() -> None:
    ours, theirs = excerpts("a" * 1000 + "X", "a" * 1000 + "Y")
    assert (ours, theirs) == ("…" + "a" * 24 + "X", "…" + "a" * 24 + "Y")
    assert excerpts("    one", "    two") == ("one", "two")


def test_a_text_is_shortened_and_escaped() -> None:
    assert shorten("a" * 121) == "a" * 119 + "…"
    assert "\x1b" not in shorten("\x1b[31m")


def test_strings_are_runs_of_printable_characters_and_paths_come_first() -> None:
    ours, theirs = b"\0word\0/a/path\0abc\0", b"\0word\0/other\0"
    assert strings(ours) == ["word", "/a/path"]
    assert different_strings(b"\0text\0" + ours, theirs) == (["/a/path", "text"], ["/other"])


def test_a_list_of_rows_is_cut() -> None:
    rows = listed((Row(RowKind.OURS, str(number)) for number in range(5)), most=3)
    assert [row.text for row in rows] == ["0", "1", "2", "… cut"]


def test_a_dump_shows_both_sides_of_the_rows_that_differ() -> None:
    rows = hexdump(bytes(64), bytes(40) + b"A" + bytes(23), 40)
    assert [row.kind for row in rows[2:]].count(RowKind.OURS) == 1
    assert any(row.kind is RowKind.THEIRS and row.text.endswith("A.......") for row in rows)
