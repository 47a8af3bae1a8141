"""A control group with little memory, for commands that are started in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUPS = Path("/sys/fs/cgroup")
_ENTER = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
_SCOPE = ("systemd-run", "--user", "--scope", "--quiet")


@dataclass(frozen=True, slots=True)
class Limited:
    """What comes before a command line, and the group that it is in then, if it is known."""

    before: tuple[str, ...]
    group: Path | None = None

    def killed(self) -> int:
        """Return how many processes of the group the kernel ended for want of memory."""
        for name in ("memory.events", "memory.oom_control") if self.group else ():
            with contextlib.suppress(OSError):
                lines = (self.group / name).read_text().splitlines()  # type: ignore[operator]
                facts = dict(line.split() for line in lines)
                return int(facts["oom_kill"])
        return 0


@contextlib.contextmanager
def limited_memory(size: int) -> Iterator[Limited]:
    """Yield a group with *size* bytes and no swap; the test is skipped where none can be had.

    It is made below the own one by hand, or else by the user's systemd.
    """
    with contextlib.ExitStack() as stack:
        for version, line in (("", "0::"), ("memory", ":memory:")):
            group = _made(version, line, size)
            if group is not None:
                stack.callback(os.rmdir, group)
                yield Limited(("/bin/sh", "-c", _ENTER, "sh", str(group)), group)
                return
        scope = (*_SCOPE, "-p", f"MemoryMax={size}", "-p", "MemorySwapMax=0", "--")
        if not shutil.which(scope[0]) or subprocess.run([*scope, "true"], check=False).returncode:
            pytest.skip("no control group with a limit of memory can be made here")
        yield Limited(scope)


def _made(hierarchy: str, line: str, size: int) -> Path | None:
    """Make a group below the own one in a *hierarchy*, ``None`` if that is not possible."""
    for own in Path("/proc/self/cgroup").read_text().splitlines():
        if line not in own:
            continue
        group = _GROUPS / hierarchy / own.split(":", 2)[2].strip("/") / f"test-{os.getpid()}"
        limit = group / ("memory.limit_in_bytes" if hierarchy else "memory.max")
        # What has no such file is a folder, and no group.
        if not (group.parent / "cgroup.procs").exists():
            continue
        with contextlib.suppress(OSError):
            group.mkdir()
        if not limit.exists() or not os.access(limit, os.W_OK):
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        limit.write_text(str(size))
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
        return group
    return None
