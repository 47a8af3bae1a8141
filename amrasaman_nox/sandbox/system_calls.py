"""The filter of system calls (seccomp): what a build may ask of the kernel.

The filter is a program in classic BPF, assembled here, which ``bwrap --seccomp`` or
``inside/confine.py`` hands to the kernel. There is no maintained binding of libseccomp on the index
that brings the library along. Format and constants are those of ``linux/filter.h``,
``linux/seccomp.h`` and ``linux/audit.h``; see seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Numbers of system calls on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.1) and on
#: aarch64 (include/uapi/asm-generic/unistd.h), and the error that a build gets.
CALLS: Final[Mapping[str, tuple[int, int, int]]] = {
    "keyctl": (250, 219, errno.EPERM),
    "add_key": (248, 217, errno.EPERM),
    "request_key": (249, 218, errno.EPERM),
    "userfaultfd": (323, 282, errno.EPERM),
    "bpf": (321, 280, errno.EPERM),
    "perf_event_open": (298, 241, errno.EPERM),
    "mount": (165, 40, errno.EPERM),
    "umount2": (166, 39, errno.EPERM),
    "pivot_root": (155, 41, errno.EPERM),
    "fsopen": (430, 430, errno.EPERM),
    "fsconfig": (431, 431, errno.EPERM),
    "fsmount": (432, 432, errno.EPERM),
    "fspick": (433, 433, errno.EPERM),
    "move_mount": (429, 429, errno.EPERM),
    "open_tree": (428, 428, errno.EPERM),
    "mount_setattr": (442, 442, errno.EPERM),
    "open_tree_attr": (467, 467, errno.EPERM),
    "mq_open": (240, 180, errno.EPERM),
    "io_uring_setup": (425, 425, errno.ENOSYS),
    "io_uring_enter": (426, 426, errno.ENOSYS),
    "io_uring_register": (427, 427, errno.ENOSYS),
}
#: System calls whose first argument is a family of addresses, by the same two machines.
SOCKETS: Final[Mapping[str, tuple[int, int]]] = {"socket": (41, 198), "socketpair": (53, 199)}
FAMILIES: Final = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
#: System calls that make what belongs to no process, so that what many take cannot be held against
#: a build: their numbers on the same two machines, and the largest second argument. That is the
#: bytes of a System V segment, and the number of semaphores (64 bytes each) in a set.
BOUNDED: Final[Mapping[str, tuple[int, int, int]]] = {
    "shmget": (29, 194, 64 << 10),
    "semget": (64, 190, 32),
}

# Instructions: load a word of seccomp_data, compare it, return (linux/bpf_common.h).
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# Offsets in struct seccomp_data. Of an argument the lower half is first, on little-endian machines.
_NUMBER, _ARCHITECTURE, _ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
# Numbers from here on are those of x32, or none.
_X32: Final = 0x40000000
_JOIN_SESSION_KEYRING: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """A machine that the filter is written for: its AUDIT_ARCH number and column of the tables."""

    architecture: int
    column: int


MACHINES: Final[Mapping[str, Architecture]] = {
    "x86_64": Architecture(architecture=0xC000003E, column=0),
    "aarch64": Architecture(architecture=0xC00000B7, column=1),
}


def program(name: str) -> bytes:
    """Return the filter for the machine *name* (``uname -m``), an array of ``struct sock_filter``.

    :raises AsamanError: there is no table of system calls for it (exit 4)
    """
    if name not in MACHINES:
        raise AsamanError(
            "system call filter",
            f"not available for {name}, only for {' and '.join(MACHINES)}",
            code=ExitCode.NOT_AVAILABLE,
        )
    lines = tuple(_lines(MACHINES[name]))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _lines(machine: Architecture) -> Iterator[tuple[int, int, int, int]]:
    """Yield the instructions: operation, jump if true, jump if false, operand."""
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, machine.architecture
    yield _RETURN, 0, 0, _ERROR | errno.ENOSYS
    yield _LOAD, 0, 0, _NUMBER
    yield from _returning(_AT_LEAST, _X32, _ERROR | errno.ENOSYS)
    for *numbers, error in CALLS.values():
        yield from _returning(_EQUAL, numbers[machine.column], _ERROR | error)
    for *numbers, most in BOUNDED.values():
        yield _EQUAL, 0, 7, numbers[machine.column]
        yield _LOAD, 0, 0, _SECOND_ARGUMENT + 4
        yield _EQUAL, 1, 0, 0
        yield _RETURN, 0, 0, _ERROR | errno.EINVAL
        yield _LOAD, 0, 0, _SECOND_ARGUMENT
        yield from _returning(_AT_LEAST, most + 1, _ERROR | errno.EINVAL)
        yield _RETURN, 0, 0, _ALLOW
    first, second = (numbers[machine.column] for numbers in SOCKETS.values())
    yield _EQUAL, 1, 0, first
    yield _EQUAL, 0, 2 * len(FAMILIES) + 2, second
    yield _LOAD, 0, 0, _ARGUMENT
    for family in FAMILIES:
        yield from _returning(_EQUAL, family, _ALLOW)
    yield _RETURN, 0, 0, _ERROR | errno.EAFNOSUPPORT
    yield _RETURN, 0, 0, _ALLOW


def _returning(operation: int, operand: int, value: int) -> Iterator[tuple[int, int, int, int]]:
    yield operation, 0, 1, operand
    yield _RETURN, 0, 0, value


def join_new_keyring() -> None:
    """Give the calling thread, and what it starts, a new and empty session keyring.

    Without one, a build would share the caller's keys, and those that earlier builds left. Other
    threads keep theirs. A kernel without keys, or a container that refuses them, has none to share.
    On a machine that is not in :data:`MACHINES` nothing is done, and no rung filters.

    :raises OSError: the kernel has keys, and no room for another keyring
    """
    machine = MACHINES.get(os.uname().machine)
    if machine is None:
        return
    library = ctypes.CDLL(None, use_errno=True)
    number = CALLS["keyctl"][machine.column]
    if library.syscall(number, _JOIN_SESSION_KEYRING, None) >= 0:
        return
    error = ctypes.get_errno()
    if error not in (errno.ENOSYS, errno.EPERM, errno.EACCES):
        raise OSError(error, os.strerror(error))
