"""The headers of zip archives as they are in the file (APPNOTE.TXT 4.3), and members' contents.

Nothing is judged here beyond what is needed to read at all: :mod:`amrasaman_nox.archives.zip`
refuses what two readers could read in two ways, a comparison reports it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from amrasaman_nox.archives.inflate import (
    Form,
    InflateError,
    TooLargeError,
    TrailingDataError,
    TruncatedError,
    inflated,
)
from amrasaman_nox.archives.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED: Final = 0
DEFLATED: Final = 8

FLAG_ENCRYPTED: Final = 0x0001
FLAG_DESCRIPTOR: Final = 0x0008
FLAG_UTF8: Final = 0x0800

ZIP64: Final = 0x0001
_IN_ZIP64: Final = 0xFFFFFFFF

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT: Final = 0xFFFF
_CHUNK: Final = 1 << 18


class ZipError(ValueError):
    """The bytes are no zip archive, or one whose headers or contents are damaged."""


class End(NamedTuple):
    """The end record of the central directory."""

    signature: bytes
    disk: int
    central_disk: int
    entries_here: int
    entries: int
    central_size: int
    central_offset: int
    comment_length: int


class Central(NamedTuple):
    """A header in the central directory."""

    signature: bytes
    made_by: int
    needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    internal: int
    external: int
    offset: int


class Local(NamedTuple):
    """A header before the content of a member."""

    signature: bytes
    needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed: int
    size: int
    name_length: int
    extra_length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CentralEntry:
    """A header of the central directory with what follows it; ``end`` is where the next begins."""

    header: Central
    name: bytes
    extra: bytes
    comment: bytes
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEntry:
    """A local header with what follows it; ``data`` is the offset of the content in the file."""

    header: Local
    name: bytes
    extra: bytes
    data: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A member as its two headers describe it; sizes and offsets are in bytes.

    ``size``, ``compressed`` and ``start`` (the offset of the local header in the file) are those
    of the central header, or of its zip64 field where the header refers to it.
    """

    name: str
    central: CentralEntry
    local: LocalEntry
    size: int
    compressed: int
    start: int

    @property
    def after(self) -> int:
        """The offset of the first byte after the content."""
        return self.local.data + self.compressed


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """All headers of an archive; ``start`` is the offset of the central directory.

    ``end`` is the offset of the first byte after the end record and its comment.
    """

    entries: tuple[Entry, ...]
    start: int
    end: int
    comment: bytes


def parse_end(data: bytes) -> End:
    """Return the end record that *data* begins with, without its comment.

    :raises ZipError: *data* does not begin with one
    """
    if len(data) < _END.size or not data.startswith(b"PK\5\6"):
        raise ZipError("no end record")
    return End._make(_END.unpack_from(data))


def parse_central(directory: bytes, at: int) -> CentralEntry:
    """Return the header at *at* in the bytes of the central directory.

    :raises ZipError: there is none, or it is truncated
    """
    if at + _CENTRAL.size > len(directory):
        raise ZipError("truncated central directory")
    header = Central._make(_CENTRAL.unpack_from(directory, at))
    if header.signature != b"PK\1\2":
        raise ZipError("damaged central directory")
    names = at + _CENTRAL.size
    extras = names + header.name_length
    comments = extras + header.extra_length
    end = comments + header.comment_length
    if end > len(directory):
        raise ZipError("truncated central directory")
    return CentralEntry(
        header=header,
        name=directory[names:extras],
        extra=directory[extras:comments],
        comment=directory[comments:end],
        end=end,
    )


