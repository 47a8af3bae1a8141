"""From the verified bytes of an sdist to its metadata and its files.

No member is written under its own name before the whole archive has been read and judged: files
are first written under numbers, then moved into place. So an archive cannot lead the extractor
outside the folder, and the order in which folders are filled does not depend on the archive.
"""

from __future__ import annotations

import email.parser
import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from amrasaman_nox.archives.inflate import Form
from amrasaman_nox.archives.names import (
    MOST_MEMBERS,
    Names,
    Subject,
    byte_limit,
    quoted,
    split_name,
)
from amrasaman_nox.archives.tar import TarMember, read_tar
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sdists.links import Links, check_links
from amrasaman_nox.sdists.names import SUFFIXES
from amrasaman_nox.sdists.rust import RustFiles, RustSource

if TYPE_CHECKING:
    from amrasaman_nox.model import Pin

#: The number of the rules below; what was judged by others is judged again.
RULES: Final = 7
_KEPT: Final = frozenset({"PKG-INFO", "pyproject.toml"})
_LARGEST_KEPT: Final = 16 << 20
#: What the names of sources end in that a build may compile.
_COMPILED: Final = (".c", ".cc", ".cpp", ".cxx", ".f90", ".pyx", ".rs")
#: Folders at the top of a source whose files are no part of what is built.
_ASIDE: Final = frozenset({"doc", "docs", "example", "examples", "test", "tests"})
#: A size that no file is read with.
_UNREAD: Final = 1 << 62


@dataclass(frozen=True, kw_only=True, slots=True)
class SdistInfo:
    """What an sdist says of itself.

    ``name`` and ``version`` are as PKG-INFO writes them, ``pyproject`` is the content of the
    top-level ``pyproject.toml``, ``top`` the name of the top folder, ``members`` a count, ``size``
    the bytes of all files, ``native`` whether some of them look as if they were to be compiled.
    ``rust`` is what a build needs of Rust, ``None`` for nothing. ``notes`` are lines worth
    printing.
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
    rust: RustSource | None = None
    notes: tuple[str, ...] = ()


def read_sdist(file: BinaryIO, filename: str) -> SdistInfo:
    """Return what the sdist in *file* says of itself, after all of it was read and judged.

    *filename* ends in one of :data:`~amrasaman_nox.sdists.names.SUFFIXES` and is what errors name.

    :raises AsamanError: the archive is damaged, truncated, too large, can be read in two ways, or
        holds what an sdist must not (exit 2)
    """
    subject = Subject(what=filename)
    members = archive_members(file, subject)
    return survey(members, subject, None, limit=byte_limit(file.seek(0, 2))).info()


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


class Staging(Protocol):
    """Takes the files of an archive under numbers, before the archive as a whole is accepted."""

    def write(self, number: int, content: Iterator[bytes], *, executable: bool) -> None:
        """Keep *content* as file *number*."""

    def copy(self, original: int, number: int) -> None:
        """Keep what file *original* holds as file *number* as well."""


_Member = tuple[TarMember, Iterator[bytes]]
_Read = Callable[[BinaryIO, Subject], Iterator[_Member]]


def archive_members(file: BinaryIO, subject: Subject) -> Iterator[_Member]:
    """Yield the members of an sdist with their content, read strictly.

    :raises AsamanError: the format is not supported, or the archive is refused (exit 2)
    """
    for ending, read in _FORMATS.items():
        if subject.what.lower().endswith(ending):
            return read(file, subject)
    raise subject.refusal(f"unsupported format: {' or '.join(SUFFIXES)} is required")


def _tar(form: Form) -> _Read:
    return functools.partial(read_tar, form=form, lenient=True)


def _read_zip(file: BinaryIO, subject: Subject) -> Iterator[_Member]:
    archive = read_zip(file, subject, distinct=False)
    for member in archive.members:
        entry = TarMember(
            name=member.name.removesuffix("/"),
            kind="folder" if member.is_folder else "file",
            executable=member.executable,
            size=member.size,
        )
        # Old writers call an empty folder deflated.
        empty = member.is_folder and not member.compressed
        content = iter(()) if empty else archive.pieces(member)
        yield entry, content
        for _ in content:
            pass


_FORMATS: Final = {
    ".tar.gz": _tar(Form.GZIP),
    ".zip": _read_zip,
    ".tar.bz2": _tar(Form.BZIP2),
    ".tar.xz": _tar(Form.XZ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What a member is; ``what`` is the hash of a file, or the target of a link."""

    kind: str
    what: str
    executable: bool = False
    size: int = 0


