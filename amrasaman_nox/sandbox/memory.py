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
    facts = {}
    for line in _text(_PROC / "meminfo").splitlines():
        name, _, value = line.partition(":")
        facts[name] = int(value.split()[0]) << 10
    total = facts.get("MemTotal", os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    free = facts.get("MemAvailable", total)
    for limit, unused in _limits():
        total, free = min(total, limit), min(free, unused)
    return Memory(total=total, free=max(free, 0))


def killed() -> int:
    """Return how many processes the kernel has ended since it started, since memory ran out."""
    for line in _text(_PROC / "vmstat").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return 0


def _limits() -> Iterator[tuple[int, int]]:
    """Yield limit and what is left of it, in bytes, of each control group that has one."""
    for line in _text(_PROC / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, limit_file, used_file, droppable = _FILES[1 if controllers else 2]
        top = _GROUPS / folder
        group = top / path.strip("/")
        for one in (group, *group.parents):
            limit, used = _text(one / limit_file).strip(), _text(one / used_file).strip()
            if limit.isdigit() and used.isdigit():
                stat = dict(line.split() for line in _text(one / "memory.stat").splitlines())
                yield int(limit), int(limit) - int(used) + int(stat.get(droppable, 0))
            if one == top:
                break


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
