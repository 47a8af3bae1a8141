"""From the verified bytes of an sdist to its metadata and its files.

No member is written under its own name before the whole archive has been read and judged: files
are first written under numbers, then moved into place. So an archive cannot lead the extractor
outside the folder, and the order in which folders are filled does not depend on the archive.
"""

from __future__ import annotations

import email.parser
import os
import re
import stat
import tomllib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from amrasaman_nox.archives.names import Names, Subject, quoted, split_name
from amrasaman_nox.archives.tar import TarMember, read_tar
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.errors import AsamanError, ExitCode, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import Pin

#: The number of the rules below; what was judged by others is judged again.
RULES: Final = 2
#: What a project without ``[build-system]`` is built with (PEP 517).
DEFAULT_REQUIRES: Final = ("setuptools>=40.8.0",)
DEFAULT_BACKEND: Final = "setuptools.build_meta:__legacy__"

_KEPT: Final = frozenset({"PKG-INFO", "pyproject.toml"})
_LARGEST_KEPT: Final = 16 << 20
#: What the names of sources end in that a build may compile.
_COMPILED: Final = (".c", ".cc", ".cpp", ".cxx", ".f90", ".pyx", ".rs")
#: Folders at the top of a source whose files are no part of what is built.
_ASIDE: Final = frozenset({"doc", "docs", "example", "examples", "test", "tests"})
#: How many links may follow one another on the way to a file.
_LONGEST_CHAIN: Final = 8
# No member can have this name, since control characters are refused.
_STAGE: Final = ".unpacking\x01"
_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class SdistInfo:
    """What an sdist says of itself.

    ``name`` and ``version`` are as PKG-INFO writes them, ``pyproject`` is the content of the
    top-level ``pyproject.toml``, ``top`` the name of the top folder, ``members`` a count, ``size``
    the bytes of all files, ``native`` whether some of them look as if they were to be compiled.
    ``notes`` are lines worth printing.
    """

    filename: str
    name: str
    version: str
    pyproject: bytes | None
    has_setup_py: bool
    top: str
    members: int
    size: int
    native: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSystem:
    """The table ``[build-system]`` (PEP 517, PEP 518), or the defaults where there is none."""

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()


def read_sdist(file: BinaryIO, filename: str) -> SdistInfo:
    """Return what the sdist in *file* says of itself, after all of it was read and judged.

    *filename* ends in ``.tar.gz`` or ``.zip`` and is what errors name.

    :raises AsamanError: as for :func:`unpack`
    """
    subject = Subject(what=filename)
    return _survey(_members(file, subject), subject, None).info()


def unpack(
    file: BinaryIO,
    filename: str,
    destination: Path,
    *,
    mtime: int,
    order: str = "sorted",
    owner: int | None = None,
) -> SdistInfo:
    """Write the content of the sdist's top folder into *destination*, an empty folder of ours.

    *mtime* (seconds since 1970) becomes the time of all files and folders. *order*, ``sorted`` or
    ``reversed``, is that in which they are created. Modes become 0644 or 0755; everything, with
    *destination* itself, is given to the user and group number *owner* where there is one. After
    an error *destination* holds nothing to be trusted.

    :raises AsamanError: the archive is damaged, truncated, too large, can be read in two ways, or
        holds what an sdist must not (exit code 2); or a file cannot be written (exit code 5)
    """
    subject = Subject(what=filename)
    stamp = _Stamp(nanoseconds=mtime * 10**9, owner=owner)
    try:
        with ExitStack() as stack:
            root = _open_folder(os.fspath(destination))
            stack.callback(os.close, root)
            os.mkdir(_STAGE, 0o700, dir_fd=root)
            stage = _open_folder(_STAGE, root)
            stack.callback(os.close, stage)
            tree = _survey(_members(file, subject), subject, _Stage(folder=stage, stamp=stamp))
            info = tree.info()
            _Placer(root=root, stage=stage, stamp=stamp).place(tree, order)
            os.rmdir(_STAGE, dir_fd=root)
            stamp.put(root)
    except OSError as error:
        why = f"cannot unpack: {error.strerror or error}"
        raise AsamanError(filename, why, code=ExitCode.INPUT_OUTPUT) from error
    return info


def check_metadata(info: SdistInfo, pin: Pin) -> None:
    """Check that PKG-INFO has the name and version of *pin*.

    :raises AsamanError: it has not
    """
    same_name = canonicalize_name(info.name) == canonicalize_name(pin.name)
    if not same_name or Version(info.version) != Version(pin.version):
        raise AsamanError(
            str(pin),
            f"metadata mismatch: PKG-INFO of {info.filename} says {info.name} {info.version}",
            origin=pin.origin,
        )


