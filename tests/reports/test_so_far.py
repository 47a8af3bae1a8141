"""The reports of a run that was interrupted: what is known, once, and nothing of its end."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildFailure, Comparison, Event, Verdict
from amrasaman_nox.reports.so_far import SoFar
from amrasaman_nox.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path


def failed(name: str) -> Event:
    failure = BuildFailure(name=name, version="1.0", stage="build_wheel", reason="bad")
    return Event(stage="build", state="failed", name=f"{name}==1.0", results=(failure,))


def test_what_comes_after_the_interrupt_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    known = SoFar("reproducible_wheels", Config(json=str(path)))
    assert known.take(failed("early"))
    assert known.take(Event(stage="note", state="note", note="hello"))
    known.close()
    assert not known.take(failed("ended-by-the-interrupt"))
    known.print(Stream(io.StringIO()), Stream(io.StringIO()))
    report = json.loads(path.read_text())
    assert [one["name"] for one in report["failures"]] == ["early"]
    assert report["warnings"] == ["the run was interrupted: what is not listed was not finished"]


def test_what_is_known_later_of_a_wheel_takes_the_place_of_what_was_known_before() -> None:
    known = SoFar("verify", Config())
    for reason in ("the search for its cause was not finished", ""):
        compared = Comparison(
            name="a", version="1", wheel="a.whl", verdict=Verdict.DIFFERENT, reason=reason
        )
        known.take(Event(stage="rebuild", state="step", results=(compared,)))
    assert [one.reason for one in known.report().comparisons] == [""]


def test_the_reports_are_written_once(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    known = SoFar("reproducible_wheels", Config(json=str(path)))
    known.print(Stream(io.StringIO()), Stream(io.StringIO()))
    path.unlink()
    known.print(Stream(io.StringIO()), Stream(io.StringIO()))
    assert not path.exists()


def test_what_is_known_is_printed_and_nothing_if_that_is_nothing() -> None:
    for events in ([], [failed("demo")]):
        out, err = io.StringIO(), io.StringIO()
        known = SoFar("reproducible_wheels", Config())
        for event in events:
            known.take(event)
        known.print(Stream(out), Stream(err))
        assert bool(out.getvalue()) is bool(events)
        assert ("demo==1.0" in err.getvalue()) is bool(events)
