"""One run of a command: what is opened for it, and what its report says of it."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildLock, BuildOutcome, Event, IndexOptions
from amrasaman_nox.runs import run as runs
from amrasaman_nox.runs.run import Run, opened, run_command
from tests.runs.test_lock import entry
from tests.support.archives import sdist

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Requirements


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return a run on the lowest rung, of one archive."""
    (tmp_path / "demo-1.0.tar.gz").write_bytes(sdist())
    return Config(
        source=tmp_path / "demo-1.0.tar.gz",
        output=tmp_path / "wheels",
        cache_dir=tmp_path / "cache",
        isolation="none",
        no_index=True,
    )


def quiet(_: Event) -> None:
    pass


def changed(config: Config, **values: object) -> Config:
    return Config(**{**config.given(), **values})


def test_the_input_is_read_and_the_report_says_how_it_was_done(config: Config) -> None:
    asked: list[Requirements] = []

    def act(run: Run, requirements: Requirements) -> BuildOutcome:
        assert run.site.store.root.is_dir()
        asked.append(requirements)
        return BuildOutcome(notes=("done",))

    report = run_command(config, quiet, "a_command", act)
    assert [pin.name for pin in asked[0].pins] == ["demo"]
    assert (report.command, report.isolation, report.output) == (
        "a_command",
        "none",
        str(config.output),
    )
    assert report.build.notes == ("done",)
    assert report.warnings == (RUNGS["none"].warning,)


def test_only_a_part_of_the_input_is_worked_on(config: Config) -> None:
    counts = []
    for number in (1, 2):
        part = changed(config, shard=(number, 2))
        run_command(
            part, quiet, "c", lambda _, found: counts.append(len(found.pins)) or BuildOutcome()
        )
    assert sorted(counts) == [0, 1]


def test_a_warning_comes_before_anything_is_done(config: Config) -> None:
    events: list[Event] = []
    with opened(config, events.append):
        assert [event.note for event in events if event.stage == "warning"] == [
            RUNGS["none"].warning
        ]


def test_two_interpreters_whose_wheels_share_their_names_are_refused(
    config: Config,
) -> None:
    same = changed(config, python=(sys.executable, sys.executable))
    with opened(same, quiet) as run:
        assert len(run.interpreters) == 1
    (first,) = run.interpreters
    other = dataclasses.replace(first, executable="/other/python")
    with pytest.raises(AsamanError, match="same names as those of"):
        runs._check_distinct((first, other))


def test_a_lock_that_is_to_be_renewed_is_not_known(config: Config) -> None:
    lock = BuildLock(entries=(entry("a"),))
    with opened(config, quiet) as run:
        assert run.known(lock) == lock
    with opened(changed(config, relock=True), quiet) as run:
        assert run.known(lock) == BuildLock()


def test_the_options_of_the_requirements_file_are_added(config: Config) -> None:
    with opened(config, quiet) as run:
        both = run.with_options(IndexOptions(extra_index_urls=("https://x.example/simple",)))
    assert both.site.index.extra_index_urls == ("https://x.example/simple",)
    assert run.site.index.extra_index_urls == ()


def test_a_scheduler_without_its_executor_is_said_not_to_be_used(config: Config) -> None:
    events: list[Event] = []
    with opened(changed(config, scheduler="tcp://127.0.0.1:1"), events.append):
        pass
    assert any("--executor dask" in event.note for event in events)
