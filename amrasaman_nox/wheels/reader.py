"""Strict reading of wheels (PEP 427, and the binary distribution format of the PyPA).

A wheel is read here so that every installer would read the same in it: sound framing, safe names,
one ``.dist-info`` folder, a file name that agrees with METADATA and WHEEL, and a RECORD that names
every file once with a strong hash. Contents are streamed, never held.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from packaging.tags import parse_tag
from packaging.utils import (
    InvalidName,
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from amrasaman_nox.archives.names import Subject, quoted, split_name
from amrasaman_nox.archives.zip import ZipArchive, ZipMember, check_distinct, read_zip
from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import Digest, Member, Pin, Wheel
from amrasaman_nox.wheels import headers, places
from amrasaman_nox.wheels.entry_points import script_names

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from amrasaman_nox.wheels.headers import Headers

#: Signatures of RECORD: it does not name them, since they are made after it.
SIGNATURES: Final = ("RECORD.jws", "RECORD.p7s")

_STRONG: Final = frozenset({"sha256", "sha384", "sha512"})
_SCHEMES: Final = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
_TAG = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRow:
    """What RECORD says of a file: the hash's algorithm and its text; both empty for RECORD."""

    algorithm: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelLayout:
    """An open wheel whose framing, names, metadata and RECORD agree; contents are unchecked.

    ``name`` is normalised (PEP 503), ``version`` is the normal form (PEP 440), ``tags`` are
    sorted (PEP 425), ``build`` is the build tag or ``""``, ``dist_info`` the name of that folder.
    ``record`` is what RECORD says, by member name. ``renamed`` tells that names had a ``./``.
    """

    filename: str
    name: str
    version: str
    tags: tuple[str, ...]
    build: str
    dist_info: str
    archive: ZipArchive
    record: dict[str, RecordRow]
    renamed: bool = False

    @property
    def record_name(self) -> str:
        """The name of the member RECORD."""
        return f"{self.dist_info}/RECORD"

    @property
    def files(self) -> tuple[ZipMember, ...]:
        """All members but folders, in archive order."""
        return tuple(member for member in self.archive.members if not member.is_folder)

    def checked(self, member: ZipMember) -> Generator[bytes, None, Member]:
        """Yield the content of *member* in pieces, and return what it came to.

        :raises AsamanError: the content is not what RECORD or the zip headers promise
        """
        row = self.record.get(member.name, RecordRow(algorithm="", value=""))
        ours = hashlib.sha256()
        theirs = ours if row.algorithm in {"", "sha256"} else hashlib.new(row.algorithm)
        for piece in self.archive.pieces(member):
            ours.update(piece)
            if theirs is not ours:
                theirs.update(piece)
            yield piece
        if row.algorithm and encoded(theirs.digest()) != row.value:
            why = f"RECORD mismatch: hash of {quoted(member.name)} is wrong"
            raise self.archive.subject.refusal(why)
        return Member(
            name=member.name,
            sha256=ours.hexdigest(),
            size=member.size,
            executable=member.executable,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelContent:
    """A wheel that was read strictly, open for reading.

    The fields are those of :class:`WheelLayout`; ``members`` are all files in archive order,
    ``digest`` is the sha256 of the wheel and ``size`` its bytes.
    """

    layout: WheelLayout
    members: tuple[Member, ...]
    digest: Digest
    size: int

    @property
    def filename(self) -> str:
        """The file name of the wheel."""
        return self.layout.filename

    @property
    def name(self) -> str:
        """The project's name, normalised (PEP 503)."""
        return self.layout.name

    @property
    def version(self) -> str:
        """The version in its normal form (PEP 440)."""
        return self.layout.version

    @property
    def tags(self) -> tuple[str, ...]:
        """The compatibility tags, sorted (PEP 425)."""
        return self.layout.tags

    @property
    def dist_info(self) -> str:
        """The name of the ``.dist-info`` folder."""
        return self.layout.dist_info

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the content of the member *name* in pieces.

        :raises KeyError: there is no such file
        """
        return self.layout.archive.pieces(self._find(name))

    def read(self, name: str, limit: int = 64 << 20) -> bytes:
        """Return the content of the member *name*, of at most *limit* bytes.

        :raises AsamanError: it is larger
        :raises KeyError: there is no such file
        """
        return self.layout.archive.read(self._find(name), limit)

    def _find(self, name: str) -> ZipMember:
        for member in self.layout.files:
            if member.name == name:
                return member
        raise KeyError(name)


def read_wheel(
    file: BinaryIO,
    filename: str,
    *,
    pin: Pin | None = None,
    code: ExitCode = ExitCode.BUILD_FAILED,
    lenient: bool = False,
) -> WheelContent:
    """Return the wheel in *file*, every content of it checked; *file* must stay open.

    *pin* is whose wheel it must be. *code* is the exit code of errors. *lenient* is for published
    wheels: it accepts any build tag, data descriptors and zip64 fields that repeat the sizes.

    :raises AsamanError: the wheel could be read in two ways, or contradicts itself or *pin*
    """
    layout = open_wheel(file, filename, pin=pin, code=code, lenient=lenient)
    members = tuple(drain(layout.checked(member)) for member in layout.files)
    digest, size = _file_digest(file)
    return WheelContent(layout=layout, members=members, digest=digest, size=size)


def wheel_value(content: WheelContent) -> Wheel:
    """Return *content* as a value that outlives the open file."""
    return Wheel(
        filename=content.filename,
        digest=content.digest,
        content_digest=content_digest(content.members),
        size=content.size,
        members=tuple(sorted(content.members, key=lambda member: member.name.encode())),
    )


def content_digest(members: tuple[Member, ...]) -> Digest:
    """Return the digest of names, executable bits and contents, whatever the zip around them.

    It is the sha256 of one line a file, sorted by the bytes of the name: the name in UTF-8, a NUL,
    ``1`` for an executable file or ``0``, a NUL, the content's sha256 in lower-case hexadecimal
    and a line feed. Folders do not count, RECORD does.
    """
    lines = sorted(
        f"{member.name}\0{int(member.executable)}\0{member.sha256}\n".encode() for member in members
    )
    return Digest.of(b"".join(lines))


def encoded(digest: bytes) -> str:
    """Return *digest* as RECORD writes it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def drain(
    pieces: Generator[bytes, None, Member], write: Callable[[bytes], object] | None = None
) -> Member:
    """Give each of *pieces* to *write*, and return what the generator returns."""
    while True:
        try:
            piece = next(pieces)
        except StopIteration as stop:
            member: Member = stop.value
            return member
        if write is not None:
            write(piece)


def open_wheel(
    file: BinaryIO,
    filename: str,
    *,
    pin: Pin | None = None,
    code: ExitCode = ExitCode.BUILD_FAILED,
    lenient: bool = False,
    renaming: bool = False,
) -> WheelLayout:
    """Return the layout of the wheel in *file*; arguments and errors as for :func:`read_wheel`.

    Contents are checked as :meth:`WheelLayout.checked` yields them. *renaming* is for a wheel that
    is written again: names lose the ``./`` in them, here and in RECORD, before they are judged.
    """
    subject = Subject(what=filename, code=code)
    name, version, build, tags = _parse_filename(filename, subject)
    if pin is not None and (
        name != canonicalize_name(pin.name) or Version(version) != Version(pin.version)
    ):
        raise subject.refusal(f"name mismatch: the file name is not that of {pin}")
    archive = read_zip(file, subject, lenient=lenient, distinct=not renaming)
    renamed = renaming and any(plain_name(one.name) != one.name for one in archive.members)
    if renaming:
        archive = _renamed(archive)
    dist_info = _dist_info(archive, name, version)
    _check_metadata(archive, dist_info, name, version)
    _check_wheel(archive, dist_info, tags, "" if lenient else build)
    _check_scripts(archive, dist_info)
    return WheelLayout(
        filename=filename,
        name=name,
        version=version,
        tags=tags,
        build=build,
        dist_info=dist_info,
        archive=archive,
        record=_read_record(archive, dist_info, plain_name if renaming else str),
        renamed=renamed,
    )


def _file_digest(file: BinaryIO) -> tuple[Digest, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(_CHUNK):
        digest.update(piece)
        size += len(piece)
    return Digest(algorithm="sha256", value=digest.hexdigest()), size


# Names


def plain_name(name: str) -> str:
    """Return the name of a member without the components ``.`` in it."""
    return re.sub(r"(^|/)(?:\./)+", r"\1", name)


def _renamed(archive: ZipArchive) -> ZipArchive:
    """Return *archive* with plain names, each of which is there once."""
    members = tuple(replace(one, name=plain_name(one.name)) for one in archive.members)
    check_distinct(members, archive.subject)
    return replace(archive, members=members)


def _parse_filename(filename: str, subject: Subject) -> tuple[str, str, str, tuple[str, ...]]:
    if len(split_name(subject, filename)) != 1 or not filename.isascii():
        raise subject.refusal("name mismatch: not a valid wheel file name")
    try:
        name, version, build, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise subject.refusal(f"name mismatch: {error}") from None
    if not all(_TAG.fullmatch(part) for part in filename.removesuffix(".whl").split("-")[-3:]):
        raise subject.refusal("name mismatch: malformed tag in the file name")
    return name, str(version), "".join(map(str, build)), tuple(sorted(map(str, tags)))


def _dist_info(archive: ZipArchive, name: str, version: str) -> str:
    tops = {member.name.split("/")[0] for member in archive.members}
    found = sorted(top for top in tops if top.casefold().endswith(".dist-info"))
    if len(found) != 1:
        raise archive.subject.refusal(f"{len(found)} .dist-info folders, exactly one is required")
    stem = found[0].removesuffix(".dist-info")
    if not _names(stem, name, version):
        raise archive.subject.refusal(f"name mismatch: the folder is {quoted(found[0])}")
    for member in archive.members:
        _check_data(archive, member, f"{stem}.data")
    return found[0]


def _names(stem: str, name: str, version: str) -> bool:
    its_name, _, its_version = stem.partition("-")
    try:
        same = Version(its_version.replace("_", "-")) == Version(version)
        return same and canonicalize_name(its_name, validate=True) == name
    except (InvalidName, InvalidVersion):
        return False


def _check_data(archive: ZipArchive, member: ZipMember, data: str) -> None:
    """Installers differ about ``.data`` folders of another name, and about files in their top."""
    parts = member.name.removesuffix("/").split("/")
    if not parts[0].casefold().endswith(".data"):
        return
    sound = parts[0] == data and (len(parts) > 2 or member.is_folder)
    if not sound or (len(parts) > 1 and parts[1] not in _SCHEMES):
        raise archive.subject.refusal(f"{quoted(member.name)} is in an unknown data folder")


# Metadata


def _read(archive: ZipArchive, name: str) -> bytes:
    for member in archive.members:
        if member.name == name:
            return archive.read(member)
    raise archive.subject.refusal(f"no {name}")


def _headers(archive: ZipArchive, dist_info: str, file: str) -> Headers:
    return headers.parse(_read(archive, f"{dist_info}/{file}"), file, archive.subject)


def _check_metadata(archive: ZipArchive, dist_info: str, name: str, version: str) -> None:
    found = _headers(archive, dist_info, "METADATA")
    found.one("Metadata-Version")
    its_name, its_version = found.one("Name"), found.one("Version")
    try:
        same = canonicalize_name(its_name, validate=True) == name
        same = same and Version(its_version) == Version(version)
    except (InvalidName, InvalidVersion):
        same = False
    if not same:
        shown = quoted(f"{its_name} {its_version}")
        raise archive.subject.refusal(f"metadata mismatch: METADATA says {shown}")


def _check_wheel(archive: ZipArchive, dist_info: str, tags: tuple[str, ...], build: str) -> None:
    found = _headers(archive, dist_info, "WHEEL")
    if build and [*found.all("Build")] != [build]:
        why = f"name mismatch: the build tag {quoted(build)} is not the Build of WHEEL"
        raise archive.subject.refusal(why)
    wheel_version = found.one("Wheel-Version")
    if not re.fullmatch(r"1\.[0-9]+", wheel_version):
        raise archive.subject.refusal(f"unsupported Wheel-Version {quoted(wheel_version)}")
    root = found.one("Root-Is-Purelib")
    if root.lower() not in {"true", "false"}:
        raise archive.subject.refusal(f"metadata mismatch: Root-Is-Purelib is {quoted(root)}")
    theirs: set[str] = set()
    for text in found.all("Tag"):
        if not re.fullmatch(rf"{_TAG.pattern}-{_TAG.pattern}-{_TAG.pattern}", text):
            raise archive.subject.refusal(f"metadata mismatch: malformed tag {quoted(text)}")
        theirs.update(map(str, parse_tag(text)))
    if theirs != set(tags):
        raise archive.subject.refusal("name mismatch: tags in WHEEL are not those of the file name")


# Scripts


def _check_scripts(archive: ZipArchive, dist_info: str) -> None:
    """Check that entry points make plain scripts, none of them where the wheel has another."""
    placed = places.check(archive, f"{dist_info.removesuffix('.dist-info')}.data")
    name = f"{dist_info}/entry_points.txt"
    if not any(member.name == name for member in archive.members):
        return
    for script in script_names(_read(archive, name), archive.subject):
        other = placed.get(f"{places.SCRIPTS}{script.casefold()}")
        if other is not None:
            raise archive.subject.refusal(f"{quoted(other)} is also an entry point")


# RECORD


def _read_record(
    archive: ZipArchive, dist_info: str, named: Callable[[str], str]
) -> dict[str, RecordRow]:
    name = f"{dist_info}/RECORD"
    free = {f"{dist_info}/{signature}" for signature in SIGNATURES}
    sizes = {member.name: member.size for member in archive.members if not member.is_folder}
    record: dict[str, RecordRow] = {}
    for row in _rows(_read(archive, name), archive.subject):
        path, digest, size = named(row[0]), row[1], row[2]
        if path in record:
            raise _record_refusal(archive, path, "is listed twice")
        if path not in sizes:
            raise _record_refusal(archive, path, "is not in the wheel")
        if size and size != str(sizes[path]):
            raise _record_refusal(archive, path, "has another size")
        empty = path == name or (path in free and not digest)
        if empty and digest:
            raise _record_refusal(archive, path, "must not have a hash")
        record[path] = _row(archive, path, digest, empty=empty)
    for path in sizes:
        if path not in record and path not in free:
            raise _record_refusal(archive, path, "is missing")
    return record


def _rows(data: bytes, subject: Subject) -> Iterator[list[str]]:
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise subject.refusal(f"RECORD mismatch: {error}") from None
    for row in rows:
        if len(row) != 3:
            raise subject.refusal("RECORD mismatch: a row does not have three columns")
        yield row


def _row(archive: ZipArchive, path: str, digest: str, *, empty: bool) -> RecordRow:
    if empty:
        return RecordRow(algorithm="", value="")
    algorithm, _, value = digest.partition("=")
    if not value:
        raise _record_refusal(archive, path, "has no hash")
    if algorithm not in _STRONG:
        raise _record_refusal(archive, path, f"has a weak or unknown hash {quoted(algorithm)}")
    return RecordRow(algorithm=algorithm, value=value)


def _record_refusal(archive: ZipArchive, path: str, why: str) -> Exception:
    return archive.subject.refusal(f"RECORD mismatch: {quoted(path)} {why}")
