"""The rung "none": limits that the kernel keeps, and nothing else."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import Final

from amrasaman_nox.sandbox import clock, system_calls
from amrasaman_nox.sandbox.inside import confine
from amrasaman_nox.sandbox.view import BEGUN, Launch, ProcessSpec, find_program, program

# The shell's own variables are no part of the normalised environment.
_BEGIN: Final = (
    "/bin/sh",
    "-c",
    f"echo '{BEGUN.decode().strip()}'; exec /usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _ -- \"$@\"",
    "sh",
)
# Since this release a user namespace counts its own processes, whoever else has the same uid.
_COUNTS_BY_NAMESPACE: Final = (5, 14)
#: The bytes of a stack, which is as much as most systems give: where memory is depends on it.
_STACK: Final = 8 << 20


def none(command: ProcessSpec, filtered: bool) -> Launch:
    """No isolation: the normalised environment alone, at the host's own paths."""
    return Launch(argv=with_limits(command, own_namespace=False, filtered=filtered))


def with_limits(command: ProcessSpec, *, own_namespace: bool, filtered: bool) -> tuple[str, ...]:
    """Return the command with the limits that the kernel keeps, its processors and its clock.

    :param filtered: whether one of our programs sets the filter of system calls
    """
    argv = (*_BEGIN, *clock.under(command, constant_paths=own_namespace), *command.argv)
    if filtered:
        # As text, so that none of our files has to be shown.
        text = Path(confine.__file__).read_text(encoding="utf-8")
        calls = system_calls.program(os.uname().machine).hex()
        argv = (command.python, "-I", "-S", "-c", text, calls, *argv)
    taskset = find_program("taskset")
    if taskset is not None and command.processors:
        argv = (taskset, "--cpu-list", ",".join(map(str, command.processors)), *argv)
    if command.fixed_addresses:
        argv = (program("setarch"), os.uname().machine, "--addr-no-randomize", *argv)
    prlimit = program("prlimit") if own_namespace else find_program("prlimit")
    if prlimit is None:
        return argv
    limits = [f"--fsize={command.limits.file or 'unlimited'}", "--core=0"]
    if allows_stack():
        limits.append(f"--stack={_STACK}")
    if own_namespace and command.limits.processes and _counts_by_namespace():
        limits.append(f"--nproc={command.limits.processes}")
    return (prlimit, *limits, "--", *argv)


def allows_stack() -> bool:
    """Return whether builds can have the constant limit of their stack, or the caller's is less."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    return hard == resource.RLIM_INFINITY or hard >= _STACK


def _counts_by_namespace() -> bool:
    numbers = os.uname().release.split(".")[:2]
    with contextlib.suppress(ValueError):
        return tuple(int(number) for number in numbers) >= _COUNTS_BY_NAMESPACE
    return False
