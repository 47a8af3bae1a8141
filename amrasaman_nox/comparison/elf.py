"""The sections of an ELF file, read with every offset checked (System V ABI, chapter 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from amrasaman_nox.archives.inflate import Form, InflateError, allowed, inflate

MAGIC: Final = b"\x7fELF"
_MOST_SECTIONS: Final = 10_000
_MOST_BYTES: Final = 256 << 20
_NO_BITS: Final = 8
_COMPRESSED: Final = 0x800
_ZLIB: Final = 1
_NEEDED: Final = 1
#: By class (1: 32 bit, 2: 64 bit): ELF header after e_ident, section header, compression header.
_LAYOUTS: Final = {
    1: ("HHIIIIIHHHHHH", "IIIIIIIIII", "III"),
    2: ("HHIQQQIHHHHHH", "IIQQQQIIQQ", "IIQQ"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One section: its name, flags (``sh_flags``) and bytes, which are decompressed."""

    name: str
    flags: int
    data: bytes


class MalformedElfError(ValueError):
    """The bytes are not an ELF file that can be read."""


def sections(data: bytes) -> tuple[Section, ...]:
    """Return the sections of an ELF file in their order; none for a file without a section table.

    :param data: the whole file
    :raises MalformedElfError: an offset or a size that points outside of *data*, or a wrong header
    """
    if len(data) < 16 or data[:4] != MAGIC:
        raise MalformedElfError("not an ELF file")
    if data[4] not in _LAYOUTS or data[5] not in (1, 2):
        raise MalformedElfError("unknown class or byte order")
    order = "<" if data[5] == 1 else ">"
    header, entry, packed = (struct.Struct(order + layout) for layout in _LAYOUTS[data[4]])
    fields = _unpack(header, data, 16)
    offset, entry_size, count, names_index = fields[5], fields[10], fields[11], fields[12]
    if offset == 0 or count == 0:
        return ()
    if entry_size != entry.size or count > _MOST_SECTIONS or names_index >= count:
        raise MalformedElfError("wrong section table")
    rows = [_unpack(entry, data, offset + index * entry.size) for index in range(count)]
    names = _body(data, rows[names_index])
    found = []
    left = allowed(len(data), _MOST_BYTES)
    for row in rows[1:]:
        body = _decompressed(_body(data, row), row[2], packed, left)
        left -= len(body)
        if left < 0:
            raise MalformedElfError("sections too large")
        found.append(Section(name=_name(names, row[0]), flags=row[2] & ~_COMPRESSED, data=body))
    return tuple(found)


def needed(data: bytes) -> tuple[str, ...]:
    """Return the names of the libraries that an ELF file needs (``DT_NEEDED``); none otherwise.

    :param data: the whole file, which may be of another format, or damaged
    """
    try:
        found = {section.name: section.data for section in sections(data)}
    except MalformedElfError:
        return ()
    entries, names = found.get(".dynamic", b""), found.get(".dynstr", b"")
    order = "<" if data[5] == 1 else ">"
    entry = struct.Struct(order + ("iI" if data[4] == 1 else "qQ"))
    whole = entries[: len(entries) // entry.size * entry.size]
    try:
        return tuple(
            _name(names, value) for tag, value in entry.iter_unpack(whole) if tag == _NEEDED
        )
    except MalformedElfError:
        return ()


def _unpack(layout: struct.Struct, data: bytes, offset: int) -> tuple[int, ...]:
    if offset < 0 or offset + layout.size > len(data):
        raise MalformedElfError("a header points outside of the file")
    return layout.unpack_from(data, offset)


def _body(data: bytes, row: tuple[int, ...]) -> bytes:
    kind, offset, size = row[1], row[4], row[5]
    if kind in (0, _NO_BITS):
        return b""
    if offset + size > len(data):
        raise MalformedElfError("a section points outside of the file")
    return data[offset : offset + size]


def _name(names: bytes, offset: int) -> str:
    end = names.find(b"\0", offset)
    if offset >= len(names) or end < 0:
        raise MalformedElfError("a section name points outside of its table")
    return names[offset : min(end, offset + 255)].decode("utf-8", "replace")


def _decompressed(data: bytes, flags: int, packed: struct.Struct, limit: int) -> bytes:
    # What is not zlib (zstd, for one) is compared as it is.
    if not flags & _COMPRESSED or len(data) < packed.size:
        return data
    if packed.unpack_from(data)[0] != _ZLIB:
        return data
    try:
        return inflate(data[packed.size :], Form.ZLIB, max(0, limit), trailing=True)
    except InflateError as error:
        raise MalformedElfError(f"a compressed section: {error}") from error
