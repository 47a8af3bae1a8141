"""Where libfaketime is found, and that nothing else is taken for it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import clock
from amrasaman_nox.sandbox.view import CLOCK, ProcessSpec


def hide_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_packaged", lambda: ())


def hide_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_of_system", lambda: ())


def command(path: str, world: BuildEnvironment) -> ProcessSpec:
    return ProcessSpec(
        argv=("true",),
        directory="/",
        variables={},
        folders=(),
        environment=world,
        limits=Limits(),
        log=Path("log"),
        python=sys.executable,
        clock=path,
    )


LATER = replace(BuildEnvironment(), clock_offset=86_400)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="its wheel is for x86-64 alone")
def test_the_package_of_the_index_is_found_without_being_imported() -> None:
    found = Path(clock.library())
    assert found.read_bytes().startswith(b"\x7fELF")
    assert found == importlib.metadata.distribution("libfaketime").locate_file(clock.IN_WHEEL)
    assert "libfaketime" not in sys.modules


def test_a_library_that_was_compiled_here_comes_before_the_distribution_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_package(monkeypatch)
    there = clock.compiled(tmp_path)
    there.parent.mkdir(parents=True)
    # What counts is the machine that it was made for.
    shutil.copy("/proc/self/exe", there)
    assert clock.library(tmp_path) == str(there)


@pytest.mark.parametrize("content", [b"", b"\x7fELF\1\1", b"no library at all, but long enough"])
def test_what_this_machine_cannot_load_is_not_taken(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_package(monkeypatch)
    hide_system(monkeypatch)
    assert clock.library(tmp_path) == ""
    there = clock.compiled(tmp_path)
    there.parent.mkdir(parents=True)
    there.write_bytes(content)
    assert clock.library(tmp_path) == ""


def test_the_distribution_s_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_package(monkeypatch)
    monkeypatch.setattr(clock, "_of_system", lambda: (Path("/proc/self/exe"),))
    assert clock.library() == "/proc/self/exe"
    assert clock.library(of_system=False) == ""


def test_the_library_is_at_one_path_in_a_sandbox_and_at_its_own_without() -> None:
    seen = command("/somewhere/libfaketime.so.1", LATER)
    assert f"LD_PRELOAD={CLOCK}" in clock.under(seen, constant_paths=True)
    without = clock.under(seen, constant_paths=False)
    assert "LD_PRELOAD=/somewhere/libfaketime.so.1" in without


def test_no_build_runs_under_another_clock_unless_that_is_varied() -> None:
    assert clock.under(command("/x", BuildEnvironment()), constant_paths=True) == ()


def test_a_clock_that_is_not_available_is_no_silent_failure() -> None:
    with pytest.raises(AsamanError, match="libfaketime is not installed") as caught:
        clock.under(command("", LATER), constant_paths=True)
    assert caught.value.code == 4
