"""A content-addressed store of verified bytes on disk.

Layout, everything below a folder that is ours alone (0700)::

    files/ALGORITHM/HEX     bytes named by their hash, read-only
    values/KIND/KEY         small values (records, located metadata), each with a checksum
    locks/KEY               one advisory lock a key; the kernel frees it on death
    incoming/               files being written; locked while their writer lives
    tmp/                    private folders of runs; each has a marker that is locked likewise
    quarantine/             what did not verify

Bytes are written to ``incoming`` while they are hashed, compared, flushed, and linked into place
without replacing; the folder is flushed then. So an entry that is visible is whole, whenever the
machine stops, and everything is hashed again when it is read.
"""

from __future__ import annotations

# Every operation on the file system is a call of os: one seam, at which tests can fail it.
# ruff: noqa: PTH102, PTH104, PTH108
import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox import files, system
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, system_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from amrasaman_nox.model import Digest

_CHUNK: Final = 1 << 20
_ALGORITHMS: Final = ("sha256", "sha384", "sha512")
_FOLDERS: Final = (
    "files",
    *(f"files/{algorithm}" for algorithm in _ALGORITHMS),
    "values",
    "locks",
    "incoming",
    "tmp",
    "quarantine",
)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+-]{0,199}")
# How long a lock is waited for in silence, and how often it is tried, in seconds.
_PATIENCE: Final = 2.0
_INTERVAL: Final = 0.05
# A cached file that cannot be read is as good as absent.
_UNREADABLE: Final = frozenset({errno.EIO, errno.ESTALE, errno.EBADMSG})