# Reading


def _members(file: BinaryIO, subject: Subject) -> Iterator[tuple[TarMember, Iterator[bytes]]]:
    for ending, read in _FORMATS.items():
        if subject.what.lower().endswith(ending):
            return read(file, subject)
    raise subject.refusal("unsupported format: .tar.gz or .zip is required")


def _read_zip(file: BinaryIO, subject: Subject) -> Iterator[tuple[TarMember, Iterator[bytes]]]:
    archive = read_zip(file, subject)
    for member in archive.members:
        entry = TarMember(
            name=member.name.removesuffix("/"),
            kind="folder" if member.is_folder else "file",
            executable=member.executable,
            size=member.size,
        )
        content = archive.pieces(member)
        yield entry, content
        for _ in content:
            pass


_FORMATS: Final = {".tar.gz": read_tar, ".zip": _read_zip}


@dataclass(slots=True)
class _Tree:
    """The members of an sdist below its top folder, by their components."""

    subject: Subject
    top: str = ""
    count: int = 0
    size: int = 0
    folders: set[tuple[str, ...]] = field(default_factory=set)
    files: dict[tuple[str, ...], int] = field(default_factory=dict)
    links: dict[tuple[str, ...], str] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)

    def info(self) -> SdistInfo:
        name, version = _identity(self.kept.get("PKG-INFO"), self.subject)
        notes: tuple[str, ...] = ()
        if not _is_named(self.top, name, version):
            notes = (f"the top folder of {self.subject.what} is {quoted(self.top)}",)
        return SdistInfo(
            filename=self.subject.what,
            name=name,
            version=version,
            pyproject=self.kept.get("pyproject.toml"),
            has_setup_py=("setup.py",) in self.files or ("setup.py",) in self.links,
            top=self.top,
            members=self.count,
            size=self.size,
            native=any(map(_is_compiled, self.files)),
            notes=notes,
        )


def _is_compiled(parts: tuple[str, ...]) -> bool:
    return parts[-1].lower().endswith(_COMPILED) and parts[0].lower() not in _ASIDE


def _survey(
    members: Iterator[tuple[TarMember, Iterator[bytes]]], subject: Subject, stage: _Stage | None
) -> _Tree:
    tree = _Tree(subject)
    names = Names(subject)
    for member, content in members:
        parts = split_name(subject, member.name)
        names.add(parts, folder=member.kind == "folder")
        tree.top = tree.top or parts[0]
        if parts[0] != tree.top or (len(parts) == 1 and member.kind != "folder"):
            raise subject.refusal(f"{quoted(member.name)} is outside the top folder")
        _take(tree, parts[1:], member, content, stage)
    tree.folders |= {tuple(name.split("/")[1:]) for name in names.folders}
    _check_links(tree)
    return tree


def _take(
    tree: _Tree,
    parts: tuple[str, ...],
    member: TarMember,
    content: Iterator[bytes],
    stage: _Stage | None,
) -> None:
    if member.kind == "file":
        if len(parts) == 1 and parts[0] in _KEPT:
            content = iter([_keep(tree, member, content)])
        if stage is not None:
            stage.write(tree.count, content, executable=member.executable)
        tree.files[parts] = tree.count
        tree.size += member.size
    elif member.kind == "link":
        if len(parts) == 1 and parts[0] in _KEPT:
            raise tree.subject.refusal(f"unsafe link {quoted(member.name)}")
        tree.links[parts] = member.target
    tree.count += 1


def _keep(tree: _Tree, member: TarMember, content: Iterator[bytes]) -> bytes:
    if member.size > _LARGEST_KEPT:
        raise tree.subject.refusal(f"{quoted(member.name)} is beyond the limit")
    data = b"".join(content)
    tree.kept[member.name.rpartition("/")[2]] = data
    return data


def _identity(metadata: bytes | None, subject: Subject) -> tuple[str, str]:
    if metadata is None:
        raise subject.refusal("metadata mismatch: no PKG-INFO in the top folder")
    headers = email.parser.BytesHeaderParser().parsebytes(metadata)
    values = []
    for header in ("Name", "Version"):
        found = headers.get_all(header, [])
        if len(found) != 1:
            raise subject.refusal(f"metadata mismatch: {len(found)} {header} lines in PKG-INFO")
        values.append(str(found[0]).strip())
    name, version = values
    try:
        canonicalize_name(name, validate=True)
        Version(version)
    except (InvalidName, InvalidVersion):
        shown = quoted(f"{name} {version}")
        raise subject.refusal(f"metadata mismatch: PKG-INFO says {shown}") from None
    return name, version


