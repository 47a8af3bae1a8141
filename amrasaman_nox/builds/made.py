"""Folders that are made once and used for long: whether one still is what was made.

Bytes are on the disk some time after they were written. If the power is lost before that, files
are short or empty, and such an environment would build something else. So what was made since this
machine was started counts as it is; anything else is held against what was noted of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def note(folder: Path) -> None:
    """Note beside *folder* what is in it, now that it is complete."""
    _marker(folder).write_text(json.dumps({"boot": _boot(), "files": _listing(folder)}))


def is_whole(folder: Path) -> bool:
    """Return whether *folder* was completed, and lost nothing since."""
    try:
        noted = json.loads(_marker(folder).read_text())
        if noted["boot"] != "" and noted["boot"] == _boot():
            return True
        if noted["files"] != _listing(folder):
            return False
        note(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _marker(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.complete")


def _boot() -> str:
    with contextlib.suppress(OSError):
        return _BOOT.read_text().strip()
    return ""


def _listing(folder: Path) -> str:
    """Return a hash over the paths and sizes of all files below *folder*."""
    listed = hashlib.sha256()
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            facts = os.lstat(f"{path}/{name}")
            listed.update(f"{os.path.relpath(path, folder)}/{name}\0{facts.st_size}\0".encode())
    return listed.hexdigest()
