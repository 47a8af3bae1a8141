"""What changed, in every report that has it."""

from __future__ import annotations

import json as standard

from amrasaman_nox.model import PinChange, Report
from amrasaman_nox.reports import changes, json, markdown, table

ONE = PinChange(name="a", before="1", after="2", why=("<b>", "y"), verdict="identical")
NEW = PinChange(name="b", before="", after="1", why=("not pinned before",))
REPORT = Report(command="show_changes", changes=(ONE, NEW))


def test_a_change_is_one_line() -> None:
    assert list(changes.lines(REPORT)) == [
        "a 1 → 2: <b>; y [identical]",
        "b none → 1: not pinned before",
    ]
    assert table.render(REPORT).endswith("2 with changes\n")
    nothing = Report(command="show_changes")
    assert table.render(nothing) == "all wheels are built from what they were built from before\n"


def test_markdown_and_json_have_them() -> None:
    text = markdown.render(REPORT)
    assert text.startswith("## Changes\n")
    assert "| a | 1 → 2 | \\<b\\>; y | identical |" in text
    assert standard.loads(json.render(REPORT))["changes"][0] == {
        "name": "a",
        "before": "1",
        "after": "2",
        "why": ["<b>", "y"],
        "verdict": "identical",
    }
