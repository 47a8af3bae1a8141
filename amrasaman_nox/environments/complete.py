"""Whether a folder that was made once is still complete.

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

from amrasaman_nox import files
from amrasaman_nox.model import ENVIRONMENTS

#: What the name of a note ends in, beside its folder.
SUFFIX: Final = ".complete"
_KINDS: Final = ("environments", "installed")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def home(root: Path, kind: str) -> Path:
    """Return the folder of the store at *root* for all folders of a *kind*, as they are made now.

    :param kind: ``environments`` or ``installed``
    """
    return root / f"{kind}-{ENVIRONMENTS}"


def drop_former(root: Path) -> None:
    """Remove from the store at *root* what was made in a former way."""
    for kind in _KINDS:
        for former in (kind, *(f"{kind}-{number}" for number in range(1, ENVIRONMENTS))):
            files.remove_tree(root / former)


def note(folder: Path) -> None:
    """Note beside *folder* what is in it, now that it is complete.

    :raises OSError: it cannot be written
    """
    _write(folder, {"boot": _boot(), "files": _listing(folder)})


def is_whole(folder: Path, *, looked_at: bool = False) -> bool:
    """Return whether *folder* was completed and, by the paths and sizes in it, lost nothing since.

    :param looked_at: look at it even if it was made since the machine was started
    """
    boot = _boot()
    try:
        noted = json.loads(_marker(folder).read_text())
        if noted["boot"] != "" and noted["boot"] == boot and not looked_at:
            return folder.is_dir()
        if noted["files"] != _listing(folder):
            return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if noted["boot"] != boot:
        # Where it cannot be noted, it is looked at again the next time.
        with contextlib.suppress(OSError):
            _write(folder, {**noted, "boot": boot})
    return True


def _write(folder: Path, noted: dict[str, str]) -> None:
    # Others may read it just now, without a lock: they find the former one, or this.
    with files.beside(_marker(folder)) as (number, path):
        os.write(number, json.dumps(noted).encode())
        path.replace(_marker(folder))


def _marker(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{SUFFIX}")


def _boot() -> str:
    with contextlib.suppress(OSError):
        return _BOOT.read_text().strip()
    return ""


def _listing(folder: Path) -> str:
    """Return a hash over the paths and sizes of all files below *folder*."""
    listed = hashlib.sha256()
    for path, folders, names in files.walk(folder):
        folders.sort()
        within = os.path.relpath(path, folder)
        for name in sorted(names):
            facts = os.lstat(f"{path}/{name}")
            listed.update(f"{within}/{name}\0{facts.st_size}\0".encode())
    return listed.hexdigest()
