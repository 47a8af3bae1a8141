"""Runs in the sandbox: sets the filter of system calls, then becomes the program to run.

This runs under the base interpreter of the build, isolated and without ``site``, before anything
of a project or of a build environment is read. That interpreter may be older than ours.
"""

# Importing pathlib would cost more than all that is done here.
# ruff: noqa: PTH123

from __future__ import annotations

import ctypes
import os
import sys

# linux/prctl.h, linux/seccomp.h
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
#: Bytes of one instruction, a ``struct sock_filter``.
INSTRUCTION = 8


class Program(ctypes.Structure):
    """A ``struct sock_fprog``: the number of instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def set_filter(instructions: bytes) -> None:
    """Filter the system calls of this process and of all that it starts, for good.

    :raises OSError: the kernel refuses it
    """
    library = ctypes.CDLL(None, use_errno=True)
    program = Program(len(instructions) // INSTRUCTION, instructions)
    none = ctypes.c_ulong(0)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), none, none, none),
        (PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(program), none, none),
    ):
        if library.prctl(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def variables() -> dict[bytes, bytes]:
    """Return the variables that this process was started with: Python adds one for its locale."""
    with open("/proc/self/environ", "rb") as file:
        parts = [part.partition(b"=") for part in file.read().split(b"\0")]
    return {name: value for name, separator, value in parts if separator}


def main() -> None:
    """Set the filter (argument 1, in hexadecimal digits), then run the rest of the arguments."""
    try:
        set_filter(bytes.fromhex(sys.argv[1]))
    except OSError as error:
        sys.exit(f"the kernel refuses the system call filter: {error.strerror}")
    os.execve(sys.argv[2], sys.argv[2:], variables())  # noqa: S606 - the sandbox's own program


if __name__ == "__main__":
    main()
