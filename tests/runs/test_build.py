"""The main job as a function: pins in, wheels with records and a build lock out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.file import read_lock
from amrasaman_nox.record_files import read_folder
from amrasaman_nox.runs.build import build_wheels

from ..support import miniatures
from ..support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Event, Report

    from ..support.index import LocalIndex

BROKEN = """
from flit_core.buildapi import *

def build_wheel(*args, **kwargs):
    raise RuntimeError("it broke")
"""


@pytest.fixture
def build(boot: Callable[..., Report], index: LocalIndex) -> Callable[..., Report]:
    """Return a function that builds the pins that it is given, one after the other."""
    miniatures.fill(index)
    return functools.partial(boot, work=build_wheels, jobs=1)


def test_each_pin_is_a_wheel_with_a_record_and_an_entry_of_the_lock(
    build: Callable[..., Report], tmp_path: Path
) -> None:
    report = build(*miniatures.pins("mini-flit", "mini-dynamic"))
    assert [record.name for record in report.build.records] == ["mini-flit", "mini-dynamic"]
    assert report.build.failures == ()
    files = read_folder(tmp_path / "wheels").files
    assert {file.record.wheel.digest for file in files} == {
        record.wheel.digest for record in report.build.records
    }
    lock = read_lock(tmp_path / "requirements.build-lock.toml")
    assert sorted(entry.name for entry in lock.entries) == ["mini-dynamic", "mini-flit"]


def test_what_is_there_is_kept_and_built_again_only_if_that_is_asked_for(
    build: Callable[..., Report],
) -> None:
    (pin,) = miniatures.pins("mini-flit")
    (first,) = build(pin).build.records
    again = build(pin)
    assert again.build.kept == {first.key}
    rebuilt = build(pin, rebuild=True)
    assert rebuilt.build.kept == frozenset()
    assert rebuilt.build.records[0].wheel.digest == first.wheel.digest


def test_a_build_that_fails_is_a_value_and_the_others_go_on(
    build: Callable[..., Report], index: LocalIndex, tmp_path: Path
) -> None:
    broken = miniatures.add_sdist(index, "broken", miniatures._in_tree("broken", "1.0", BROKEN))
    report = build(broken, *miniatures.pins("mini-flit"))
    assert [record.name for record in report.build.records] == ["mini-flit"]
    (failure,) = report.build.failures
    assert (failure.name, failure.stage) == ("broken", "build_wheel")
    assert "it broke" in failure.log
    assert not list((tmp_path / "wheels").glob("broken*"))


def test_a_wheel_that_is_taken_is_not_built_and_said_to_be_so(
    build: Callable[..., Report], index: LocalIndex
) -> None:
    file = index.add(make_wheel("taken", "1.0"), "taken-1.0-py3-none-any.whl")
    report = build(f"taken==1.0 --hash={file.digest}", only_binary=("taken",))
    (record,) = report.build.records
    assert record.as_published
    assert record.wheel.digest == file.digest


def test_a_pin_that_does_not_apply_is_left_out_with_the_reason(
    build: Callable[..., Report],
) -> None:
    (pin,) = miniatures.pins("mini-flit")
    name, _, rest = pin.partition(" ")
    report = build(f"{name} ; sys_platform == 'win32' {rest}")
    ((left_out, why),) = report.build.left_out
    assert (left_out.name, report.build.records) == ("mini-flit", ())
    assert "win32" in why


def test_sources_are_copied_if_that_is_asked_for(
    build: Callable[..., Report], tmp_path: Path
) -> None:
    build(*miniatures.pins("mini-flit"), keep_sources=True)
    assert (tmp_path / "wheels/mini_flit-1.0.tar.gz").is_file()


def test_each_build_is_told_of_from_its_start_to_its_end(
    build: Callable[..., Report], index: LocalIndex
) -> None:
    index.add(make_sdist("other", "1.0"), "other-1.0.tar.gz")
    events: list[Event] = []
    build(*miniatures.pins("mini-flit"), notify=events.append)
    states = [event.state for event in events if event.stage == "build"]
    assert states == ["total", "total", "start", "done"] or states == ["total", "start", "done"]
