"""Runs an installed diffoscope for what the built-in comparison does not show."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode, system_reason

if TYPE_CHECKING:
    from pathlib import Path

#: The longest report in bytes, and the longest wait in seconds.
LARGEST_REPORT: Final = 4 << 20
TIMEOUT: Final = 600.0
_SAME, _DIFFERENT = 0, 1


def program() -> str:
    """Return the path of diffoscope.

    :raises AsamanError: it is not installed (exit 4)
    """
    path = shutil.which("diffoscope")
    if path is None:
        raise AsamanError(
            "--diffoscope",
            "diffoscope is not installed",
            hint="install amrasaman-nox[diffoscope], or your distribution's diffoscope package",
            code=ExitCode.NOT_AVAILABLE,
        )
    return path


def describe(folder: Path, first: str, second: str, *, timeout: float = TIMEOUT) -> str | None:
    """Return diffoscope's text report on two files, ``None`` where it finds them the same.

    The report is not escaped. Its size is bounded by :data:`LARGEST_REPORT`.

    :param folder: where both are; the report names them as *first* and *second* do, from there
    :param timeout: how long to wait, in seconds
    :raises AsamanError: diffoscope is not installed, fails, or takes too long (exit 4)
    """
    limit = ["--max-text-report-size", str(LARGEST_REPORT)]
    try:
        done = subprocess.run(
            [program(), "--no-progress", "--text", "-", *limit, "--", first, second],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"no answer within {timeout:g} seconds") from error
    except OSError as error:
        raise _failed(f"cannot start: {system_reason(error)}") from error
    if done.returncode not in (_SAME, _DIFFERENT):
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise _failed(f"exit {done.returncode}: {said}")
    text = done.stdout[: 2 * LARGEST_REPORT].decode("utf-8", "replace")
    return text if done.returncode == _DIFFERENT else None


def _failed(why: str) -> AsamanError:
    return AsamanError("diffoscope", why, code=ExitCode.NOT_AVAILABLE)
