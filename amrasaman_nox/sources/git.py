"""What git says of a working tree: nothing that its repository configures is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from amrasaman_nox.config.variables import own_variables
from amrasaman_nox.errors import AsamanError, ExitCode

#: Seconds that one call of git may take.
_PATIENCE: Final = 900
#: Nothing that the repository configures is run, and nothing is fetched from elsewhere.
_QUIET: Final = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.logAllRefUpdates=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    *("-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"),
)
_VARIABLES: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
TRUSTED: Final = ("-c", "safe.directory=*")


def top_of(folder: Path) -> Path | None:
    """Return the top of the working tree that *folder* is in, ``None`` without git.

    A folder that git ignores is not in it.

    :raises AsamanError: git does not trust the repository, or fails (exit 2)
    """
    if shutil.which("git") is None:
        return None
    asked = run(folder, "rev-parse", "--show-toplevel")
    if asked.returncode == 0:
        top = Path(os.fsdecode(asked.stdout.rstrip(b"\n")))
        ignored = top != folder and run(folder, "check-ignore", "-q", ".").returncode == 0
        return None if ignored else top
    message = asked.stderr.decode(errors="replace")
    if "dubious ownership" in message:
        raise AsamanError(
            str(folder),
            "git does not trust the repository, since another user owns it",
            hint=f"git config --global --add safe.directory {folder}",
        )
    if "not a git repository" in message or "must be run in a work tree" in message:
        return None
    raise _failed(folder, "rev-parse", message)


def line(folder: Path, *arguments: str) -> str:
    """Return what git prints, without the end of the line.

    :raises AsamanError: it fails (exit 2)
    """
    return os.fsdecode(answer(folder, *arguments).rstrip(b"\n"))


def names(listed: bytes) -> list[str]:
    """Return the names in an answer that separates them with NULs (``-z``)."""
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def answer(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Return what git prints.

    :raises AsamanError: it fails (exit 2)
    """
    done = run(folder, *arguments, given=given)
    if done.returncode:
        command = next(word for word in arguments if word not in TRUSTED)
        raise _failed(folder, command, done.stderr.decode(errors="replace"))
    return done.stdout


def _failed(folder: Path, command: str, message: str) -> AsamanError:
    last = (message.strip().splitlines() or ["no further details"])[-1]
    return AsamanError(str(folder), f"git {command} failed: {last.removeprefix('fatal: ')}")


def run(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git in *folder*; return how it ended and what it printed.

    :raises AsamanError: it does not answer (exit 5)
    """
    # Those of git name another repository, where a hook of git calls us.
    own = {name: value for name, value in own_variables() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ("git", *_QUIET, *arguments),  # noqa: S607 - the one that the user calls
            cwd=folder,
            env={**own, **_VARIABLES},
            input=given,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AsamanError(
            str(folder), f"git {arguments[0]} did not answer", code=ExitCode.INPUT_OUTPUT
        ) from None
