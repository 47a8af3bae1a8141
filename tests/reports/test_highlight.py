"""Within the lines of a diff, what differs is marked, and nothing else."""

from __future__ import annotations

from amrasaman_nox.model import Row, RowKind
from amrasaman_nox.reports.highlight import highlighted

SIDES = ("first", "rebuilt")


def marked(*rows: Row) -> list[str]:
    """Return the texts of rows with what differs in brackets."""
    return [
        "".join(f"[{part}]" if differs else part for part, differs in parts)
        for _, parts in highlighted(rows, SIDES)
    ]


def test_only_what_differs_in_a_line_is_marked() -> None:
    rows = (Row(RowKind.OURS, "built on 2026-11-27"), Row(RowKind.THEIRS, "built on 2028-11-28"))
    assert marked(*rows) == ["built on [2026]-11-[27]", "built on [2028]-11-[28]"]


def test_lines_are_paired_within_their_block() -> None:
    rows = (
        *(Row(RowKind.OURS, "one = 1"), Row(RowKind.OURS, "two = 2")),
        *(Row(RowKind.THEIRS, "one = 3"), Row(RowKind.SAME, "same = 0")),
        Row(RowKind.THEIRS, "two = 4"),
    )
    assert marked(*rows) == ["one = [1]", "two = 2", "one = [3]", "same = 0", "two = 4"]


def test_other_lines_and_long_ones_are_not_marked() -> None:
    other = (Row(RowKind.OURS, "import os"), Row(RowKind.THEIRS, "# licence"))
    long = (Row(RowKind.OURS, "a" * 401), Row(RowKind.THEIRS, "a" * 400 + "b"))
    for rows in (other, long):
        assert marked(*rows) == [row.text for row in rows]


def test_heads_name_the_two_sides() -> None:
    rows = (Row(RowKind.HEAD, "--- ours"), Row(RowKind.HEAD, "+++ theirs"))
    assert marked(*rows) == ["--- first", "+++ rebuilt"]
    assert marked(Row(RowKind.HEAD, "@@ -1 +1 @@")) == ["@@ -1 +1 @@"]
