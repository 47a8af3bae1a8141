"""The pages of a site in a real browser: wide and on a phone, light and dark."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import Verdict
from amrasaman_nox.sites import pages
from amrasaman_nox.sites.entries import projects_of
from amrasaman_nox.verification.verdicts import Found

from ..reports.test_html_in_a_browser import BROWSER, brightness, measured
from ..sbom import examples
from . import handmade
from .test_pages import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sites.entries import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]


@pytest.fixture
def projects(tmp_path: Path) -> tuple[Project, ...]:
    """Two projects; one has everything, and a long or hostile text wherever there is one."""
    long = "x" * 200
    full = dataclasses.replace(
        handmade.entry(tmp_path, "full", "1.0"),
        record=dataclasses.replace(examples.full("full"), backend=long),
        summary=f"{HOSTILE} {long}",
        signatures=(b"1",),
        found=(Found(against=long, verdict=Verdict.DIFFERENT, reason=HOSTILE),),
    )
    found = Found(against="rebuild", verdict=Verdict.IDENTICAL, varied=("umask",))
    plain = dataclasses.replace(handmade.entry(tmp_path, "plain"), found=(found,))
    return projects_of([full, plain])


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_pages_fit_and_have_their_style(
    tmp_path: Path, projects: tuple[Project, ...], width: int
) -> None:
    for text in (pages.start(projects), *map(pages.project, projects)):
        found = measured(tmp_path, text, width)
        assert found["needed"] <= width
        assert (found["margin"], found["font"]) == ("0px", "16px")


def test_projects_are_searched_and_filtered(tmp_path: Path, projects: tuple[Project, ...]) -> None:
    kept = measured(tmp_path, pages.start(projects), 1200)["kept"]
    assert kept["all"] == ["full", "plain"]
    assert kept["different"] == ["full"]
    assert kept["named"] == []


def test_pages_are_light_or_dark_as_the_reader_has_it(
    tmp_path: Path, projects: tuple[Project, ...]
) -> None:
    for text in (pages.start(projects), pages.project(projects[0])):
        light = measured(tmp_path, text, 390, "--blink-settings=preferredColorScheme=1")
        dark = measured(tmp_path, text, 390, "--blink-settings=preferredColorScheme=0")
        assert brightness(light["ground"]) > 600 > 200 > brightness(light["ink"])
        assert brightness(dark["ground"]) < 150 < 600 < brightness(dark["ink"])