def _is_named(top: str, name: str, version: str) -> bool:
    top_name, _, top_version = top.rpartition("-")
    try:
        same = Version(top_version) == Version(version)
    except InvalidVersion:
        return False
    return same and canonicalize_name(top_name) == canonicalize_name(name)


# Links


def _check_links(tree: _Tree) -> None:
    to_folders = {}
    for parts, target in tree.links.items():
        goal = _goal(parts, target)
        if goal in tree.folders and goal:
            to_folders[parts] = goal
        elif _file_behind(tree, goal) not in tree.files:
            raise _unsafe_link(tree, parts, target)
    for parts, goal in to_folders.items():
        # What a link shows may hold no link to a folder: so no way through the tree has an end-
        # less loop, and no link leads to a folder that it is in.
        if any(other[: len(goal)] == goal for other in to_folders):
            raise _unsafe_link(tree, parts, tree.links[parts])


def _file_behind(tree: _Tree, goal: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return where links that lead to links end: *goal* where it is none, a link in a circle."""
    for _ in range(_LONGEST_CHAIN):
        if goal is None or goal not in tree.links:
            break
        goal = _goal(goal, tree.links[goal])
    return goal


def _goal(parts: tuple[str, ...], target: str) -> tuple[str, ...] | None:
    """Return the components that *target* leads to from the link *parts*, ``None`` if unsafe."""
    steps = target.split("/")
    up = 0
    while up < len(steps) and steps[up] == "..":
        up += 1
    down = tuple(steps[up:])
    # A step up behind a step down would depend on whether the latter is a link itself.
    if up >= len(parts) or any(step in {"", ".", ".."} for step in down):
        return None
    if "\\" in target or printable(target) != target:
        return None
    return parts[: len(parts) - 1 - up] + down


def _unsafe_link(tree: _Tree, parts: tuple[str, ...], target: str) -> AsamanError:
    return tree.subject.refusal(f"unsafe link {quoted('/'.join(parts))} to {quoted(target)}")


# Writing


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

    def write(self, number: int, content: Iterator[bytes], *, executable: bool) -> None:
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
class _Placer:
    """Moves staged files into place; ``_way`` are the open folders from the root downwards."""

    root: int
    stage: int
    stamp: _Stamp
    _way: list[tuple[str, int]] = field(default_factory=list)

    def place(self, tree: _Tree, order: str) -> None:
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


# Build system


def build_system(info: SdistInfo) -> BuildSystem:
    """Return what the sdist is built with (PEP 517, PEP 518).

    :raises AsamanError: ``pyproject.toml`` cannot be read, a build requirement is not a name with
        a specifier, or ``backend-path`` leaves the source
    """
    subject = Subject(what=info.filename)
    if info.pyproject is None and not info.has_setup_py:
        raise subject.refusal("neither pyproject.toml nor setup.py")
    table = _build_system_table(info.pyproject or b"", subject)
    if table is None:
        return BuildSystem(requires=DEFAULT_REQUIRES, backend=DEFAULT_BACKEND)
    requires = _strings(table, "requires", subject)
    backend = table.get("build-backend", DEFAULT_BACKEND)
    if not isinstance(backend, str) or not _OBJECT.fullmatch(backend):
        raise subject.refusal(f"build-backend is not the name of an object: {quoted(str(backend))}")
    path = _strings(table, "backend-path", subject) if "backend-path" in table else ()
    for requirement in requires:
        _check_requirement(requirement, subject)
    for folder in path:
        _check_backend_path(folder, subject)
    return BuildSystem(requires=requires, backend=backend, backend_path=path)


def _build_system_table(pyproject: bytes, subject: Subject) -> dict[str, object] | None:
    try:
        document = tomllib.loads(pyproject.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise subject.refusal(f"pyproject.toml cannot be read: {error}") from None
    table = document.get("build-system")
    if table is None:
        return None
    if not isinstance(table, dict) or "requires" not in table:
        raise subject.refusal("pyproject.toml: [build-system] without requires")
    return table


def _strings(table: dict[str, object], key: str, subject: Subject) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise subject.refusal(f"pyproject.toml: {key} is not a list of strings")
    return tuple(value)


def _check_requirement(text: str, subject: Subject) -> None:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url is not None or printable(text) != text:
        raise subject.refusal(f"build requirement is not name and specifier: {quoted(text)}")


def _check_backend_path(folder: str, subject: Subject) -> None:
    parts = folder.split("/")
    unsafe = folder.startswith("/") or ".." in parts or "\\" in folder or not folder
    if unsafe or printable(folder) != folder:
        raise subject.refusal(f"backend-path outside the source: {quoted(folder)}")
