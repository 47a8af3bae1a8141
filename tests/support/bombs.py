"""Small archives that expand to far more than they claim, and what reading them takes."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import struct
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

#: What each bomb expands to, in bytes; packed, each is below 0.3 MB.
EXPANDED = 128 << 20
_PIECE = bytes(1 << 20)


def _zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // len(_PIECE)):
        yield _PIECE


@functools.cache
def gzip_bomb(size: int = EXPANDED) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*map(deflate.compress, _zeros(size)), deflate.flush()])


@functools.cache
def zlib_bomb(size: int = EXPANDED) -> bytes:
    deflate = zlib.compressobj(9)
    return b"".join([*map(deflate.compress, _zeros(size)), deflate.flush()])


@functools.cache
def bzip2_bomb(size: int = EXPANDED) -> bytes:
    packer = bz2.BZ2Compressor()
    return b"".join([*map(packer.compress, _zeros(size)), packer.flush()])


@functools.cache
def xz_bomb(size: int = EXPANDED) -> bytes:
    packer = lzma.LZMACompressor(preset=0)
    return b"".join([*map(packer.compress, _zeros(size)), packer.flush()])


@functools.cache
def zip_bomb(method: int, *, claimed: int = 10, size: int = EXPANDED) -> bytes:
    """Return a zip with one member of zeros, whose headers claim *claimed* bytes."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", method) as archive,
        archive.open(_info(method), "w") as member,
    ):
        for piece in _zeros(size):
            member.write(piece)
    data = buffer.getvalue()
    start = data.rindex(b"PK\1\2")
    data = data[: start + 24] + struct.pack("<L", claimed) + data[start + 28 :]
    return data[:22] + struct.pack("<L", claimed) + data[26:]


def _info(method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.compress_type = method
    return info


@functools.cache
def elf_bomb(size: int = EXPANDED) -> bytes:
    """Return an ELF file with one compressed debug section (System V ABI, SHF_COMPRESSED)."""
    names = b"\0.debug_info\0.shstrtab\0"
    body = struct.pack("<IIQQ", 1, 0, 10, 1) + zlib_bomb(size)
    head = b"\x7fELF\2\1\1" + bytes(9)
    at = 64
    rows = b"".join(
        struct.pack("<IIQQQQIIQQ", *row)
        for row in (
            (0,) * 10,
            (1, 1, 0x800, 0, at, len(body), 0, 0, 1, 0),
            (13, 3, 0, 0, at + len(body), len(names), 0, 0, 1, 0),
        )
    )
    table = at + len(body) + len(names)
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 3, 2)
    return head + body + names + rows


def newlines(size: int = 60 << 20) -> bytes:
    """Return a gzip file of lines without a character: each costs a reader more than a byte."""
    return gzip.compress(b"\n" * size, mtime=0)


def peak_of(call: Callable[[], T]) -> tuple[T, int]:
    """Return what *call* returns, and the most bytes that Python held meanwhile."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