@dataclass(frozen=True, slots=True)
class Store:
    """The store below *root*; make one with :meth:`open`."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Store:
        """Create what is missing below *root*, check whose it is, and return the store.

        :raises AsamanError: the folder belongs to another user or others may write to it
            (exit 4), or it cannot be made (exit 5), or its path cannot be one of virtual
            environments (exit 2)
        """
        if os.pathsep in str(root):
            raise AsamanError(
                f"cache folder {root}",
                f"its path contains {os.pathsep}, which virtual environments do not support",
                hint="choose another one: --cache-dir DIRECTORY",
            )
        with _naming(root):
            root = root.absolute()
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            root = root.resolve()
            _check_owner(root)
            for name in _FOLDERS:
                folder = root / name
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder, 0o700)
                _check_owner(folder)
        return cls(root)

    @classmethod
    def existing(cls, root: Path) -> Store | None:
        """Return the store below *root* for reading, ``None`` where there is none."""
        try:
            for folder in (root.resolve(), root.resolve() / "values"):
                _check_owner(folder)
        except (OSError, AsamanError):
            return None
        return cls(root.resolve())

    def path(self, digest: Digest) -> Path:
        """Return where the bytes with *digest* are or would be; nothing is verified."""
        return self.root / "files" / digest.algorithm / digest.value

    def has(self, digest: Digest) -> bool:
        """Return whether there is an entry for *digest*; its bytes are not looked at."""
        with _naming(self.path(digest)):
            try:
                return stat.S_ISREG(os.lstat(self.path(digest)).st_mode)
            except FileNotFoundError:
                return False

    def get(self, digest: Digest) -> BinaryIO | None:
        """Return the verified bytes as an open file at its start, or ``None``.

        What is read later comes from the very file that was hashed. An entry that does not verify
        is set aside, one that cannot be read counts as absent.

        :raises AsamanError: the entry belongs to another user (exit 4)
        """
        path = self.path(digest)
        with _naming(path):
            try:
                descriptor = os.open(path, os.O_RDONLY | system.NOFOLLOW | system.NONBLOCK)
            except OSError as error:
                self._unopened(path, error)
                return None
            try:
                verified = _is_ours(descriptor, path) and _hash(descriptor, digest) == digest.value
            except OSError as error:
                os.close(descriptor)
                if error.errno in _UNREADABLE:
                    self._set_aside(path)
                    return None
                raise
            except BaseException:
                os.close(descriptor)
                raise
            if not verified:
                os.close(descriptor)
                self._set_aside(path)
                return None
            os.lseek(descriptor, 0, os.SEEK_SET)
            return os.fdopen(descriptor, "rb")

    def add(
        self,
        chunks: Iterable[bytes],
        digest: Digest,
        *,
        limit: int | None = None,
        name: str = "",
    ) -> None:
        """Store *chunks* under *digest*, hashing while they are written.

        :param limit: the most bytes that are read, or ``None``
        :param name: what messages call the bytes, such as a file name
        :raises AsamanError: the hash is another one or there are too many bytes (exit 2), or
            writing failed (exit 5); nothing is visible then
        """
        final = self.path(digest)
        with _naming(final), self._incoming() as (descriptor, temporary):
            got = _write(descriptor, chunks, digest.algorithm, limit, name)
            if got != digest.value:
                what = f"{name}: hash mismatch" if name else "hash mismatch"
                why = f"expected {digest}, got {digest.algorithm}:{got}"
                raise AsamanError(what, why, kind=Kind.OTHER_HASH)
            system.set_mode(descriptor, 0o400)
            os.fsync(descriptor)
            self._link(temporary, digest)
            system.flush_folder(final.parent)

    def discard(self, digest: Digest) -> None:
        """Remove the entry for *digest*, if there is one: its bytes are of no use."""
        path = self.path(digest)
        with _naming(path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def put_value(self, kind: str, key: str, data: bytes) -> None:
        """Store a small value, replacing the former one as a whole.

        :param kind: a plain name, such as ``records``
        :raises AsamanError: writing failed (exit 5)
        """
        final = self._value_path(kind, key)
        with _naming(final):
            with contextlib.suppress(FileExistsError):
                os.mkdir(final.parent, 0o700)
                system.flush_folder(final.parent.parent)
            with self._incoming() as (descriptor, temporary):
                _write_all(descriptor, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
                os.fsync(descriptor)
                os.rename(temporary, final)
                system.flush_folder(final.parent)

    def get_value(self, kind: str, key: str) -> bytes | None:
        """Return what :meth:`put_value` stored, or ``None`` where it is absent or damaged."""
        path = self._value_path(kind, key)
        with _naming(path):
            try:
                descriptor = os.open(path, os.O_RDONLY | system.NOFOLLOW | system.NONBLOCK)
            except OSError as error:
                self._unopened(path, error)
                return None
            try:
                content = _read_all(descriptor) if _is_ours(descriptor, path) else b""
            except OSError as error:
                if error.errno not in _UNREADABLE:
                    raise
                content = b""
            finally:
                os.close(descriptor)
            checksum, _, data = content.partition(b"\n")
            if checksum != hashlib.sha256(data).hexdigest().encode():
                self._set_aside(path)
                return None
            return data

    @contextlib.contextmanager
    def lock(
        self,
        key: str,
        *,
        timeout: float,
        notify: Callable[[str], None] = lambda message: None,
    ) -> Iterator[None]:
        """Hold the lock of *key*; of all processes and threads, one at a time has it.

        :param timeout: seconds to wait at most
        :param notify: is told once when another run is waited for
        :raises AsamanError: it could not be locked in time (exit 5)
        """
        path = self.root / "locks" / _file_name(key)
        with _naming(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | system.NOFOLLOW, 0o600)
        try:
            _wait_for(descriptor, key, timeout, notify)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def temporary(self, prefix: str) -> Iterator[Path]:
        """Make a private folder (0700) with a random name; it is removed at the end.

        A run that is killed leaves it, unlocked, to the next :meth:`sweep`.
        """
        with _naming(self.root / "tmp"):
            made = files.make_folder(self.root / "tmp", prefix)
        with files.removing(made) as folder:
            yield folder

    def sweep(self) -> None:
        """Remove what runs left that were killed; what a live run has is not touched."""
        files.sweep_files(self.root / "incoming")
        files.sweep_folders(self.root / "tmp")

    @contextlib.contextmanager
    def _incoming(self) -> Iterator[tuple[int, Path]]:
        descriptor, path = files.locked_file(self.root / "incoming", "")
        try:
            yield descriptor, path
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(descriptor)

    def _link(self, temporary: Path, digest: Digest) -> None:
        for last in (False, True):
            try:
                os.link(temporary, self.path(digest))
            except FileExistsError:
                # Another run was first; a damaged entry is set aside here, and replaced.
                present = self.get(digest)
                if present is not None:
                    present.close()
                    return
                if last:
                    raise
            else:
                return

    def _unopened(self, path: Path, error: OSError) -> None:
        if error.errno == errno.ENOENT or error.errno in _UNREADABLE:
            return
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            self._set_aside(path)
            return
        raise error

    def _set_aside(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rename(path, self.root / "quarantine" / f"{path.name}.{secrets.token_hex(8)}")

    def _value_path(self, kind: str, key: str) -> Path:
        return self.root / "values" / _file_name(kind) / _file_name(key)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into one line that names *path*."""
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else str(path)
        hint = {
            errno.ENOSPC: "free some space, or choose another cache folder",
            errno.EDQUOT: "free some space, or choose another cache folder",
            errno.EROFS: "choose a writable cache folder",
            errno.EACCES: "choose a writable cache folder",
        }.get(error.errno or 0, "")
        raise AsamanError(
            named, system_reason(error), hint=hint, code=ExitCode.INPUT_OUTPUT
        ) from error


