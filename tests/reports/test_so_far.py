"""The reports of a run that was interrupted: what is known, once, and nothing of its end."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildFailure, Event
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
    known.take(failed("early"))
    known.take(Event(stage="note", state="note", note="hello"))
    known.close()
    known.take(failed("ended-by-the-interrupt"))
    known.write(Stream(io.StringIO()))
    report = json.loads(path.read_text())
    assert [one["name"] for one in report["failures"]] == ["early"]
    assert report["warnings"] == ["the run was interrupted: what is not listed was not finished"]


def test_the_reports_are_written_once(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    known = SoFar("reproducible_wheels", Config(json=str(path)))
    known.write(Stream(io.StringIO()))
    path.unlink()
    known.print(Stream(io.StringIO()), Stream(io.StringIO()))
    assert not path.exists()


def test_what_is_known_is_printed_and_nothing_if_that_is_nothing() -> None:
    out, err = io.StringIO(), io.StringIO()
    known = SoFar("reproducible_wheels", Config())
    known.print(Stream(out), Stream(err))
    assert out.getvalue() == ""
    known.take(failed("demo"))
    known.print(Stream(out), Stream(err))
    assert "demo==1.0" in err.getvalue()
