"""What a running build uses, held against its limits: processes, memory and disk.

The kernel counts for a cgroup, and few users have one to give away: so this looks at the build's
processes and folders, a few times a second, and asks the kernel where numbers get large.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import Limits

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PROC: Final = Path("/proc")
#: Looking may take a twentieth of the time at most.
_SHARE: Final = 20
_SHORTEST: Final = 0.1
_SHORTEST_WALK: Final = 0.5
# An empty file costs a block as well, so that a build cannot use up the inodes.
_ENTRY: Final = 512


def descendants(pid: int) -> list[int]:
    """Return the processes that *pid* started and their own, nearest first."""
    found = _children(pid)
    for child in found:
        found += _children(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


@dataclass(slots=True)
class Meter:
    """Measures the build below the process *pid*.

    :param folders: what it may write to on the host
    :param temporary: its folders in memory, as it sees them
    """

    pid: int
    folders: tuple[Path, ...]
    temporary: tuple[str, ...]
    limits: Limits
    _due: float = 0.0
    _walk_due: float = 0.0
    _folder_bytes: int = 0
    _started_free: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started_free = {folder: _free(folder) for folder in self.folders}

    def passed(self) -> str:
        """Return the limit that the build passes now, or ``""``."""
        now = time.monotonic()
        if now < self._due:
            return ""
        found = self._look(now)
        cost = time.monotonic() - now
        self._due = now + max(_SHORTEST, cost * _SHARE)
        return found

    def _look(self, now: float) -> str:
        limits, pids = self.limits, descendants(self.pid)
        if limits.processes and _tasks(pids) >= limits.processes:
            return f"processes ({limits.processes})"
        temporary = self._temporary(pids) if limits.memory or limits.disk else 0
        if limits.memory and _exceeds(pids, temporary, limits.memory):
            return f"memory ({limits.memory} bytes)"
        if limits.disk and self._disk(now, pids) + temporary > limits.disk:
            return f"disk ({limits.disk} bytes)"
        return ""

    def _temporary(self, pids: Sequence[int]) -> int:
        """Return the bytes in the build's folders in memory, as its latest process sees them."""
        for pid in reversed(pids):
            with contextlib.suppress(OSError):
                return sum(_used(f"/proc/{pid}/root{path}") for path in self.temporary)
        return 0

    def _disk(self, now: float, pids: Sequence[int]) -> int:
        """Return the bytes that the build has on disk, also where it hides them."""
        lost = max((free - _free(at) for at, free in self._started_free.items()), default=0)
        if lost > self.limits.disk:
            # Files without a name, or in folders that cannot be read: what was written counts.
            return min(lost, _written(pids))
        if now >= self._walk_due:
            self._folder_bytes = _size(self.folders, self.limits.disk)
            cost = time.monotonic() - now
            self._walk_due = now + max(_SHORTEST_WALK, cost * _SHARE)
        return self._folder_bytes


def _tasks(pids: Sequence[int]) -> int:
    """Return the number of threads: they are what the kernel counts."""
    # One that ends between two looks has no fields any more.
    return sum(int(fields[17]) for fields in map(_stat, pids) if fields)


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the third one on."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []


def _exceeds(pids: Sequence[int], temporary: int, limit: int) -> bool:
    """Return whether the memory of *pids* exceeds *limit*: first roughly, then exactly."""
    roughly = sum(_resident(pid) for pid in pids) + temporary
    if roughly <= limit:
        return False
    return sum(_proportional(pid) for pid in pids) + temporary > limit


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        _, resident, shared, *_ = (_PROC / str(pid) / "statm").read_text().split()
        return (int(resident) - int(shared)) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Return a process's own memory and its part of what it shares with its siblings."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) << 10
    return _resident(pid)


def _written(pids: Sequence[int]) -> int:
    """Return the bytes that processes and their ended children sent to disks."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (_PROC / str(pid) / "io").read_text().splitlines():
                if line.startswith("write_bytes:"):
                    total += int(line.split()[1])
    return total


def _used(path: str) -> int:
    facts = os.statvfs(path)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


def _free(path: Path) -> int:
    with contextlib.suppress(OSError):
        facts = os.statvfs(path)
        return facts.f_bfree * facts.f_frsize
    return 0


def _size(folders: Sequence[Path], enough: int) -> int:
    """Return the bytes that *folders* take on disk; more than *enough* need not be counted."""
    total, todo = 0, [str(folder) for folder in folders]
    seen: set[int] = set()
    while todo and total <= enough:
        with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    todo.append(entry.path)
                total += _blocks(entry, seen, is_folder=is_folder)
    return total


def _blocks(entry: os.DirEntry[str], seen: set[int], *, is_folder: bool) -> int:
    """Return the bytes of one entry, of a file with several names once; it may be gone by now."""
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if not is_folder and facts.st_nlink > 1:
        if facts.st_ino in seen:
            return 0
        seen.add(facts.st_ino)
    return max(facts.st_blocks * 512, _ENTRY)
