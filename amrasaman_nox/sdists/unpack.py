"""Unpacking a verified sdist into a folder, member by member."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.archives.names import Subject, byte_limit, quoted
from amrasaman_nox.archives.tar import read_tar
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import chunks
from amrasaman_nox.sdists.reader import SdistInfo, Tree, archive_members, survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.archives.tar import TarMember
    from amrasaman_nox.model import Crate


# No member can have this name, since control characters are refused.
_STAGE: Final = ".unpacking\x01"


class ExceededError(Exception):
    """The content is larger than was asked for."""


def unpack(
    file: BinaryIO,
    filename: str,
    destination: Path,
    *,
    mtime: int,
    order: str = "sorted",
    owner: int | None = None,
    most: int | None = None,
) -> SdistInfo:
    """Write the content of the sdist's top folder into *destination*, an empty folder.

    *mtime* (seconds since 1970) becomes the time of all files and folders. *order*, ``sorted`` or
    ``reversed``, is that in which they are created. Modes become 0644 or 0755; everything, with
    *destination* itself, is given to the user and group number *owner* where there is one. After
    an error *destination* holds nothing to be trusted.

    :param most: the bytes that all files together may have here, ``None`` for any number
    :raises ExceededError: they have more than *most*
    :raises AsamanError: the archive is damaged, truncated, too large, can be read in two ways, or
        holds what an sdist must not (exit code 2); or a file cannot be written (exit code 5)
    """
    subject = Subject(what=filename)
    stamp = _Stamp(nanoseconds=mtime * 10**9, owner=owner)
    limit = byte_limit(file.seek(0, 2))
    members = _within(archive_members(file, subject), most)
    return _unpacked(members, subject, destination, stamp, order, limit).info()


def unpack_crate(file: BinaryIO, crate: Crate, destination: Path, *, mtime: int) -> None:
    """Write the content of a ``.crate`` file into *destination*, an empty folder.

    A crate is a gzipped tar archive with the folder ``NAME-VERSION`` in it. *mtime* is in seconds
    since 1970.

    :raises AsamanError: as for :func:`unpack`
    """
    subject = Subject(what=crate.filename)
    stamp = _Stamp(nanoseconds=mtime * 10**9, owner=None)
    tree = _unpacked(read_tar(file, subject), subject, destination, stamp, "sorted")
    if tree.top != f"{crate.name}-{crate.version}":
        raise subject.refusal(f"the top folder is {quoted(tree.top)}")


def _within(
    members: Iterator[tuple[TarMember, Iterator[bytes]]], most: int | None
) -> Iterator[tuple[TarMember, Iterator[bytes]]]:
    """Yield *members* as long as they have no more than *most* bytes together."""
    total = 0
    for member, content in members:
        total += member.size
        if most is not None and total > most:
            raise ExceededError
        yield member, content


def _unpacked(
    members: Iterator[tuple[TarMember, Iterator[bytes]]],
    subject: Subject,
    destination: Path,
    stamp: _Stamp,
    order: str,
    limit: int | None = None,
) -> Tree:
    """Place all *members*, once they were judged."""
    try:
        with ExitStack() as stack:
            root = _open_folder(os.fspath(destination))
            stack.callback(os.close, root)
            os.mkdir(_STAGE, 0o700, dir_fd=root)
            stage = _open_folder(_STAGE, root)
            stack.callback(os.close, stage)
            tree = survey(members, subject, _Stage(folder=stage, stamp=stamp), limit=limit)
            _Writer(root=root, stage=stage, stamp=stamp).write(tree, order)
            os.rmdir(_STAGE, dir_fd=root)
            stamp.put(root)
    except OSError as error:
        why = f"cannot unpack: {system_reason(error)}"
        raise AsamanError(subject.what, why, code=ExitCode.INPUT_OUTPUT) from error
    return tree


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stamp:
    """The time in nanoseconds since 1970, and the owner, that everything unpacked has."""

    nanoseconds: int
    owner: int | None

    def put(self, target: int | str, folder: int | None = None) -> None:
        """Stamp an open file, or the link of that name in the open *folder*."""
        times = (self.nanoseconds, self.nanoseconds)
        if isinstance(target, int):
            if self.owner is not None:
                os.fchown(target, self.owner, self.owner)
            os.utime(target, ns=times)
            return
        if self.owner is not None:
            os.chown(target, self.owner, self.owner, dir_fd=folder, follow_symlinks=False)
        os.utime(target, ns=times, dir_fd=folder, follow_symlinks=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    """An open folder that takes the files of an archive under numbers."""

    folder: int
    stamp: _Stamp

    def copy(self, original: int, number: int) -> None:
        """Write a new file named *number* with the content and mode of that named *original*."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(str(original), flags, dir_fd=self.folder), "rb") as file:
            executable = bool(os.fstat(file.fileno()).st_mode & 0o100)
            self.write(number, chunks(file), executable=executable)

    def write(self, number: int, content: Iterator[bytes], *, executable: bool) -> None:
        """Write a new file named *number* with *content*, mode 0755 or 0644, its time stamped."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(str(number), flags, 0o600, dir_fd=self.folder)
        try:
            for piece in content:
                _write_all(descriptor, piece)
            os.fchmod(descriptor, 0o755 if executable else 0o644)
            self.stamp.put(descriptor)
        finally:
            os.close(descriptor)


@dataclass(kw_only=True, slots=True)
class _Writer:
    """Moves staged files into place; ``_way`` are the open folders from the root downwards."""

    root: int
    stage: int
    stamp: _Stamp
    _way: list[tuple[str, int]] = field(default_factory=list)

    def write(self, tree: Tree, order: str) -> None:
        # Neighbours in this order share their folders, so each folder is made and left once.
        folders = tree.folders - {()}
        try:
            for parts in sorted({*folders, *tree.files, *tree.links}, reverse=order == "reversed"):
                if parts in folders:
                    self._enter(parts)
                    continue
                folder = self._enter(parts[:-1])
                if parts in tree.links:
                    os.symlink(tree.links[parts], parts[-1], dir_fd=folder)
                    self.stamp.put(parts[-1], folder)
                else:
                    number = str(tree.files[parts])
                    os.rename(number, parts[-1], src_dir_fd=self.stage, dst_dir_fd=folder)
        finally:
            self._leave(0)

    def _enter(self, parts: tuple[str, ...]) -> int:
        shared = 0
        for (name, _), part in zip(self._way, parts, strict=False):
            if name != part:
                break
            shared += 1
        self._leave(shared)
        for part in parts[shared:]:
            parent = self._way[-1][1] if self._way else self.root
            os.mkdir(part, 0o700, dir_fd=parent)
            self._way.append((part, _open_folder(part, parent)))
        return self._way[-1][1] if self._way else self.root

    def _leave(self, depth: int) -> None:
        while len(self._way) > depth:
            _, descriptor = self._way.pop()
            try:
                os.fchmod(descriptor, 0o755)
                self.stamp.put(descriptor)
            finally:
                os.close(descriptor)


def _open_folder(name: str, parent: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=parent)
    assert stat.S_ISDIR(os.fstat(descriptor).st_mode)  # noqa: S101 - what O_DIRECTORY promises
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        data = data[written:]
        written = os.write(descriptor, data)