class _Hashed:
    """The pieces of a content, hashed as they pass."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._hash.update(piece)
            yield piece

    def digest(self) -> str:
        """Return the sha256 of the whole content, what nobody took included."""
        for _ in self:
            pass
        return self._hash.hexdigest()


@dataclass(slots=True)
class Tree:
    """The members of an sdist below its top folder, by their components."""

    subject: Subject
    top: str = ""
    count: int = 0
    size: int = 0
    folders: set[tuple[str, ...]] = field(default_factory=set)
    files: dict[tuple[str, ...], int] = field(default_factory=dict)
    links: dict[tuple[str, ...], str] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)
    rust: RustFiles = field(default_factory=RustFiles)
    known: dict[tuple[str, ...], _Known] = field(default_factory=dict)
    copies: set[tuple[str, ...]] = field(default_factory=set)
    aside: list[str] = field(default_factory=list)

    def info(self) -> SdistInfo:
        """Return what the archive says of itself.

        :raises AsamanError: it has no sound PKG-INFO (exit 2)
        """
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
            rust=self.rust.source(self.subject.what, self.kept.get("pyproject.toml")),
            notes=notes,
        )


def _is_compiled(parts: tuple[str, ...]) -> bool:
    return parts[-1].lower().endswith(_COMPILED) and parts[0].lower() not in _ASIDE


def survey(
    members: Iterator[_Member],
    subject: Subject,
    stage: Staging | None,
    *,
    limit: int | None = None,
) -> Tree:
    """Check all members against the rules of sdists, placing each on *stage* if there is one.

    :param limit: how many bytes hard links and files may come to; without it, and for crates,
        there is none, no member is repeated, no link dangles, and no two names differ by case alone
    :raises AsamanError: naming the first member that is refused (exit 2)
    """
    tree = Tree(subject)
    lenient = limit is not None
    names = Names(subject, fold=not lenient)
    for member, content in members:
        parts = _components(tree, member) if lenient else split_name(subject, member.name)
        if parts:
            _check_components(tree, parts, member)
            if lenient and parts[1:] in tree.known:
                _check_repeated(tree, parts[1:], member, content)
            else:
                names.add(parts, folder=member.kind == "folder")
                _take(tree, parts[1:], member, content, stage)
        tree.count += 1
        if tree.count > MOST_MEMBERS:
            raise subject.refusal(f"more than {MOST_MEMBERS:,} members")
        if limit is not None and tree.size > limit:
            raise subject.refusal("expands beyond the limit")
    if any(name != f"._{tree.top}" for name in tree.aside):
        raise subject.refusal(f"{quoted(tree.aside[0])} is outside the top folder")
    tree.folders |= {tuple(name.split("/")[1:]) for name in names.folders}
    links = Links(targets=tree.links, files=tree.files, folders=tree.folders)
    check_links(links, subject, dangling=lenient)
    return tree


def _components(tree: Tree, member: TarMember) -> tuple[str, ...]:
    """Return the components of a member's name; none for what is not part of the source.

    That is the folder ``.`` that the archive was packed from, and what macOS notes of the top
    folder (AppleDouble).
    """
    name = member.name.removeprefix("./")
    if name == "." and member.kind == "folder":
        return ()
    parts = split_name(tree.subject, name)
    if len(parts) == 1 and parts[0].startswith("._") and member.kind == "file":
        tree.aside.append(parts[0])
        return ()
    return parts


def _check_components(tree: Tree, parts: tuple[str, ...], member: TarMember) -> None:
    tree.top = tree.top or parts[0]
    if parts[0] != tree.top or (len(parts) == 1 and member.kind != "folder"):
        raise tree.subject.refusal(f"{quoted(member.name)} is outside the top folder")


def _take(
    tree: Tree,
    parts: tuple[str, ...],
    member: TarMember,
    content: Iterator[bytes],
    stage: Staging | None,
) -> None:
    kept = len(parts) == 1 and parts[0] in _KEPT
    if kept and member.kind in {"link", "hard link"}:
        raise tree.subject.refusal(f"unsafe link {quoted(member.name)}")
    if member.kind == "file":
        if kept:
            content = iter([_keep(tree, member, content)])
        content = tree.rust.add(parts, member.size, content)
        hashed = _Hashed(content)
        if stage is not None:
            stage.write(tree.count, iter(hashed), executable=member.executable)
        tree.files[parts] = tree.count
        tree.size += member.size
        tree.known[parts] = _Known(
            kind="file", what=hashed.digest(), executable=member.executable, size=member.size
        )
    elif member.kind == "hard link":
        _copy(tree, parts, member, stage)
    else:
        if member.kind == "link":
            tree.links[parts] = member.target
        tree.known[parts] = _Known(kind=member.kind, what=member.target)


def _copy(tree: Tree, parts: tuple[str, ...], member: TarMember, stage: Staging | None) -> None:
    """Take a hard link as a copy of the file that it repeats."""
    original = _original(tree, member)
    known = tree.known[original]
    # A lock of crates that is a link cannot be read.
    tree.rust.add(parts, _UNREAD, iter(()))
    if stage is not None:
        stage.copy(tree.files[original], tree.count)
    tree.files[parts] = tree.count
    tree.copies.add(parts)
    tree.size += known.size
    tree.known[parts] = known


def _original(tree: Tree, member: TarMember) -> tuple[str, ...]:
    """Return the path of the earlier regular file that a hard link names exactly."""
    top, *below = member.target.removeprefix("./").split("/")
    parts = tuple(below)
    if top != tree.top or parts not in tree.files or parts in tree.copies:
        raise tree.subject.refusal(
            f"hard link {quoted(member.name)} to {quoted(member.target)}, which is not an "
            "earlier file"
        )
    return parts


def _check_repeated(
    tree: Tree, parts: tuple[str, ...], member: TarMember, content: Iterator[bytes]
) -> None:
    """Check that a member is what the one of the same name is: type, bytes, executable bit."""
    if member.kind == "hard link":
        again = tree.known[_original(tree, member)]
    elif member.kind == "file":
        hashed = _Hashed(content)
        for _ in hashed:
            pass
        again = _Known(
            kind="file", what=hashed.digest(), executable=member.executable, size=member.size
        )
    else:
        again = _Known(kind=member.kind, what=member.target)
    if again != tree.known[parts]:
        raise tree.subject.refusal(f"duplicate member {quoted(member.name)} with different content")


def _keep(tree: Tree, member: TarMember, content: Iterator[bytes]) -> bytes:
    if member.size > _LARGEST_KEPT:
        raise tree.subject.refusal(f"{quoted(member.name)} is too large")
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
