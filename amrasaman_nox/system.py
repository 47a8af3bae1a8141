"""Replacements for what a system lacks of POSIX.

Builds need Linux. Everything else (pins, records, locks, comparison, reports) works on other
systems too, Windows among them: it asks here for what Windows does not have.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Flags of :func:`os.open`, 0 where the system has no such flag.
NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK: Final[int] = getattr(os, "O_NONBLOCK", 0)
CLOEXEC: Final[int] = getattr(os, "O_CLOEXEC", 0)
#: Whether a lock is known to be free, so that what killed runs left can be removed.
HAS_LOCKS: Final = fcntl is not None
#: Whether owner and mode say who may write to a file; on Windows they say nothing.
HAS_OWNERS: Final = hasattr(os, "geteuid")


def builds() -> bool:
    """Return whether wheels can be built here: on Linux only, whose sandbox a build needs."""
    return sys.platform == "linux"


def user() -> int:
    """Return the effective user, as ``st_uid`` has it; 0 on Windows, as there."""
    return os.geteuid() if HAS_OWNERS else 0


def set_mode(number: int, mode: int) -> None:
    """Set the mode of an open file, where files have one that umask has a say in.

    :raises OSError: it cannot be set
    """
    if hasattr(os, "fchmod"):
        os.fchmod(number, mode)


def lock(number: int) -> None:
    """Take the lock of an open file; the kernel frees it when the file is closed.

    Without locks of this kind nothing is done.

    :raises BlockingIOError: somebody else has it
    """
    if fcntl is not None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def rename_open(number: int, former: Path, path: Path) -> None:
    """Rename a file that is open as *number*; Windows wants it closed before.

    :raises OSError: it cannot be renamed
    """
    if not HAS_LOCKS:
        # The descriptor stays one, so that whoever opened it can close it.
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
    former.replace(path)


def flush_folder(folder: Path) -> None:
    """Make the names in *folder* last through a loss of power, where a folder can be opened.

    :raises OSError: the disk is at fault
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
