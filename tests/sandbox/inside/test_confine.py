"""The program that sets the filter and becomes the build, under this interpreter."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from amrasaman_nox.sandbox import system_calls
from amrasaman_nox.sandbox.inside import confine

pytestmark = pytest.mark.skipif(
    os.uname().machine not in system_calls.MACHINES, reason="there is no filter for this machine"
)

#: Asks for a key and prints what the kernel says.
ASKS = (
    "import ctypes; library = ctypes.CDLL(None, use_errno=True); "
    "library.syscall({number}, 0, 0, 0, 0, 0); print(ctypes.get_errno())"
)


def confined(filter_: str, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", confine.__file__, filter_, *command],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def the_filter() -> str:
    return system_calls.program(os.uname().machine).hex()


def test_what_runs_is_filtered() -> None:
    machine = os.uname().machine
    number = system_calls.CALLS["request_key"][system_calls.MACHINES[machine].column]
    done = confined(the_filter(), sys.executable, "-c", ASKS.format(number=number))
    if "the kernel refuses" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.returncode, done.stdout) == (0, f"{errno.EPERM}\n")


def test_it_sees_the_variables_that_were_given_and_no_other() -> None:
    done = confined(the_filter(), "/usr/bin/env", ONE="1", LC_ALL="C")
    if "the kernel refuses" in done.stderr:
        pytest.skip(done.stderr)
    assert sorted(done.stdout.split()) == ["LC_ALL=C", "ONE=1"]


def test_a_filter_that_the_kernel_refuses_is_one_line_and_nothing_runs() -> None:
    done = confined("ff" * 8, "/bin/echo", "ran")
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("the kernel refuses the system call filter: ")
    assert done.stderr.count("\n") == 1
