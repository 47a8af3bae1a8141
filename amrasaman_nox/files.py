"""Files put in place by one rename, and private temporary folders.

What a killed run leaves of temporary folders is removed by the next.
"""

# ruff: noqa: PTH106, PTH108
from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.errors import DISK_FAULTS, AsamanError, ExitCode

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from amrasaman_nox.model import Digest

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
        # Another run may sweep it at any time before it is locked.
        with contextlib.suppress(FileNotFoundError):
            # The user's umask has no say in it: with 777 none would ever be ours.
            os.chmod(path, 0o700)  # noqa: PTH101 - a text, as tempfile gives it
        descriptor = _locked(path)
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


def remove_tree(path: Path) -> None:
    """Remove a file or folder, however deep and whatever its modes; nothing is followed.

    What cannot be removed (another user's, a mount point) stays and is no error.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
        os.chmod(path, 0o700)  # noqa: PTH101 - a text, as tempfile gives it
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _empty(top)
        finally:
            os.close(top)
        os.rmdir(path)


def _empty(top: int) -> None:
    # A folder is moved up before it is entered: neither depth nor path length is a limit then.
    stuck: set[str] = set()
    while True:
        folders = [name for name in _clear_files(top, top, "") if name not in stuck]
        if not folders:
            return
        for name in folders:
            if not _flatten(top, name):
                stuck.add(name)


def _flatten(top: int, name: str) -> bool:
    """Remove folder *name* of *top*, its subfolders moved to *top*; return whether it is gone."""
    try:
        os.chmod(name, 0o700, dir_fd=top)
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    except OSError:
        return False
    try:
        _clear_files(inner, top, secrets.token_hex(8))
    finally:
        os.close(inner)
    try:
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    return True


def _clear_files(folder: int, top: int, prefix: str) -> list[str]:
    """Unlink the files of *folder*; move its folders to *top*, or return them if it is *top*."""
    folders = []
    with os.scandir(folder) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for number, (name, is_folder) in enumerate(entries):
        with contextlib.suppress(OSError):
            if not is_folder:
                os.unlink(name, dir_fd=folder)
            elif folder == top:
                folders.append(name)
            else:
                os.chmod(name, 0o700, dir_fd=folder)
                os.rename(name, f"{prefix}-{number}", src_dir_fd=folder, dst_dir_fd=top)
    return folders


@contextlib.contextmanager
def own_umask() -> Iterator[None]:
    """Create files with the usual umask for a while, whatever the user's own is."""
    former = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(former)


CHUNK: Final = 1 << 20


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of *file* in pieces of at most 1 MiB."""
    return iter(lambda: file.read(CHUNK), b"")


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading; a link is not followed, and a named pipe not waited for.

    :raises OSError: there is none, or it is something else
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise OSError(errno.EINVAL, "Not a regular file", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return os.fdopen(number, "rb")


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the hash (hexadecimal) of a regular file, ``""`` for anything else.

    :raises OSError: the disk is at fault
    """
    try:
        file = open_regular(path)
    except OSError as error:
        if error.errno in DISK_FAULTS:
            raise
        return ""
    with file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def place(source: BinaryIO, path: Path, digest: Digest | None) -> None:
    """Write a new file beside *path*, check what was written, and rename it into place.

    :raises AsamanError: what was written has another hash (exit 5)
    """
    with beside(path) as (number, made):
        written = hashlib.new(digest.algorithm if digest is not None else "sha256")
        with os.fdopen(os.dup(number), "w+b") as file:
            while chunk := source.read(CHUNK):
                file.write(chunk)
                written.update(chunk)
            file.flush()
            os.fchmod(number, 0o644)
            os.fsync(number)
        if digest is not None and written.hexdigest() != digest.value:
            raise AsamanError(
                str(path), "its bytes changed while copying", code=ExitCode.INPUT_OUTPUT
            )
        made.replace(path)
    flush_folder(path.parent)
