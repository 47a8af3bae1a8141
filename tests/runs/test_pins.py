"""The pins of each interpreter in turn."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildOutcome, Pin, Requirements
from amrasaman_nox.runs.pins import for_each_interpreter
from amrasaman_nox.runs.run import opened

from ..reports.examples import record

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.record_files import RecordFolder
    from amrasaman_nox.runs.run import Run


def test_a_pure_wheel_of_one_interpreter_serves_the_next_one(tmp_path: Path) -> None:
    pins = tuple(Pin(name=name, version="1.0") for name in ("pure", "missing"))
    requirements = Requirements(kind="requirements", path="", pins=pins)
    asked: list[tuple[str, list[str]]] = []

    def build(
        run: Run, pins: list[Pin], interpreter: Interpreter, lock: int, present: RecordFolder
    ) -> tuple[BuildOutcome, int]:
        asked.append((interpreter.key, [pin.name for pin in pins]))
        found = tuple(record(pin.name) for pin in pins if pin.name == "pure")
        return BuildOutcome(records=found), lock + 1

    config = Config(cache_dir=tmp_path / "cache", output=tmp_path, isolation="none")
    with opened(config, lambda _: None) as run:
        twice = dataclasses.replace(run, interpreters=run.interpreters * 2)
        outcome = for_each_interpreter(twice, requirements, 0, build)
    assert [names for _, names in asked] == [["pure", "missing"], ["missing"]]
    assert [one.name for one in outcome.records] == ["pure"]
