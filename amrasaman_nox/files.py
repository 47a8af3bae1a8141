"""Files put in place by one rename, and private temporary folders.

What a killed run leaves of temporary folders is removed by the next.
"""

# Operations on the file system are calls of os: one seam, at which tests can fail them.
# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH208
from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox import system
from amrasaman_nox.errors import DISK_FAULTS, AsamanError, ExitCode, code_of, system_reason

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import Digest

_RUN: Final = "amrasaman-run-"
_NEW: Final = ".amrasaman-new"
#: What the name of a folder's lock ends in.
_MARKER: Final = ".lock"
#: The file system in memory, which is everybody's, and what our folders there are called.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_IN_MEMORY: Final = "amrasaman-source-"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Make a private folder among the user's temporary files; it is removed at the end.

    What killed runs left there, and in memory, is removed first.

    :raises OSError: it cannot be made
    """
    parent = Path(tempfile.gettempdir())
    sweep_folders(parent, _RUN)
    sweep_memory()
    with removing(make_folder(parent, _RUN)) as path:
        yield path


@contextlib.contextmanager
def folder_in_memory(room: int) -> Iterator[Path | None]:
    """Make a private folder on the file system in memory; ``None`` if that is not possible.

    :param room: the bytes that must be free there
    """
    made = None
    with contextlib.suppress(OSError):
        facts = os.statvfs(_MEMORY)
        if facts.f_bavail * facts.f_frsize >= room:
            made = make_folder(_MEMORY, _IN_MEMORY)
    if made is None:
        yield None
        return
    with removing(made) as path:
        yield path


def make_folder(parent: Path, prefix: str) -> tuple[int, Path]:
    """Make a private folder (0700) with a random name in *parent*, for :func:`removing`.

    :returns: an open file that holds the folder's lock, and the folder
    :raises OSError: it cannot be made
    """
    # The marker comes first and goes last, so that a folder without one belongs to nobody. A
    # folder cannot be locked itself on every network file system.
    lock, marker = locked_file(parent, prefix, _MARKER)
    path = marker.with_name(marker.name.removesuffix(_MARKER))
    try:
        os.mkdir(path, 0o700)
        # The user's umask has no say in it.
        os.chmod(path, 0o700)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(marker)
        os.close(lock)
        raise
    return lock, path


@contextlib.contextmanager
def removing(made: tuple[int, Path]) -> Iterator[Path]:
    """Yield the folder that :func:`make_folder` returned, and remove it at the end."""
    lock, path = made
    try:
        yield path
    finally:
        remove_tree(path)
        with contextlib.suppress(OSError):
            os.unlink(_marker_of(path))
        os.close(lock)


def sweep_folders(parent: Path, prefix: str = "") -> None:
    """Remove the folders of :func:`make_folder` in *parent* that killed runs left.

    What a live run has is locked, and stays; so does what has another name, or another owner.

    :param prefix: what their names begin with
    """
    ours = re.compile(rf"{re.escape(prefix)}[a-z-]*[0-9a-f]{{24}}({re.escape(_MARKER)})?")
    for name in filter(ours.fullmatch, _names(parent)):
        path = parent / name.removesuffix(_MARKER)
        with _free(_marker_of(path)) as free:
            if free:
                _remove_own(path)
                _remove_own(_marker_of(path))


def sweep_memory() -> None:
    """Remove the folders of :func:`folder_in_memory` that killed runs left."""
    sweep_folders(_MEMORY, _IN_MEMORY)


def sweep_files(parent: Path, suffix: str = "") -> None:
    """Remove the files of :func:`locked_file` in *parent* that killed runs left.

    :param suffix: what their names end in
    """
    for name in _names(parent):
        if name.endswith(suffix):
            with _free(parent / name) as free:
                if free:
                    _remove_own(parent / name)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _marker_of(path: Path) -> Path:
    return path.with_name(path.name + _MARKER)


def _remove_own(path: Path) -> None:
    with contextlib.suppress(OSError):
        if os.lstat(path).st_uid == system.user():
            remove_tree(path)


@contextlib.contextmanager
def _free(path: Path) -> Iterator[bool]:
    """Hold the lock of *path*, if nobody has it; yield whether nobody had."""
    if not system.HAS_LOCKS:
        yield False
        return
    try:
        number = os.open(path, os.O_RDWR | system.NOFOLLOW | system.NONBLOCK | system.CLOEXEC)
    except OSError as error:
        yield error.errno == errno.ENOENT
        return
    try:
        yield try_lock(number)
    finally:
        os.close(number)


def locked_file(parent: Path, prefix: str, suffix: str = "") -> tuple[int, Path]:
    """Create a file with a random name that is locked for as long as its descriptor is open.

    :returns: the descriptor, for reading and writing, and the path
    :raises OSError: it cannot be made
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | system.NOFOLLOW | system.CLOEXEC
    while True:
        path = parent / f"{prefix}{secrets.token_hex(12)}{suffix}"
        number = os.open(path, flags, 0o600)
        try:
            # The user's umask has no say in it.
            system.set_mode(number, 0o600)
            # Another run may sweep before it is locked: it has the lock, or the file is gone.
            if try_lock(number) and os.fstat(number).st_nlink:
                return number, path
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(number)
            raise
        os.close(number)


