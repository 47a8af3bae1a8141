"""Strict reading of zip archives, from their raw headers.

Readers of zip files differ in which of two headers they trust, and in where they look for them.
Here both must agree, and the file must consist of local headers with their data, the central
directory and its end record, with nothing before, between or behind (APPNOTE.TXT 4.3).
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.archives.names import (
    MOST_MEMBERS,
    Names,
    Subject,
    byte_limit,
    quoted,
    split_name,
)
from amrasaman_nox.archives.zip_headers import (
    DEFLATED,
    FLAG_DESCRIPTOR,
    FLAG_UTF8,
    STORED,
    ZIP64,
    Packed,
    ZipError,
    extra_fields,
    parse_central,
    parse_end,
    read_local,
    unpacked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.archives.zip_headers import Central, CentralEntry, End, LocalEntry

# Bits 1 and 2 tell how hard the deflater tried.
_FLAGS: Final = FLAG_UTF8 | 0x0006

_END_SIZE: Final = 22
#: Extra fields that give a member another size, name or content.
_REFUSED_EXTRAS: Final = {
    ZIP64: "zip64 sizes",
    0x7075: "a second name",
    0x9901: "encryption",
    0x0017: "encryption",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipMember:
    """A member as both of its headers describe it.

    ``name`` ends in a slash for a folder. ``size`` and ``compressed`` are in bytes. ``made_by``,
    ``needed``, ``flags``, ``method``, ``internal`` and ``external`` are the raw fields, ``moment``
    the raw DOS date and time. ``extra`` is true where either header has an extra field. ``start``
    is the offset of the local header, ``data`` that of the content.
    """

    name: str
    crc: int
    size: int
    compressed: int
    made_by: int
    needed: int
    flags: int
    method: int
    moment: tuple[int, int]
    internal: int
    external: int
    extra: bool
    start: int
    data: int

    @property
    def mode(self) -> int:
        """The Unix mode, or ``0`` where the writer gave none."""
        return self.external >> 16

    @property
    def is_folder(self) -> bool:
        """Whether this is the entry of a folder."""
        return self.name.endswith("/")

    @property
    def executable(self) -> bool:
        """Whether installers make the file executable."""
        return stat.S_ISREG(self.mode) and bool(self.mode & 0o111)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipArchive:
    """An open zip archive whose framing and names were checked; contents are checked when read.

    ``members`` are in the order of the central directory.
    """

    file: BinaryIO
    subject: Subject
    members: tuple[ZipMember, ...]

    def pieces(self, member: ZipMember) -> Iterator[bytes]:
        """Yield the content of *member* in pieces.

        :raises AsamanError: the content is not what size and CRC-32 of the member promise
        """
        packed = Packed(
            name=member.name,
            begin=member.data,
            compressed=member.compressed,
            method=member.method,
            size=member.size,
            crc=member.crc,
        )
        try:
            yield from unpacked(self.file, packed)
        except ZipError as error:
            raise self.subject.refusal(str(error)) from None

    def read(self, member: ZipMember, limit: int = 64 << 20) -> bytes:
        """Return the content of *member*, of at most *limit* bytes.

        :raises AsamanError: the content is larger, or as for :meth:`pieces`
        """
        if member.size > limit:
            raise self.subject.refusal(f"{quoted(member.name)} is too large")
        return b"".join(self.pieces(member))


def read_zip(
    file: BinaryIO, subject: Subject, *, lenient: bool = False, distinct: bool = True
) -> ZipArchive:
    """Return the archive in *file*, which must stay open while its contents are read.

    *lenient* accepts what writers other than build backends make and readers agree about: data
    descriptors and zip64 extra fields that repeat the sizes. Without *distinct* it is left to the
    caller to judge names that are repeated or differ by case.

    :raises AsamanError: not a zip file; headers that contradict each other; anything before,
        between or behind the members; comments; encryption; an unknown compression; unsafe or
        doubled names; links; too many members or bytes
    """
    size = file.seek(0, 2)
    end = _read_end(file, size, subject)
    if end.entries > MOST_MEMBERS:
        raise subject.refusal(f"more than {MOST_MEMBERS:,} members")
    file.seek(end.central_offset)
    directory = file.read(end.central_size)
    reader = _Reader(file=file, subject=subject, lenient=lenient, limit=end.central_offset)
    members = reader.members(directory, end.entries)
    if distinct:
        check_distinct(members, subject)
    if sum(member.size for member in members) > byte_limit(size):
        raise subject.refusal("expands beyond the limit")
    return ZipArchive(file=file, subject=subject, members=members)


def check_distinct(members: Iterable[ZipMember], subject: Subject) -> None:
    """Check that names are safe, each is there once, and no two differ by case alone.

    :raises AsamanError: naming the first that is not so
    """
    names = Names(subject)
    for member in members:
        names.add(split_name(subject, member.name.removesuffix("/")), folder=member.is_folder)


def _read_end(file: BinaryIO, size: int, subject: Subject) -> End:
    file.seek(0)
    if file.read(2) != b"PK":
        raise subject.refusal("not a zip file, or data before its start")
    if size < _END_SIZE:
        raise subject.refusal("truncated zip archive")
    file.seek(size - _END_SIZE)
    try:
        end = parse_end(file.read(_END_SIZE))
    except ZipError:
        raise subject.refusal("truncated zip archive, or a comment or data after its end") from None
    if end.comment_length:
        raise subject.refusal("truncated zip archive, or a comment or data after its end")
    if end.disk or end.central_disk or end.entries != end.entries_here:
        raise subject.refusal("zip archive in several parts")
    if end.central_offset + end.central_size + _END_SIZE != size:
        raise subject.refusal("data before, between or after the parts of the zip archive")
    return end


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reader:
    """Reads the headers of one archive; ``limit`` is the offset of the central directory."""

    file: BinaryIO
    subject: Subject
    lenient: bool
    limit: int

    def members(self, directory: bytes, count: int) -> tuple[ZipMember, ...]:
        members = []
        at = 0
        for _ in range(count):
            central = self._central(directory, at)
            at = central.end
            member = self._member(central)
            members.append(member)
        if at != len(directory):
            raise self.subject.refusal("central directory with data that is not a header")
        self._check_tiling(members)
        return tuple(members)

    def _central(self, directory: bytes, at: int) -> CentralEntry:
        try:
            central = parse_central(directory, at)
        except ZipError as error:
            raise self.subject.refusal(str(error)) from None
        if central.comment or central.header.disk:
            raise self.subject.refusal("comment or damage in the central directory")
        return central

    def _member(self, entry: CentralEntry) -> ZipMember:
        central = entry.header
        name = self._decode(entry.name, central.flags)
        self._check_flags(central, name)
        self._check_kind(central, name)
        self._check_extra(entry.extra, name)
        local = self._local(entry, name)
        self._check_agreement(central, local, name)
        return ZipMember(
            name=name,
            crc=central.crc,
            size=central.size,
            compressed=central.compressed,
            made_by=central.made_by,
            needed=central.needed,
            flags=central.flags,
            method=central.method,
            moment=(central.date, central.time),
            internal=central.internal,
            external=central.external,
            extra=bool(entry.extra or local.extra),
            start=central.offset,
            data=local.data,
        )

    def _local(self, entry: CentralEntry, name: str) -> LocalEntry:
        try:
            local = read_local(self.file, entry.header.offset)
        except ZipError:
            raise self.subject.refusal(f"no local header for {quoted(name)}") from None
        if local.name != entry.name:
            raise self.subject.refusal(f"local and central name of {quoted(name)} do not match")
        return local

    def _decode(self, raw: bytes, flags: int) -> str:
        try:
            # Without the flag the encoding of other characters is anyone's guess.
            return raw.decode("utf-8" if flags & FLAG_UTF8 else "ascii")
        except UnicodeDecodeError:
            shown = quoted(raw.decode(errors="backslashreplace"))
            raise self.subject.refusal(f"unsafe member name {shown}") from None

    def _check_extra(self, extra: bytes, name: str) -> bytes:
        """Check the extra fields, and return the content of a zip64 field."""
        zip64 = b""
        try:
            for kind, content in extra_fields(extra):
                if kind in _REFUSED_EXTRAS and not (self.lenient and kind == ZIP64):
                    raise self.subject.refusal(f"{_REFUSED_EXTRAS[kind]} for {quoted(name)}")
                zip64 = content if kind == ZIP64 else zip64
        except ZipError as error:
            raise self.subject.refusal(f"{error} of {quoted(name)}") from None
        return zip64

    def _check_agreement(self, central: Central, entry: LocalEntry, name: str) -> None:
        zip64 = self._check_extra(entry.extra, name)
        local = entry.header
        # Both begin with the same five fields behind the signature.
        facts = (local.crc, local.compressed, local.size)
        accepted = [(central.crc, central.compressed, central.size)]
        if self.lenient and central.flags & FLAG_DESCRIPTOR:
            accepted += [(0, 0, 0), (0, 0xFFFFFFFF, 0xFFFFFFFF)]
        if zip64 == struct.pack("<2Q", central.size, central.compressed):
            accepted.append((central.crc, 0xFFFFFFFF, 0xFFFFFFFF))
        if central[2:7] != local[1:6] or facts not in accepted:
            raise self.subject.refusal(f"local and central header of {quoted(name)} do not match")

    def _check_flags(self, central: Central, name: str) -> None:
        if central.flags & FLAG_DESCRIPTOR and not self.lenient:
            raise self.subject.refusal(f"data descriptor for {quoted(name)}")
        if central.flags & ~(_FLAGS | FLAG_DESCRIPTOR):
            raise self.subject.refusal(f"encryption or an unknown flag for {quoted(name)}")
        if central.method not in {STORED, DEFLATED}:
            raise self.subject.refusal(f"unknown compression of {quoted(name)}")

    def _check_kind(self, central: Central, name: str) -> None:
        is_folder = name.endswith("/")
        kind = stat.S_IFMT(central.external >> 16)
        if kind not in {0, stat.S_IFDIR if is_folder else stat.S_IFREG}:
            what = "link" if kind == stat.S_IFLNK else "special file"
            raise self.subject.refusal(f"{what} {quoted(name)}")
        if is_folder and central.size:
            raise self.subject.refusal(f"content in {quoted(name)}, which is a folder")

    def _check_tiling(self, members: list[ZipMember]) -> None:
        """Each member must begin where the one before ends, the first at 0."""
        at = 0
        for member in sorted(members, key=lambda one: one.start):
            if member.start != at:
                raise self.subject.refusal("data before, between or after the members")
            at = member.data + member.compressed
            if member.flags & FLAG_DESCRIPTOR:
                at += self._descriptor(member, at)
        if at != self.limit:
            raise self.subject.refusal("data before, between or after the members")

    def _descriptor(self, member: ZipMember, at: int) -> int:
        self.file.seek(at)
        data = self.file.read(24)
        facts = (member.crc, member.compressed, member.size)
        for layout in ("<L2L", "<L2Q"):
            for signature in (b"PK\7\10", b""):
                expected = signature + struct.pack(layout, *facts)
                if data.startswith(expected):
                    return len(expected)
        raise self.subject.refusal(f"data descriptor of {quoted(member.name)} does not match")
