"""The script of the page reaches for nothing but what the page shows."""

from __future__ import annotations

import re

from amrasaman_nox.reports.html import render
from amrasaman_nox.reports.html_script import SCRIPT
from tests.reports.examples import build_report


def test_what_the_script_looks_for_is_on_the_page() -> None:
    page = render(build_report())
    assert 'class="controls"' in page
    assert "data-list" in page
    for name in set(re.findall(r"dataset\.(\w+)", SCRIPT)):
        assert f"data-{name}=" in page


def test_the_script_writes_no_markup_and_asks_no_network() -> None:
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|fetch|XMLHttp|eval", SCRIPT)
