"""What a machine has, in every report that has it."""

from __future__ import annotations

import json as standard

from amrasaman_nox.model import Fact, Report
from amrasaman_nox.reports import json, machine, table

REPORT = Report(
    command="doctor",
    facts=(
        Fact(name="git", value="git version 2.47"),
        Fact(name="compiler", value="cc is missing", works=False, fix="install <b>\x1b[1m"),
    ),
)


def test_a_fact_is_one_line_with_how_to_fix_what_does_not_work() -> None:
    assert list(machine.lines(REPORT)) == [
        "git       git version 2.47",
        "compiler  no: cc is missing. Fix: install <b>\x1b[1m",
    ]
    text = table.render(REPORT)
    assert "\x1b" not in text
    assert text.endswith("1 work, 1 missing\n")


def test_json_has_them() -> None:
    found = standard.loads(json.render(REPORT))["facts"]
    assert found[0] == {
        "name": "git",
        "value": "git version 2.47",
        "works": True,
        "required": False,
        "fix": "",
    }
