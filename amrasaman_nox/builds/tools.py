"""The compilers and build tools that a build can reach, for its record."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.model import Tool
from amrasaman_nox.sandbox.normalise import SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The system's own programs whose version can change a wheel.
_NAMES: Final = (
    "cc", "c++", "ld", "make", "cmake", "ninja", "patchelf", "rustc", "cargo", "swig", "git",
)  # fmt: skip
#: Tools that backends and projects require from the index only where the system has none.
_HIDDEN: Final = (
    "cmake", "cmake3", "ninja", "ninja-build", "samu", "meson", "patchelf", "swig", "cargo",
    "rustc",
)  # fmt: skip
#: What stands in for ninja there: without it, this backend requires ninja.
_HIDDEN_FROM: Final = {"scikit_build_core": ("make", "gmake")}


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
def hidden(backend: str) -> tuple[str, ...]:
    """Return the paths of tools that *backend* does not see while it says what it requires.

    What is locked would depend on the machine otherwise.

    :param backend: as the build system names it, such as ``mesonpy``
    """
    names = (*_HIDDEN, *_HIDDEN_FROM.get(backend.partition(".")[0], ()))
    folders = [Path(folder) for folder in SYSTEM_PATH.split(os.pathsep)]
    paths = (folder / name for folder in folders for name in names)
    return tuple(str(path) for path in paths if path.exists())


@functools.cache
def locales() -> tuple[str, ...]:
    """Return the locales that are installed, by name; none where nobody can say."""
    path = shutil.which("locale", path=SYSTEM_PATH)
    said = _output((path, "-a")) if path is not None else ""
    return tuple(line.strip() for line in said.splitlines() if line.strip().isascii())


def _version(path: str) -> str:
    lines = _output((path, "--version")).strip().splitlines()
    return printable(lines[0]) if lines else "unknown"


def _output(command: Sequence[str]) -> str:
    done = answer(command, seconds=10)
    return "" if done is None else done.stdout or done.stderr


def answer(command: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str] | None:
    """Return how a program of the system ended, whatever its exit status, and what it printed.

    It is found on the search path of builds, and speaks English.

    :param seconds: how long it may take
    :returns: ``None`` if it does not start, or takes longer
    """
    try:
        return subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"},
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
