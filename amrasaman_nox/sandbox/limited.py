"""The rung "none": limits that the kernel keeps, and nothing else."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sandbox import system_calls
from amrasaman_nox.sandbox.inside import confine
from amrasaman_nox.sandbox.view import BEGUN, Command, Launch, find_program, program

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildEnvironment


# The shell's own variables are no part of the normalised environment.
_BEGIN: Final = (
    "/bin/sh",
    "-c",
    f"echo '{BEGUN.decode().strip()}'; exec /usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _ -- \"$@\"",
    "sh",
)
# Since this release a user namespace counts its own processes, whoever else has the same uid.
_COUNTS_BY_NAMESPACE: Final = (5, 14)


def none(command: Command, filtered: bool) -> Launch:
    """No isolation: the normalised environment alone, at the host's own paths."""
    return Launch(argv=with_limits(command, own_namespace=False, filtered=filtered))


def with_limits(command: Command, *, own_namespace: bool, filtered: bool) -> tuple[str, ...]:
    """Return the command with the limits that the kernel keeps, its processors and its clock.

    :param filtered: whether a program of ours sets the filter of system calls
    """
    argv = (*_BEGIN, *_clock(command.environment), *command.argv)
    if filtered:
        # As text, so that no file of ours has to be shown.
        text = Path(confine.__file__).read_text(encoding="utf-8")
        calls = system_calls.program(os.uname().machine).hex()
        argv = (command.python, "-I", "-S", "-c", text, calls, *argv)
    taskset = find_program("taskset")
    if taskset is not None and command.processors:
        argv = (taskset, "--cpu-list", ",".join(map(str, command.processors)), *argv)
    prlimit = program("prlimit") if own_namespace else find_program("prlimit")
    if prlimit is None:
        return argv
    limits = [f"--fsize={command.limits.file or 'unlimited'}", "--core=0"]
    if own_namespace and command.limits.processes and _counts_by_namespace():
        limits.append(f"--nproc={command.limits.processes}")
    return (prlimit, *limits, "--", *argv)


@functools.cache
def clock_library() -> str:
    """Return the path of libfaketime, or ``""`` where it is not installed."""
    found = (
        path
        for pattern in ("lib/*/faketime", "lib64/faketime", "lib/faketime", "local/lib/faketime")
        for path in sorted(Path("/usr").glob(f"{pattern}/libfaketime.so.1"))
    )
    return str(next(found, ""))


def _clock(world: BuildEnvironment) -> tuple[str, ...]:
    """Return the start of a command line under another clock; times of files stay as they are."""
    if world.clock is None and not world.clock_offset:
        return ()
    if not clock_library():
        raise AsamanError(
            "another clock",
            "libfaketime is not installed",
            hint="install it (Debian, Fedora: package libfaketime)",
            code=ExitCode.NOT_AVAILABLE,
        )
    moment = (
        (f"FAKETIME={world.clock_offset:+d}",)
        if world.clock is None
        else (f"FAKETIME={world.clock + world.clock_offset}", "FAKETIME_FMT=%s")
    )
    variables = ("FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", *moment)
    return (program("env"), f"LD_PRELOAD={clock_library()}", *variables)


def _counts_by_namespace() -> bool:
    numbers = os.uname().release.split(".")[:2]
    with contextlib.suppress(ValueError):
        return tuple(int(number) for number in numbers) >= _COUNTS_BY_NAMESPACE
    return False