def read_local(file: BinaryIO, offset: int) -> LocalEntry:
    """Return the local header at *offset* in *file*.

    :raises ZipError: there is none, or it is truncated
    """
    file.seek(offset)
    data = file.read(_LOCAL.size)
    if len(data) < _LOCAL.size or not data.startswith(b"PK\3\4"):
        raise ZipError("no local header")
    header = Local._make(_LOCAL.unpack(data))
    name, extra = file.read(header.name_length), file.read(header.extra_length)
    if len(name) + len(extra) < header.name_length + header.extra_length:
        raise ZipError("truncated local header")
    return LocalEntry(
        header=header, name=name, extra=extra, data=offset + _LOCAL.size + len(name) + len(extra)
    )


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the extra fields of a header, as identifier and content.

    :raises ZipError: they are damaged
    """
    at = 0
    while at < len(extra):
        if len(extra) < at + 4:
            raise ZipError("damaged extra field")
        kind, length = struct.unpack_from("<2H", extra, at)
        if len(extra) < at + 4 + length:
            raise ZipError("damaged extra field")
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def moment_of(header: Central) -> tuple[int, int, int, int, int, int]:
    """Return the time that a header gives: year to second, even seconds only; not checked."""
    date, time = header.date, header.time
    day = (1980 + (date >> 9), date >> 5 & 15, date & 31)
    return (*day, time >> 11, time >> 5 & 63, (time & 31) * 2)


def contents(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Yield the content of a member in pieces, never more than its headers promise.

    :raises ZipError: it is encrypted, packed in an unknown way, damaged, or not of the size and
        CRC-32 that its central header gives
    """
    header = entry.central.header
    if header.flags & FLAG_ENCRYPTED:
        raise ZipError(f"{quoted(entry.name)} is encrypted")
    if entry.local.name != entry.central.name:
        raise ZipError(f"local and central name of {quoted(entry.name)} do not match")
    packed = Packed(
        name=entry.name,
        begin=entry.local.data,
        compressed=entry.compressed,
        method=header.method,
        size=entry.size,
        crc=header.crc,
    )
    yield from unpacked(file, packed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """The content of a member: where its packed bytes are, and what its headers promise of it."""

    name: str
    begin: int
    compressed: int
    method: int
    size: int
    crc: int


def unpacked(file: BinaryIO, packed: Packed) -> Iterator[bytes]:
    """Yield what the packed bytes of a member expand to, in pieces.

    :raises ZipError: the method is unknown, the bytes are damaged, or do not expand to what the
        headers promise; no more than the promised size is yielded
    """
    name, size, crc = quoted(packed.name), 0, 0
    try:
        form = Form(packed.method)
    except ValueError:
        raise ZipError(f"compression method {packed.method} of {name}") from None
    raw = _raw(file, packed.begin, packed.compressed)
    try:
        for piece in inflated(raw, form, packed.size):
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            yield piece
    except TooLargeError:
        raise ZipError(f"size of {name} does not match") from None
    except (TrailingDataError, TruncatedError):
        raise ZipError(f"damaged {name}: wrong compressed size") from None
    except InflateError as error:
        raise ZipError(f"damaged {name}: {error}") from None
    if size != packed.size:
        raise ZipError(f"size of {name} does not match")
    if crc != packed.crc:
        raise ZipError(f"CRC-32 of {name} does not match")


def _raw(file: BinaryIO, at: int, left: int) -> Iterator[bytes]:
    while left:
        # Another reader of the same archive may have moved the position.
        file.seek(at)
        piece = file.read(min(left, _CHUNK))
        if not piece:
            raise ZipError("truncated zip archive")
        at += len(piece)
        left -= len(piece)
        yield piece


def read_directory(file: BinaryIO, most: int) -> Directory:
    """Return all headers of a zip archive, wherever they are, as lenient readers find them.

    :param file: open for reading and seekable
    :param most: the most members that are read
    :raises ZipError: not a zip archive, headers that are damaged or missing, or too many members
    """
    size = file.seek(0, 2)
    place, end, comment = _find_end(file, size)
    count, central_size, central_offset, place = _wide(file, place, end)
    if count > most:
        raise ZipError(f"more than {most:,} members")
    start = place - central_size
    shift = start - central_offset
    if start < 0 or shift < 0:
        raise ZipError("the central directory is outside of the file")
    file.seek(start)
    directory = file.read(central_size)
    entries: list[Entry] = []
    at = 0
    while at < len(directory):
        central = parse_central(directory, at)
        at = central.end
        if len(entries) == most:
            raise ZipError(f"more than {most:,} members")
        entries.append(_entry(file, central, shift))
    written = place + (_wide_size(file, place) + _END.size + len(comment))
    return Directory(entries=tuple(entries), start=start, end=written, comment=comment)


def _find_end(file: BinaryIO, size: int) -> tuple[int, End, bytes]:
    """Return the last end record in the file, its offset, and the comment behind it."""
    begin = max(0, size - _LONGEST_COMMENT - _END.size)
    file.seek(begin)
    tail = file.read(size - begin)
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise ZipError("not a zip file")
    end = parse_end(tail[at:])
    comment = tail[at + _END.size :][: end.comment_length]
    return begin + at, end, comment


def _wide_size(file: BinaryIO, place: int) -> int:
    """Return the size of the zip64 end record and its locator, ``0`` where *place* has none."""
    file.seek(place)
    return _END64.size + _LOCATOR64.size if file.read(4) == b"PK\6\6" else 0


def _wide(file: BinaryIO, place: int, end: End) -> tuple[int, int, int, int]:
    """Return number of entries, size, stated offset and end of the central directory."""
    before = place - _LOCATOR64.size - _END64.size
    narrow = (end.entries, end.central_size, end.central_offset, place)
    if before < 0:
        return narrow
    file.seek(before)
    record, locator = file.read(_END64.size), file.read(_LOCATOR64.size)
    if not (record.startswith(b"PK\6\6") and locator.startswith(b"PK\6\7")):
        return narrow
    fields = _END64.unpack(record)
    return fields[7], fields[8], fields[9], before


def _entry(file: BinaryIO, central: CentralEntry, shift: int) -> Entry:
    header = central.header
    size, compressed, offset = _wide_sizes(central)
    encoding = "utf-8" if header.flags & FLAG_UTF8 else "cp437"
    return Entry(
        name=central.name.decode(encoding),
        central=central,
        local=read_local(file, offset + shift),
        size=size,
        compressed=compressed,
        start=offset + shift,
    )


def _wide_sizes(central: CentralEntry) -> tuple[int, int, int]:
    """Return size, compressed size and offset, from the zip64 field where the header says so."""
    narrow = (central.header.size, central.header.compressed, central.header.offset)
    if _IN_ZIP64 not in narrow:
        return narrow
    wide = next((data for kind, data in extra_fields(central.extra) if kind == ZIP64), b"")
    found = []
    for value in narrow:
        if value == _IN_ZIP64:
            if len(wide) < 8:
                raise ZipError("damaged zip64 sizes")
            value, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        found.append(value)
    return found[0], found[1], found[2]
