"""Memory that no folder and no process shows: shared memory without a name.

A descriptor of a file in memory (memfd_create(2)) can be on its way through a socket, and open in
no process; a mapping of one counts for a process only where that touched it. The kernel says what
all of them take together, and where there may be some.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROC: Final = Path("/proc")
#: How /proc/PID/maps calls memory without a name that processes share.
_MAPPED: Final = ("/memfd:", "/SYSV", "/dev/zero")


def in_use() -> int:
    """Return the bytes of shared memory of the whole machine, files in memory among them."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (_PROC / "meminfo").read_text().splitlines():
            if line.startswith("Shmem:"):
                return int(line.split()[1]) << 10
    return 0


def may_hide(pids: Sequence[int]) -> bool:
    """Return whether one of the processes has a place where shared memory can be hidden."""
    return any(_maps_nameless(pid) or _has_descriptors_in_flight(pid) for pid in pids)


def _maps_nameless(pid: int) -> bool:
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "maps").read_text(errors="replace").splitlines():
            _, mode, _, _, _, *path = line.split(maxsplit=5)
            if mode.endswith("s") and path and path[0].startswith(_MAPPED):
                return True
    return False


def _has_descriptors_in_flight(pid: int) -> bool:
    """Return whether descriptors wait in a socket of the process (Linux 5.6, proc(5))."""
    return any(line.split()[1:] != ["0"] for line in _waiting(pid))


def _waiting(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for path in (_PROC / str(pid) / "fdinfo").iterdir():
            with contextlib.suppress(OSError):
                lines = path.read_text(errors="replace").splitlines()
                yield from (line for line in lines if line.startswith("scm_fds:"))