def _check_owner(folder: Path) -> None:
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise AsamanError(str(folder), "not a folder", code=ExitCode.NOT_AVAILABLE)
    if found.st_uid != system.user():
        raise AsamanError(
            str(folder),
            f"the cache belongs to user {found.st_uid}, not to {system.user()}",
            hint="choose a cache folder of your own",
            code=ExitCode.NOT_AVAILABLE,
        )
    if found.st_mode & 0o022:
        raise AsamanError(
            str(folder),
            "the cache is writable by other users",
            hint=f"chmod 700 {folder}",
            code=ExitCode.NOT_AVAILABLE,
        )


def _is_ours(descriptor: int, path: Path) -> bool:
    found = os.fstat(descriptor)
    if found.st_uid != system.user():
        raise AsamanError(
            str(path),
            f"the cached file belongs to user {found.st_uid}, not to {system.user()}",
            hint="remove it, or choose another cache folder",
            code=ExitCode.NOT_AVAILABLE,
        )
    return stat.S_ISREG(found.st_mode)


def _hash(descriptor: int, digest: Digest) -> str:
    state = hashlib.new(digest.algorithm)
    while chunk := os.read(descriptor, _CHUNK):
        state.update(chunk)
    return state.hexdigest()


def _read_all(descriptor: int) -> bytes:
    parts = []
    while chunk := os.read(descriptor, _CHUNK):
        parts.append(chunk)
    return b"".join(parts)


def _write(
    descriptor: int, chunks: Iterable[bytes], algorithm: str, limit: int | None, name: str
) -> str:
    state = hashlib.new(algorithm)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise AsamanError(name or "file", f"longer than {limit} bytes")
        state.update(chunk)
        _write_all(descriptor, chunk)
    return state.hexdigest()


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _file_name(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()


def _wait_for(descriptor: int, key: str, timeout: float, notify: Callable[[str], None]) -> None:
    started = time.monotonic()
    told = False
    while not files.try_lock(descriptor):
        waited = time.monotonic() - started
        if waited >= timeout:
            raise AsamanError(
                f"lock {key}",
                f"another run has held it for more than {timeout:g} seconds",
                hint="end the other run, or wait for it",
                code=ExitCode.INPUT_OUTPUT,
            )
        if waited >= _PATIENCE and not told:
            told = True
            notify(f"waiting for another run to finish with {key}")
        time.sleep(min(_INTERVAL, max(timeout - waited, 0.001)))


def fetched(digest: Digest, name: str, store: Store) -> BinaryIO:
    """Return the verified bytes with *digest* as an open file.

    :raises AsamanError: the store does not hold them (exit 5)
    """
    file = store.get(digest)
    if file is None:
        raise AsamanError(
            name,
            "it is no longer in the cache",
            hint="run again to fetch them",
            code=ExitCode.INPUT_OUTPUT,
        )
    return file
