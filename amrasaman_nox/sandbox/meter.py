"""What a running build uses of its limits: processes, memory and disk.

The kernel counts for a cgroup, and few users have one to give away: so this looks at the build's
processes and folders, a few times a second, and asks the kernel where numbers get large.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sandbox import kernel_memory, memory, shmem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import Limits

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PROC: Final = Path("/proc")
#: Looking may take a twentieth of the time at most.
_SHARE: Final = 20
#: … or a quarter where a disk has lost as much as a build may have.
_SHARE_IF_SUSPECTED: Final = 4
_SHORTEST: Final = 0.1
_SHORTEST_WALK: Final = 0.5
_ROOM: Final = 0.9
#: What a build may use of a folder in memory: beyond that, writing to it fails any moment.
_ROOM_IN_MEMORY: Final = 15 / 16
#: With less memory than this, in bytes, or than this part of all, the kernel ends processes soon.
_LEAST: Final = 256 << 20
_LEAST_PART: Final = 8
#: The kernel of a busy machine gains and drops as much, in bytes, whatever a build does.
_LEAST_IN_KERNEL: Final = 64 << 20
# An empty file costs a block as well, so that a build cannot use up the inodes.
_ENTRY: Final = 512
# What the kernel takes for a file in memory beside its content: inode and name.
_ENTRY_IN_MEMORY: Final = 1024


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
    :param temporary: its folders in memory, as it sees them; none where they are the host's
    :param own: those of them that have a limit of *own_size* bytes each
    :ivar outgrown: whether one of these was as good as full
    """

    pid: int
    folders: tuple[Path, ...]
    temporary: tuple[str, ...]
    limits: Limits
    own: tuple[str, ...] = ()
    own_size: int = 0
    outgrown: bool = False
    disk: int = 0
    _due: float = 0.0
    _walk_due: float = 0.0
    _soon: float = 0.0
    _folder_bytes: int = 0
    _hidden: bool = False
    _started_free: dict[Path, int] = field(default_factory=dict)
    _started_shared: int = field(default_factory=shmem.in_use)
    _started_kernel: int = field(default_factory=kernel_memory.in_use)

    def __post_init__(self) -> None:
        self._started_free = {folder: _free(folder) for folder in self.folders}
        if self.limits.disk:
            # A full disk would be everybody's: a build has most of what is free, and no more.
            room = min((int(free * _ROOM) for free in self._started_free.values()), default=0)
            self.disk = min(self.limits.disk, room or self.limits.disk)

    def passed(self) -> str:
        """Return the limit that the build passes now, or ``""``.

        :raises AsamanError: there is hardly any memory left and the build has much of it, or it has
            most of what was free on the disk (exit 5)
        """
        now = time.monotonic()
        if now < self._due:
            return ""
        found = self._look(now)
        cost = time.monotonic() - now
        self._due = now + max(_SHORTEST, cost * _SHARE)
        return found

    def _look(self, now: float) -> str:
        limits, pids = self.limits, [self.pid, *descendants(self.pid)]
        if limits.processes and _tasks(pids) >= limits.processes:
            return f"process limit exceeded ({limits.processes})"
        temporary = self._in_memory(pids)
        if self.outgrown:
            return f"limit of the source folder in memory exceeded ({self.own_size} bytes)"
        unseen = temporary + self._in_kernel(pids)
        _check_machine(pids, unseen)
        if limits.memory and _exceeds(pids, unseen, limits.memory):
            return f"memory limit exceeded ({limits.memory} bytes)"
        if self.disk and self._disk(now, pids) + temporary > self.disk:
            return self._disk_exceeded()
        return ""

    def _disk_exceeded(self) -> str:
        """Return the limit that was passed.

        :raises AsamanError: it is not the user's, but what the disk had room for (exit 5)
        """
        if self.disk < self.limits.disk:
            raise AsamanError(
                "disk",
                f"No space left on device: a build may use {self.disk >> 10} KiB of what was free",
                hint="free some space, or choose another cache: --cache-dir DIRECTORY",
                code=ExitCode.INPUT_OUTPUT,
            )
        return f"disk limit exceeded ({self.disk} bytes)"

    def _in_memory(self, pids: Sequence[int]) -> int:
        """Return the bytes of the build's files in memory, also where it hides them."""
        shown = self._temporary(pids) + _nameless(pids)
        gained = shmem.in_use() - self._started_shared
        least = min((limit for limit in (self.limits.memory, self.disk) if limit), default=gained)
        # What the machine gained is put down to a build that hides some of it.
        return max(shown, gained) if gained > least and shmem.may_hide(pids) else shown

    def _in_kernel(self, pids: Sequence[int]) -> int:
        """Return the bytes that the kernel holds for the build, where they may be many."""
        gained = kernel_memory.in_use() - self._started_kernel
        if gained <= _LEAST_IN_KERNEL:
            return 0
        return gained if shmem.may_hide(pids) else min(gained, kernel_memory.may_hold(pids))

    def _temporary(self, pids: Sequence[int]) -> int:
        """Return the bytes in the build's folders in memory, as its latest process sees them."""
        for pid in reversed(pids if self.temporary else ()):
            with contextlib.suppress(OSError):
                # The sandbox's own program still sees the host's folders.
                if Path(f"/proc/{pid}/root").samefile("/"):
                    continue
                used = {path: _used(f"/proc/{pid}/root{path}") for path in self.temporary}
                enough = self.own_size * _ROOM_IN_MEMORY
                self.outgrown |= any(used.get(path, 0) > enough for path in self.own)
                return sum(used.values())
        return 0

    def _disk(self, now: float, pids: Sequence[int]) -> int:
        """Return the bytes that the build has on disk, also where it hides them."""
        lost = max((free - _free(at) for at, free in self._started_free.items()), default=0)
        suspected = lost > self.disk
        if now >= (self._soon if suspected else self._walk_due):
            self._folder_bytes, self._hidden = _size(self.folders, self.disk)
            cost = time.monotonic() - now
            self._soon = now + cost * _SHARE_IF_SUSPECTED
            self._walk_due = now + max(_SHORTEST_WALK, cost * _SHARE)
        if not suspected:
            return self._folder_bytes
        # What the disk lost is put down to a build that hides files, or that wrote as much.
        return max(self._folder_bytes, lost if self._hidden else min(lost, _written(pids)))


