"""Private temporary folders; what a killed run leaves of them is removed by the next."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = "amrasaman-run-"
#: Another run can sweep a folder before it is locked, if hardly ever.
_ATTEMPTS: Final = 100
_NEW: Final = ".amrasaman-new"
_OURS: Final = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """Make a folder (0700) with a random name, locked while it is in use; it is removed at the end.

    Folders of runs that were killed are removed first: their locks are free.

    :raises OSError: it cannot be made
    """
    _sweep(tempfile.gettempdir())
    path, descriptor = _made()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


@contextlib.contextmanager
def for_this_process() -> Iterator[None]:
    """Let the standard library make its temporary files in a :func:`folder`, for a while.

    The frontend of build backends makes some, and takes no folder for them.

    :raises OSError: it cannot be made
    """
    former = tempfile.tempdir
    with folder() as made:
        tempfile.tempdir = made
        try:
            yield
        finally:
            # Runs of several threads may end in another order than they began.
            if tempfile.tempdir == made:
                tempfile.tempdir = former if former and os.path.isdir(former) else None  # noqa: PTH112


@contextlib.contextmanager
def beside(path: Path) -> Iterator[tuple[int, Path]]:
    """Make a file beside *path*, locked while it is written; it is removed if it is still there.

    :raises OSError: it cannot be made
    """
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=_NEW)
    made = Path(name)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield number, made
    finally:
        made.unlink(missing_ok=True)
        os.close(number)


def put_in_place(path: Path, data: bytes) -> None:
    """Write *data* to *path* (mode 0644) by one rename, so that a reader finds all or the former.

    :raises OSError: it cannot be written
    """
    with beside(path) as (number, made):
        with os.fdopen(os.dup(number), "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(number, 0o644)
            os.fsync(number)
        made.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in *folder* last through a loss of power."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sweep_beside(folder: Path) -> None:
    """Remove the files of :func:`beside` in *folder* that killed runs left: they are not locked."""
    with contextlib.suppress(OSError):
        for path in [item for item in folder.iterdir() if item.name.endswith(_NEW)]:
            with contextlib.suppress(OSError):
                number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(number)


def _made() -> tuple[str, int]:
    for _ in range(_ATTEMPTS):
        path = tempfile.mkdtemp(prefix=_PREFIX)
        # The user's umask has no say in it: with 777 none would ever be ours.
        os.chmod(path, 0o700)  # noqa: PTH101 - a text, as tempfile gives it
        descriptor = _locked(path)
        # Another run may sweep it before it is locked.
        if descriptor is not None:
            if os.path.isdir(path):  # noqa: PTH112 - a text, as tempfile gives it
                return path, descriptor
            os.close(descriptor)
    raise OSError(errno.EACCES, "no folder of our own can be made in it", tempfile.gettempdir())


def _locked(path: str) -> int | None:
    """Return the open folder, locked and ours alone, or ``None``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    facts = os.fstat(descriptor)
    if facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) == 0o700:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    os.close(descriptor)
    return None


def _sweep(parent: str) -> None:
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for path in [entry.path for entry in entries if _OURS.fullmatch(entry.name)]:
            descriptor = _locked(path)
            if descriptor is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(descriptor)
