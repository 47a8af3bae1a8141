"""The last lines on a terminal."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.model import Report
from amrasaman_nox.reports.ending import lines
from tests.reports.examples import verify_report

HERE = Path("/work")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0:00"), (59.6, "1:00"), (75, "1:15"), (3675, "1:01:15")]
)
def test_the_last_line_has_the_total_time(seconds: float, said: str) -> None:
    report = Report(command="verify")
    assert list(lines(report, Config(), seconds=seconds, folder=HERE)) == [f"took {said}"]


def test_reports_that_were_written_are_named_from_the_current_folder() -> None:
    config = Config(html="/work/out/report.html", json="/elsewhere/r.json")  # type: ignore[arg-type]
    (last,) = lines(Report(command="verify"), config, seconds=1, folder=HERE)
    assert last == "took 0:01; written: /elsewhere/r.json, out/report.html"
    (last,) = lines(Report(command="verify"), Config(json="-"), seconds=1, folder=HERE)
    assert last == "took 0:01"


def test_what_differs_has_its_page_and_its_folder() -> None:
    kept = "/work/wheels/different/lxml"
    found = tuple(dataclasses.replace(one, kept=kept) for one in verify_report().comparisons)
    report = dataclasses.replace(verify_report(), comparisons=found)
    said = list(lines(report, Config(), seconds=1, folder=HERE))
    assert any(": docs/explanations/" in line and line.endswith(".md") for line in said)
    assert [line for line in said if line.startswith("both files of lxml ")]
    assert all(line.endswith(": wheels/different/lxml") for line in said if "both" in line)
    site = dataclasses.replace(report, documents="https://docs.example/")
    said = list(lines(site, Config(), seconds=1, folder=HERE))
    assert any(": https://docs.example/explanations/" in line for line in said)
