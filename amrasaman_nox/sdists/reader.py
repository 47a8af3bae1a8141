"""From the verified bytes of an sdist to its metadata and its files.

No member is written under its own name before the whole archive has been read and judged: files
are first written under numbers, then moved into place. So an archive cannot lead the extractor
outside the folder, and the order in which folders are filled does not depend on the archive.
"""

from __future__ import annotations

import email.parser
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from amrasaman_nox.archives.names import Names, Subject, quoted, split_name
from amrasaman_nox.archives.tar import TarMember, read_tar
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.errors import AsamanError, printable
from amrasaman_nox.sdists.rust import RustFiles, RustSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Pin

#: The number of the rules below; what was judged by others is judged again.
RULES: Final = 3
_KEPT: Final = frozenset({"PKG-INFO", "pyproject.toml"})
_LARGEST_KEPT: Final = 16 << 20
#: What the names of sources end in that a build may compile.
_COMPILED: Final = (".c", ".cc", ".cpp", ".cxx", ".f90", ".pyx", ".rs")
#: Folders at the top of a source whose files are no part of what is built.
_ASIDE: Final = frozenset({"doc", "docs", "example", "examples", "test", "tests"})
#: How many links may follow one another on the way to a file.
_LONGEST_CHAIN: Final = 8


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

    *filename* ends in ``.tar.gz`` or ``.zip`` and is what errors name.

    :raises AsamanError: the archive is damaged, truncated, too large, can be read in two ways, or
        holds what an sdist must not (exit 2)
    """
    subject = Subject(what=filename)
    return survey(archive_members(file, subject), subject, None).info()


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


class Stage(Protocol):
    """Takes the files of an archive under numbers, before the archive as a whole is accepted."""

    def write(self, number: int, content: Iterator[bytes], *, executable: bool) -> None:
        """Keep *content* as file *number*."""


def archive_members(
    file: BinaryIO, subject: Subject
) -> Iterator[tuple[TarMember, Iterator[bytes]]]:
    """Yield the members of an sdist with their content, read strictly.

    :raises AsamanError: the format is not supported, or the archive is refused (exit 2)
    """
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
    members: Iterator[tuple[TarMember, Iterator[bytes]]], subject: Subject, stage: Stage | None
) -> Tree:
    """Check all members against the rules of sdists, placing each on *stage* if there is one.

    :raises AsamanError: naming the first member that is refused (exit 2)
    """
    tree = Tree(subject)
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
    tree: Tree,
    parts: tuple[str, ...],
    member: TarMember,
    content: Iterator[bytes],
    stage: Stage | None,
) -> None:
    if member.kind == "file":
        if len(parts) == 1 and parts[0] in _KEPT:
            content = iter([_keep(tree, member, content)])
        content = tree.rust.add(parts, member.size, content)
        if stage is not None:
            stage.write(tree.count, content, executable=member.executable)
        tree.files[parts] = tree.count
        tree.size += member.size
    elif member.kind == "link":
        if len(parts) == 1 and parts[0] in _KEPT:
            raise tree.subject.refusal(f"unsafe link {quoted(member.name)}")
        tree.links[parts] = member.target
    tree.count += 1


def _keep(tree: Tree, member: TarMember, content: Iterator[bytes]) -> bytes:
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


def _check_links(tree: Tree) -> None:
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


def _file_behind(tree: Tree, goal: tuple[str, ...] | None) -> tuple[str, ...] | None:
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


def _unsafe_link(tree: Tree, parts: tuple[str, ...], target: str) -> AsamanError:
    return tree.subject.refusal(f"unsafe link {quoted('/'.join(parts))} to {quoted(target)}")