def try_lock(number: int) -> bool:
    """Take the lock of an open file, unless somebody has it; return whether it was taken.

    The kernel frees it when the file is closed, also when the process is killed. filelock locks
    a path that it creates; here the folder or file itself is locked, and what is swept is found
    by that.
    """
    try:
        system.lock(number)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def for_this_process() -> Iterator[None]:
    """Let the standard library make its temporary files in a :func:`folder`, for a while.

    The frontend of build backends makes some, and takes no folder for them.

    :raises OSError: it cannot be made
    """
    former = tempfile.tempdir
    with folder() as made:
        tempfile.tempdir = str(made)
        try:
            yield
        finally:
            # Runs of several threads may end in another order than they began.
            if tempfile.tempdir == str(made):
                tempfile.tempdir = former if former and os.path.isdir(former) else None  # noqa: PTH112


@contextlib.contextmanager
def beside(path: Path) -> Iterator[tuple[int, Path]]:
    """Make a file beside *path*, locked while it is written; it is removed if it is still there.

    :raises OSError: it cannot be made
    """
    number, made = locked_file(path.parent, f".{path.name[:100]}.", _NEW)
    try:
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
            system.set_mode(number, 0o644)
            os.fsync(number)
        system.rename_open(number, made, path)
    system.flush_folder(path.parent)


def check_writable(path: Path, what: str, *, hint: str) -> None:
    """Check that a file can be put in place at *path*; nothing is made.

    :param what: what an error names
    :raises AsamanError: it cannot be written (exit 5)
    """
    folder = next(each for each in path.absolute().parents if each.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = f"it cannot be written: {system_reason(error)}"
        raise AsamanError(what, why, hint=hint, code=ExitCode.INPUT_OUTPUT) from None


def is_within(path: Path, folders: Iterable[Path]) -> bool:
    """Return whether *path* is one of *folders*, or in one; all are absolute."""
    return any(path.is_relative_to(folder) for folder in folders)


def sweep_beside(folder: Path) -> None:
    """Remove the files of :func:`beside` in *folder* that killed runs left."""
    sweep_files(folder, _NEW)


def make_results(folder: Path) -> None:
    """Make a *folder* of results, unless it is there; git ignores what is in a new one.

    :raises OSError: it cannot be made
    """
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        put_in_place(folder / ".gitignore", b"*\n")


def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield what :func:`os.walk` does, from the top down.

    :raises OSError: a folder cannot be listed
    """

    def fail(error: OSError) -> None:
        raise error

    return os.walk(folder, onerror=fail)


def remove_tree(path: Path) -> None:
    """Remove a file or folder, however deep and whatever its modes; nothing is followed.

    What cannot be removed (another user's, a mount point) stays and is not an error.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
        if os.open not in os.supports_dir_fd:
            shutil.rmtree(path)
            return
        os.chmod(path, 0o700)
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
        number = os.open(path, os.O_RDONLY | system.NOFOLLOW | system.NONBLOCK | system.CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise OSError(errno.EINVAL, "Not a regular file", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return os.fdopen(number, "rb")


def read_regular(path: Path, longest: int, what: str) -> bytes:
    """Return the content of a regular file.

    :param longest: the most bytes that it may have
    :param what: what messages call it
    :raises AsamanError: it cannot be read, or is longer (exit 2 or 5)
    """
    try:
        with open_regular(path) as file:
            content = file.read(longest + 1)
    except OSError as error:
        raise AsamanError(what, system_reason(error), code=code_of(error)) from None
    if len(content) > longest:
        raise AsamanError(what, f"longer than {longest} bytes")
    return content


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


def copy_in_place(source: BinaryIO, path: Path, digest: Digest | None) -> None:
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
            system.set_mode(number, 0o644)
            os.fsync(number)
        if digest is not None and written.hexdigest() != digest.value:
            raise AsamanError(
                str(path), "it changed while it was copied", code=ExitCode.INPUT_OUTPUT
            )
        system.rename_open(number, made, path)
    system.flush_folder(path.parent)
