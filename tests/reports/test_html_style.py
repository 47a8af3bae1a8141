"""The style sheet of the HTML report."""

from __future__ import annotations

import re

import pytest

from amrasaman_nox.reports import html
from amrasaman_nox.reports.html_style import STYLE
from tests.reports.examples import EVERY


def test_it_fetches_nothing_and_cannot_end_its_element() -> None:
    assert not re.search(r"url\(|@import|expression|</|javascript", STYLE, re.IGNORECASE)


def test_it_is_whole() -> None:
    assert STYLE.count("{") == STYLE.count("}")


def test_every_variable_that_is_used_is_set_in_light_and_those_of_colour_in_dark() -> None:
    used = set(re.findall(r"var\((--[\w-]+)\)", STYLE))
    light, _, rest = STYLE.partition("@media (prefers-color-scheme: dark)")
    dark = rest.partition("* {")[0]
    assert used <= set(re.findall(r"(--[\w-]+):", light))
    assert set(re.findall(r"(--[\w-]+):", dark)) == set(re.findall(r"(--[\w-]+):", light))


@pytest.mark.parametrize("report", EVERY)
def test_a_class_of_the_page_that_colours_a_verdict_has_a_style(report: object) -> None:
    page = html.render(report())  # type: ignore[operator]
    classes = " ".join(re.findall(r'class="badge ([\w -]+)"', page))
    badges = set(classes.split())
    assert badges
    assert all(f".{name}" in STYLE for name in badges)
