"""Whether only we can have written a file: its owner and its mode."""

from __future__ import annotations

import os
import shlex
import stat
import struct
from typing import TYPE_CHECKING, Final

from amrasaman_nox import system
from amrasaman_nox.errors import AsamanError, ExitCode, code_of, system_reason

if TYPE_CHECKING:
    from pathlib import Path


#: The access control list of a file (acl(5)), as the kernel has it (linux/posix_acl_xattr.h): a
#: version, then kind, permissions and number of each entry.
_LIST: Final = "system.posix_acl_access"
_HEAD: Final = struct.Struct("<I")
_ENTRY: Final = struct.Struct("<HHI")
_USER, _GROUP, _MASK, _WRITE = 0x02, 0x08, 0x10, 0x02


def why_not_ours(path: Path, trusted: tuple[int, ...] = ()) -> AsamanError | None:
    """Return why *path*, a file or a folder, can be somebody else's work, ``None`` if it cannot.

    Ours is what the caller, root or one of the users *trusted* (UIDs) owns, and what nobody else
    may write to, by its mode or its access control list. The caller's own primary group may: with
    umask 002 it is the user's alone.

    On Windows nothing is known of that, and ``None`` is returned.

    The error has owner and mode and how to fix it (exit 4), or says why they cannot be read.
    """
    if not system.HAS_OWNERS:
        return None
    try:
        facts = path.stat()
    except OSError as error:
        return AsamanError(str(path), system_reason(error), code=code_of(error))
    why, hint = _fault(facts, path, trusted)
    if not why and _lets_others_write(_access_list(path), trusted):
        why = "its access control list lets others write to it"
        hint = f"if its content is yours: setfacl -b {shlex.quote(str(path))}"
    if not why:
        return None
    mode = f"{stat.S_IMODE(facts.st_mode):04o}"
    said = f"{why} (owner {facts.st_uid}, group {facts.st_gid}, mode {mode})"
    why = f"{said}, so its content cannot be trusted"
    return AsamanError(str(path), why, hint=hint, code=ExitCode.NOT_AVAILABLE)


def _fault(facts: os.stat_result, path: Path, trusted: tuple[int, ...]) -> tuple[str, str]:
    """Return what is wrong, and how to fix it; two empty texts where nothing is."""
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


def _access_list(path: Path) -> bytes:
    """Return the access control list of *path*, as the kernel has it; empty where there is none."""
    if not hasattr(os, "getxattr"):
        return b""
    try:
        return os.getxattr(path, _LIST)
    except OSError:
        return b""


def _lets_others_write(acl: bytes, trusted: tuple[int, ...]) -> bool:
    """Tell whether a user or a group that is named in *acl* may write, and is not ours."""
    entries = list(_ENTRY.iter_unpack(acl[_HEAD.size :]))
    mask = next((permissions for kind, permissions, _ in entries if kind == _MASK), _WRITE)
    ours = {_USER: {system.user(), 0, *trusted}, _GROUP: {os.getegid()}}
    return any(
        number not in ours[kind]
        for kind, permissions, number in entries
        if kind in ours and permissions & mask & _WRITE
    )
