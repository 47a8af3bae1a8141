"""Asks an installed diffoscope for what is beyond the built-in comparison."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

#: The longest report in bytes, and the longest wait in seconds.
LARGEST_REPORT: Final = 4 << 20
TIMEOUT: Final = 600.0
_SAME, _DIFFERENT = 0, 1


def diffoscope(ours: Path, theirs: Path, *, timeout: float = TIMEOUT) -> str | None:
    """Return diffoscope's text report on two files, ``None`` where it finds them the same.

    The report is not escaped. Its size is bounded by :data:`LARGEST_REPORT`.

    :param timeout: how long to wait, in seconds
    :raises AsamanError: diffoscope is not installed, fails, or takes too long
    """
    program = shutil.which("diffoscope")
    if program is None:
        raise AsamanError(
            "diffoscope",
            "it is not installed",
            hint="install amrasaman-nox[diffoscope], or the distribution's diffoscope package",
            code=ExitCode.NOT_AVAILABLE,
        )
    limit = ["--max-text-report-size", str(LARGEST_REPORT)]
    names = [str(ours.absolute()), str(theirs.absolute())]
    try:
        done = subprocess.run(
            [program, "--no-progress", "--text", "-", *limit, *names],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(ours, f"no answer within {timeout:g} seconds") from error
    except OSError as error:
        raise _failed(ours, f"it cannot be started: {error.strerror}") from error
    if done.returncode not in (_SAME, _DIFFERENT):
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise _failed(ours, f"exit {done.returncode}: {said}")
    text = done.stdout[: 2 * LARGEST_REPORT].decode("utf-8", "replace")
    return text if done.returncode == _DIFFERENT else None


def _failed(ours: Path, why: str) -> AsamanError:
    return AsamanError(f"diffoscope {ours.name}", why, code=ExitCode.NOT_AVAILABLE)
