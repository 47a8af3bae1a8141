"""A locale compiled on this machine, where none is installed that sorts unlike the constant one.

``localedef`` of the C library compiles it from the sources of the distribution. Builds see it
read-only and at one path, and find it by the variable ``LOCPATH``.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from amrasaman_nox.sandbox.normalise import SYSTEM_PATH

if TYPE_CHECKING:
    from pathlib import Path

#: The locale that is compiled: its order of letters and its language are not the constant ones.
NAME: Final = "de_DE.UTF-8"
_SOURCE: Final = ("-i", "de_DE", "-f", "UTF-8")
#: How long that may take, in seconds.
_TIMEOUT: Final = 120.0


def folder_in(root: Path) -> Path:
    """Return where the compiled locales are, or would be, in the store at *root*."""
    return root / "locales"


def compiled(root: Path) -> str:
    """Return the folder of compiled locales in the store at *root*, or ``""``."""
    folder = folder_in(root)
    return str(folder) if (folder / NAME / "LC_COLLATE").is_file() else ""


def compile_into(folder: Path) -> str:
    """Compile the locale into *folder*; return why that is not possible, or ``""``."""
    program = shutil.which("localedef", path=SYSTEM_PATH)
    if program is None:
        return "localedef is not installed"
    try:
        done = subprocess.run(
            (program, "--no-archive", *_SOURCE, str(folder / NAME)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
            # Builds run as another user.
            umask=0o022,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"localedef: {error}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"localedef: {lines[0] if lines else done.returncode}" if done.returncode else ""
