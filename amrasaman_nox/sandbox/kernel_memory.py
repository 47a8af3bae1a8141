"""Memory that the kernel holds for processes and that none of them shows: what waits in sockets.

Bytes that were written to a socket or a pipe and not read yet are in no process and in no folder,
and neither are the tables of what a process maps. The kernel says what all of them take together.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROC: Final = Path("/proc")
#: What /proc/meminfo counts elsewhere: free, files, and the memory of processes.
_ELSEWHERE: Final = frozenset(
    {"MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "SReclaimable"}
)
#: The most bytes that a socket or a pipe holds, as far as processes may choose it.
_LARGEST: Final = (
    *("sys/net/core/wmem_max", "sys/net/core/rmem_max"),
    *("sys/net/core/wmem_default", "sys/net/core/rmem_default", "sys/fs/pipe-max-size"),
)


def in_use() -> int:
    """Return the bytes that the kernel holds on the whole machine and cannot drop."""
    found = {}
    for line in _lines("meminfo"):
        name, _, value = line.partition(":")
        found[name] = int(value.split()[0]) << 10
    return found.get("MemTotal", 0) - sum(found.get(name, 0) for name in _ELSEWHERE)


def may_hold(pids: Sequence[int]) -> int:
    """Return how many bytes the kernel can hold for the processes *pids* at most.

    That is what fits in their sockets and pipes, and the tables of what they map.
    """
    largest = max(int(next(_lines(name), "0")) for name in _LARGEST)
    # The kernel doubles what a process asks for, and lets the last piece pass the limit.
    waiting = sum(map(_sockets_and_pipes, pids)) * 3 * largest
    return waiting + sum(map(_tables, pids))


def _sockets_and_pipes(pid: int) -> int:
    count = 0
    with contextlib.suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                count += str(entry.readlink()).startswith(("socket:", "pipe:"))
    return count


def _tables(pid: int) -> int:
    for line in _lines(f"{pid}/status"):
        if line.startswith("VmPTE:"):
            return int(line.split()[1]) << 10
    return 0


def _lines(name: str) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield from (_PROC / name).read_text(errors="replace").splitlines()
