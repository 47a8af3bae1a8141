"""How much memory there is for this process: the machine's, or that of its control groups."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC: Final = Path("/proc")
_GROUPS: Final = Path("/sys/fs/cgroup")
#: For each version of control groups: the hierarchy's folder, the files of the limit and of what is
#: used, and what the kernel can drop at once.
_FILES: Final = {
    2: ("", "memory.max", "memory.current", "inactive_file"),
    1: ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The memory that there is, and what of it is free; both in bytes."""

    total: int
    free: int


def available() -> Memory:
    """Return the memory that this process, and what it starts, can have."""
    machine = _machine()
    whole, free = machine.total, machine.free
    for group in _groups(machine.total):
        whole, free = min(whole, group.limit), min(free, group.unused())
    return Memory(total=whole, free=max(free, 0))


def total() -> int:
    """Return the memory that there is for this process, in bytes."""
    whole = _machine().total
    return min((whole, *(group.limit for group in _groups(whole))))


def killed() -> int:
    """Return how many processes the kernel has ended since it started, since memory ran out."""
    for line in _text(_PROC / "vmstat").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """A control group that limits memory, in bytes."""

    folder: Path
    version: int
    limit: int

    def unused(self) -> int:
        """Return the bytes that are left of the limit."""
        _, _, used_file, droppable = _FILES[self.version]
        used = _text(self.folder / used_file).strip()
        if not used.isdigit():
            return self.limit
        stat = dict(line.split() for line in _text(self.folder / "memory.stat").splitlines())
        return self.limit - int(used) + int(stat.get(droppable, 0))


def _machine() -> Memory:
    facts = {}
    for line in _text(_PROC / "meminfo").splitlines():
        name, _, value = line.partition(":")
        facts[name] = int(value.split()[0]) << 10
    whole = facts.get("MemTotal", os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return Memory(total=whole, free=facts.get("MemAvailable", whole))


def _groups(whole: int) -> Iterator[_Group]:
    """Yield each control group of this process that limits memory to less than the *whole*."""
    for line in _text(_PROC / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = 1 if controllers else 2
        top = _GROUPS / _FILES[version][0]
        group = top / path.strip("/")
        for folder in (group, *group.parents):
            limit = _text(folder / _FILES[version][1]).strip()
            if limit.isdigit() and int(limit) < whole:
                yield _Group(folder=folder, version=version, limit=int(limit))
            if folder == top:
                break


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