def _check_machine(pids: Sequence[int], unseen: int) -> None:
    """Check that there is memory left, or that the build has less of it than is left.

    :raises AsamanError: otherwise
    """
    seen = memory.available()
    if seen.free > min(_LEAST, seen.total // _LEAST_PART):
        return
    held = sum(_proportional(pid) for pid in pids) + unseen
    if held >= seen.free:
        raise AsamanError(
            "memory",
            f"only {seen.free >> 20} MiB are free, and the build uses {held >> 20} MiB",
            hint="free some memory, or run fewer parallel builds: --jobs 1",
            code=ExitCode.INPUT_OUTPUT,
        )


def _tasks(pids: Sequence[int]) -> int:
    """Return the number of threads: they are what the kernel counts."""
    # One that ends between two looks has no fields any more.
    return sum(int(fields[17]) for fields in map(_stat, pids) if fields)


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the third one on."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []


def _exceeds(pids: Sequence[int], unseen: int, limit: int) -> bool:
    """Return whether the memory of *pids* exceeds *limit*: first roughly, then exactly."""
    roughly = sum(_resident(pid) for pid in pids) + unseen
    if roughly <= limit:
        return False
    return sum(_proportional(pid) for pid in pids) + unseen > limit


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Return a process's own memory and its part of what it shares; files count for nobody."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident(pid)
    parts = (line.split() for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return sum(int(kilobytes) << 10 for _, kilobytes, _ in parts)


def _written(pids: Sequence[int]) -> int:
    """Return the bytes that processes and their ended children sent to disks."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (_PROC / str(pid) / "io").read_text().splitlines():
                if line.startswith("write_bytes:"):
                    total += int(line.split()[1])
    return total


def _nameless(pids: Sequence[int]) -> int:
    """Return the bytes of open files that no folder has: removed ones, and those in memory."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                facts = entry.stat()
                if stat.S_ISREG(facts.st_mode) and not facts.st_nlink:
                    found[facts.st_dev, facts.st_ino] = facts.st_blocks * 512
    return sum(found.values())


def _used(path: str) -> int:
    facts = os.statvfs(path)
    entries = facts.f_files - facts.f_ffree
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize + entries * _ENTRY_IN_MEMORY


def _free(path: Path) -> int:
    with contextlib.suppress(OSError):
        facts = os.statvfs(path)
        return facts.f_bfree * facts.f_frsize
    return 0


def _size(folders: Sequence[Path], enough: int) -> tuple[int, bool]:
    """Return the bytes that *folders* take on disk, and whether there are some that are hidden.

    More than *enough* bytes are not counted: a folder that is being filled may have no end.
    """
    total, hidden, todo = 0, False, [str(folder) for folder in folders]
    seen: set[int] = set()
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if is_folder:
                        todo.append(entry.path)
                    total += _blocks(entry, seen, is_folder=is_folder)
                    if total > enough:
                        return total, hidden
        except OSError as error:
            # What is gone by now is none; what may not be listed, or lies too deep, is.
            hidden |= error.errno != errno.ENOENT
    return total, hidden


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
