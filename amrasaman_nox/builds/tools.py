"""The compilers and build tools that a build can reach, for its record."""

from __future__ import annotations

import functools
import shutil
import subprocess
from typing import Final

from amrasaman_nox.errors import printable
from amrasaman_nox.model import Tool
from amrasaman_nox.sandbox.normalise import SYSTEM_PATH

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


@functools.cache
def locales() -> tuple[str, ...]:
    """Return the locales that are installed, by name; none where nobody can say."""
    path = shutil.which("locale", path=SYSTEM_PATH)
    said = _output((path, "-a")) if path is not None else ""
    return tuple(line.strip() for line in said.splitlines() if line.strip().isascii())


def _version(path: str) -> str:
    lines = _output((path, "--version")).strip().splitlines()
    return printable(lines[0]) if lines else "unknown"


def _output(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"},
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).decode(errors="replace")
