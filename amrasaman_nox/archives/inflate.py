"""Decompression of untrusted data: piece by piece, within a limit of bytes.

The limit holds while a stream is decompressed, never afterwards: at most one piece more than what
was asked for is in memory, whatever the stream claims about itself.
"""

from __future__ import annotations

import bz2
import enum
import lzma
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: The largest piece, in bytes.
PIECE: Final = 1 << 20
#: What is expanded in memory may have this many bytes, or this many times its packed size.
_FREE: Final = 8 << 20
_HIGHEST_RATIO: Final = 100
#: What a decoder of LZMA may allocate: enough for the dictionary of ``xz -9`` (64 MiB).
_LZMA_MEMORY: Final = 72 << 20


class Form(enum.Enum):
    """How a stream is packed; the zip methods are those of APPNOTE.TXT 4.4.5."""

    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZLIB = "zlib"
    ZIP_STORED = 0
    ZIP_DEFLATED = 8
    ZIP_BZIP2 = 12
    ZIP_LZMA = 14


class InflateError(ValueError):
    """A stream cannot be decompressed: it is damaged."""


class TruncatedError(InflateError):
    """A stream ends too early."""


class TrailingDataError(InflateError):
    """A stream ends before its input does; *rest* is what was read beyond its end."""

    def __init__(self, rest: bytes) -> None:
        super().__init__("data after its end")
        self.rest = rest


class TooLargeError(InflateError):
    """A stream expands beyond the limit."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def inflated(packed: Iterable[bytes], form: Form, limit: int) -> Iterator[bytes]:
    """Yield what *packed* expands to, in pieces of at most :data:`PIECE` bytes.

    :param packed: the packed bytes, in pieces of any size
    :param limit: the most bytes that it may expand to
    :raises TooLargeError: it expands beyond *limit*; no more than *limit* bytes were yielded
    :raises TruncatedError: the stream ends too early
    :raises TrailingDataError: bytes follow the stream; all of its content was yielded
    :raises InflateError: the stream is damaged
    """
    allowance = _Allowance(limit)
    if form is Form.ZIP_STORED:
        return _stored(packed, allowance)
    return _streamed(packed, _STREAMS[form](), allowance)


def allowed(size: int, most: int) -> int:
    """Return how many bytes *size* packed ones may expand to in memory, at most *most*."""
    return min(most, max(_FREE, _HIGHEST_RATIO * size))


def inflate(packed: bytes, form: Form, limit: int, *, trailing: bool = False) -> bytes:
    """Return what *packed* expands to, as for :func:`inflated`.

    :param trailing: accept bytes that follow the stream, and ignore them
    """
    pieces = []
    try:
        for piece in inflated((packed,), form, limit):
            pieces.append(piece)  # noqa: PERF402 - what came before an error counts
    except TrailingDataError:
        if not trailing:
            raise
    return b"".join(pieces)


@dataclass(slots=True)
class _Allowance:
    """How many bytes more a stream may expand to."""

    left: int

    def most(self) -> int:
        """Return how large the next piece may be: one byte more than allowed, to notice it."""
        return min(PIECE, self.left + 1)

    def spend(self, piece: bytes) -> bytes:
        self.left -= len(piece)
        if self.left < 0:
            raise TooLargeError("it expands beyond the limit")
        return piece


def _streamed(
    packed: Iterable[bytes], stream: _Decompressor, allowance: _Allowance
) -> Iterator[bytes]:
    for data in packed:
        rest = data
        full = True
        # A full piece may not be all that the input so far gives.
        while not stream.eof and (rest or full):
            most = allowance.most()
            piece, rest = _decompressed(stream, rest, most)
            full = len(piece) == most
            if piece:
                yield allowance.spend(piece)
        if stream.eof and (rest or stream.unused_data):
            raise TrailingDataError(rest or stream.unused_data)
    if not stream.eof:
        raise TruncatedError("it is truncated")


def _stored(packed: Iterable[bytes], allowance: _Allowance) -> Iterator[bytes]:
    for data in packed:
        at = 0
        while at < len(data):
            piece = data[at : at + allowance.most()]
            at += len(piece)
            yield allowance.spend(piece)


def _decompressed(stream: _Decompressor, data: bytes, most: int) -> tuple[bytes, bytes]:
    """Return the next piece, and the input that is not used yet."""
    try:
        piece = stream.decompress(data, most)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError) as error:
        raise InflateError(str(error) or type(error).__name__) from None
    # bz2 and lzma keep the rest themselves.
    return piece, getattr(stream, "unconsumed_tail", b"")


class _ZipLzma:
    """LZMA as it is in zip archives (APPNOTE.TXT 5.8): with a header of its own."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._stream is not None and self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return b"" if self._stream is None else self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        if self._stream is not None:
            return self._stream.decompress(data, max_length)
        self._head += data
        if len(self._head) < 9:
            return b""
        (size,) = struct.unpack_from("<2xH", self._head)
        if size != 5:
            raise InflateError("invalid LZMA properties")
        # The header of the .lzma format: the same properties, then an unknown size.
        head = self._head[4:9] + b"\xff" * 8
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)
        return self._stream.decompress(head + self._head[9:], max_length)


_STREAMS: Final[dict[Form, Callable[[], _Decompressor]]] = {
    Form.GZIP: lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    Form.BZIP2: bz2.BZ2Decompressor,
    Form.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY),
    Form.ZLIB: zlib.decompressobj,
    Form.ZIP_DEFLATED: lambda: zlib.decompressobj(-zlib.MAX_WBITS),
    Form.ZIP_BZIP2: bz2.BZ2Decompressor,
    Form.ZIP_LZMA: _ZipLzma,
}
