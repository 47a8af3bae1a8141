"""The compilers and build tools that a build can reach, for its record."""

from __future__ import annotations

import functools
import shutil
import subprocess
from typing import Final

from amrasaman_nox.builds.normalise import SYSTEM_PATH
from amrasaman_nox.errors import printable
from amrasaman_nox.model import Tool

#: The system's own programs whose version can change a wheel.
_NAMES: Final = ("cc", "c++", "ld", "make", "cmake", "ninja", "rustc", "cargo", "swig", "git")


@functools.cache
def reachable() -> tuple[Tool, ...]:
    """Return the tools on a build's search path, each with the first line of its version."""
    found = []
    for name in _NAMES:
        path = shutil.which(name, path=SYSTEM_PATH)
        if path is not None:
            found.append(Tool(name=name, version=_version(path)))
    return tuple(found)


def _version(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"},
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (done.stdout or done.stderr).decode(errors="replace").strip().splitlines()
    return printable(lines[0]) if lines else "unknown"
