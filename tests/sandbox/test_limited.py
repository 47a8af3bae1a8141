"""The limits that the kernel keeps, on every rung."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import Limits
from amrasaman_nox.sandbox import limited, system_calls
from amrasaman_nox.sandbox.limited import none, with_limits
from tests.sandbox.launches import command

if TYPE_CHECKING:
    from pathlib import Path

known = pytest.mark.skipif(
    os.uname().machine not in system_calls.MACHINES, reason="there is no filter for this machine"
)


def test_the_command_comes_last_behind_the_line_that_says_it_began(tmp_path: Path) -> None:
    argv = none(command(tmp_path), False).argv
    assert argv[-2:] == ("/bin/true", "an argument")
    assert any("amrasaman-nox: begun" in word for word in argv)


def test_files_are_bounded_and_processes_where_the_kernel_counts_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "_counts_by_namespace", lambda: True)
    limits = Limits(file=1000, processes=77)
    bounded = with_limits(command(tmp_path, limits=limits), own_namespace=True, filtered=False)
    assert {"--fsize=1000", "--core=0", "--nproc=77"} <= set(bounded)
    shared = with_limits(command(tmp_path, limits=limits), own_namespace=False, filtered=False)
    assert not any(word.startswith("--nproc") for word in shared)
    monkeypatch.setattr(limited, "_counts_by_namespace", lambda: False)
    older = with_limits(command(tmp_path, limits=limits), own_namespace=True, filtered=False)
    assert not any(word.startswith("--nproc") for word in older)


@pytest.mark.parametrize(
    ("release", "counts"),
    [("5.14.0-1-amd64", True), ("6.1.0", True), ("5.13.19", False), ("odd", False)],
)
def test_the_kernel_counts_processes_by_namespace_from_one_release_on(
    monkeypatch: pytest.MonkeyPatch, release: str, counts: bool
) -> None:
    here = os.uname()
    name = os.uname_result((here.sysname, here.nodename, release, here.version, here.machine))
    monkeypatch.setattr(os, "uname", lambda: name)
    assert limited._counts_by_namespace() == counts


def test_processors_are_chosen_and_a_missing_program_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "find_program", lambda name: f"/bin/{name}")
    argv = none(command(tmp_path, processors=(3, 5)), False).argv
    assert argv[argv.index("/bin/taskset") + 2] == "3,5"
    monkeypatch.setattr(limited, "find_program", lambda name: None)
    assert none(command(tmp_path, processors=(3, 5)), False).argv[0] == "/bin/sh"


@known
def test_our_own_program_sets_the_filter_before_anything_else_runs(tmp_path: Path) -> None:
    argv = none(command(tmp_path, python=sys.executable), True).argv
    place = argv.index(sys.executable)
    assert argv[place + 1 : place + 4] == ("-I", "-S", "-c")
    assert "def set_filter" in argv[place + 4]
    assert bytes.fromhex(argv[place + 5]) == system_calls.program(os.uname().machine)
    assert place < argv.index("/bin/sh")
