"""Whether only we can have written a file: its owner and its mode."""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

from amrasaman_nox import system
from amrasaman_nox.errors import AsamanError, ExitCode, code_of, system_reason

if TYPE_CHECKING:
    from pathlib import Path


def why_not_ours(path: Path, trusted: tuple[int, ...] = ()) -> AsamanError | None:
    """Return why *path*, a file or a folder, can be somebody else's work, ``None`` if it cannot.

    Ours is what the caller, root or one of the users *trusted* (UIDs) owns, and what nobody else
    may write to. The caller's own primary group may: with umask 002 it is the user's alone.

    On Windows nothing is known of that, and ``None`` is returned.

    The error has owner and mode and what mends it (exit 4), or says why they cannot be read.
    """
    if not system.HAS_OWNERS:
        return None
    try:
        facts = path.stat()
    except OSError as error:
        return AsamanError(str(path), system_reason(error), code=code_of(error))
    why, hint = _fault(facts, path, trusted)
    if not why:
        return None
    mode = f"{stat.S_IMODE(facts.st_mode):04o}"
    said = f"{why} (owner {facts.st_uid}, group {facts.st_gid}, mode {mode})"
    why = f"{said}, so its content cannot be trusted"
    return AsamanError(str(path), why, hint=hint, code=ExitCode.NOT_AVAILABLE)


def _fault(facts: os.stat_result, path: Path, trusted: tuple[int, ...]) -> tuple[str, str]:
    """Return what is wrong, and what mends it; two empty texts where nothing is."""
    if facts.st_uid not in {system.user(), 0, *trusted}:
        return "another user owns it", (
            f"use a folder of your own, or trust that user: --trust-owner {facts.st_uid}"
        )
    if facts.st_mode & stat.S_IWOTH:
        why, change = "it is writable by everybody", "o-w"
    elif facts.st_mode & stat.S_IWGRP and facts.st_gid != os.getegid():
        why, change = "it is writable by another group", "g-w"
    else:
        return "", ""
    return why, f"if its content is yours: chmod {change} {shlex.quote(str(path))}"
