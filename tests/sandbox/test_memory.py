"""Memory as the kernel tells it, for a machine and for control groups of both versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.sandbox import memory
from amrasaman_nox.sandbox.memory import Memory

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
MEMINFO = "MemTotal:        8192 kB\nMemFree:          100 kB\nMemAvailable:    4096 kB\n"
#: A hierarchy without a limit says so in these ways.
NO_LIMIT = {2: "max", 1: "9223372036854771712"}


def group(top: Path, path: str, version: int, limit: str, used: int, droppable: int) -> None:
    folder, limit_file, used_file, name = memory._FILES[version]
    made = top / folder / path
    made.mkdir(parents=True, exist_ok=True)
    (made / limit_file).write_text(f"{limit}\n")
    (made / used_file).write_text(f"{used}\n")
    (made / "memory.stat").write_text(f"anon 1\n{name} {droppable}\n")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(MEMINFO)
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def test_without_control_groups_it_is_the_machine_s(machine: Path) -> None:
    assert memory.available() == Memory(total=8 * MIB, free=4 * MIB)


@pytest.mark.parametrize(("version", "line"), [(2, "0::/a/b\n"), (1, "4:memory:/a/b\n3:cpu:/a\n")])
@pytest.mark.parametrize("limited", ["a/b", "a", "."])
def test_the_least_of_all_control_groups_counts(
    machine: Path, version: int, line: str, limited: str
) -> None:
    (machine / "proc/self/cgroup").write_text(line)
    for path in ("a/b", "a", "."):
        limit = str(3 * MIB) if path == limited else NO_LIMIT[version]
        group(machine / "groups", path, version, limit, 2 * MIB, MIB // 2)
    assert memory.available() == Memory(total=3 * MIB, free=3 * MIB // 2)


def test_more_in_use_than_a_limit_is_nothing_free(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("0::/a\n")
    group(machine / "groups", "a", 2, str(MIB), 2 * MIB, 0)
    assert memory.available() == Memory(total=MIB, free=0)


def test_what_the_kernel_has_killed_is_counted(machine: Path) -> None:
    assert memory.killed() == 0
    (machine / "proc/vmstat").write_text("nr_free_pages 5\noom_kill 7\noom_kill_x 9\n")
    assert memory.killed() == 7


def test_the_memory_of_this_machine_is_known() -> None:
    found = memory.available()
    assert 0 < found.free < found.total
