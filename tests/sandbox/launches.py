"""Commands for the rungs, and what their launches hand to a sandbox program."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox.view import Folder, ProcessSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.sandbox.view import Launch


def command(folder: Path, **changes: Any) -> ProcessSpec:
    """Return a command with one folder to read and one to write below *folder*, both made."""
    for name in ("read", "write"):
        (folder / name).mkdir(exist_ok=True)
    facts: dict[str, Any] = {
        "argv": ("/bin/true", "an argument"),
        "directory": "/build/source",
        "variables": {"PATH": "/usr/bin:/bin"},
        "folders": (
            Folder(host=folder / "read", inside="/build/environment"),
            Folder(host=folder / "write", inside="/build/output", writable=True),
        ),
        "environment": BuildEnvironment(),
        "limits": Limits(),
        "log": folder / "log",
        "python": "/usr/bin/python3",
        "memory": ("/build/source",),
    }
    return ProcessSpec(**{**facts, **changes})


@contextlib.contextmanager
def launched(
    rung: Callable[[ProcessSpec, bool], Launch], command: ProcessSpec, *, filtered: bool = True
) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Yield the command line of a launch, and all that is in the files that it hands over."""
    launch = rung(command, filtered)
    try:
        contents = [Path(f"/proc/self/fd/{number}").read_bytes() for number in launch.files]
        yield launch.argv, b"\0".join(contents)
    finally:
        for number in launch.files:
            os.close(number)
