"""Archives inside a wheel, read in memory and within bounds: zip, tar and gzip."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from amrasaman_nox.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_MEMBERS: Final = 10_000
_MOST_BYTES: Final = 64 << 20
_LZMA_MEMORY: Final = 256 << 20
_BLOCK: Final = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class NestedMember:
    """A member of an archive inside a wheel: its bytes, and its header as texts."""

    name: str
    data: bytes
    time: str = ""
    mode: str = ""
    owner: str = ""
    other: str = ""


class UnreadableError(ValueError):
    """The bytes are no archive, or none that can be read within the bounds."""


def read(data: bytes) -> tuple[NestedMember, ...]:
    """Return the members of a zip, a tar (packed or not) or a gzip file, in their order.

    :raises UnreadableError: something else, a malformed archive, or one beyond the bounds
    """
    for magic, reader in _READERS:
        if data.startswith(magic):
            try:
                return reader(data)
            except _FAULTS as error:
                raise UnreadableError(str(error)) from error
    return _tar(data)


def differing_facts(
    ours: tuple[NestedMember, ...], theirs: tuple[NestedMember, ...]
) -> tuple[str, ...]:
    """Return a line for each fact but the contents in which two archives differ."""
    left, right = ({member.name: member for member in side} for side in (ours, theirs))
    both = [name for name in left if name in right]
    found = [
        f"{label}: {printable(name[:200])}"
        for label, names in (
            ("missing", [name for name in left if name not in right]),
            ("added", [name for name in right if name not in left]),
        )
        for name in names[:5]
    ]
    if both != [name for name in right if name in left]:
        found.append("members in another order")
    for fact in ("time", "mode", "owner", "other"):
        unlike = [name for name in both if getattr(left[name], fact) != getattr(right[name], fact)]
        if unlike:
            first = unlike[0]
            values = f"{getattr(left[first], fact)} → {getattr(right[first], fact)}"
            found.append(printable(f"{fact} of {len(unlike)} members, {first[:80]}: {values}"))
    return tuple(found)


def _zip(data: bytes) -> tuple[NestedMember, ...]:
    found: list[NestedMember] = []
    left = _MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist()[: _MOST_MEMBERS + 1]:
            left -= info.file_size
            _bounded(left >= 0 and len(found) < _MOST_MEMBERS)
            found.append(
                NestedMember(
                    name=info.filename,
                    data=archive.read(info),
                    time="{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*info.date_time),
                    mode=f"{info.external_attr >> 16:o}",
                    other=f"method {info.compress_type}, system {info.create_system}",
                )
            )
    return tuple(found)


def _tar(data: bytes) -> tuple[NestedMember, ...]:
    if data[257:262] != b"ustar" or len(data) % _BLOCK:
        raise UnreadableError("no archive")
    found: list[NestedMember] = []
    left = _MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for info in archive:
                plain = info.isreg() and not info.issparse()
                left -= info.size if plain else 0
                _bounded(left >= 0 and len(found) < _MOST_MEMBERS)
                stream = archive.extractfile(info) if plain else None
                found.append(
                    NestedMember(
                        name=info.name,
                        data=stream.read(_MOST_BYTES) if stream else b"",
                        time=str(info.mtime),
                        mode=f"{info.mode:o}",
                        owner=f"{info.uid}:{info.gid} {info.uname}:{info.gname}",
                        other=f"type {info.type!r}, link {info.linkname[:200]}",
                    )
                )
    except _FAULTS as error:
        raise UnreadableError(str(error)) from error
    return tuple(found)


def _gzip(data: bytes) -> tuple[NestedMember, ...]:
    body = _expanded(zlib.decompressobj(31), data)
    time = f"{int.from_bytes(data[4:8], 'little')}"
    name = data[10:200].split(b"\0")[0].decode("latin-1") if data[3] & 8 else ""
    header = NestedMember(name="gzip header", data=b"", time=time, other=f"name {name}")
    return (header, *_packed(body))


def _bz2(data: bytes) -> tuple[NestedMember, ...]:
    return _packed(_expanded(bz2.BZ2Decompressor(), data))


def _xz(data: bytes) -> tuple[NestedMember, ...]:
    return _packed(_expanded(lzma.LZMADecompressor(memlimit=_LZMA_MEMORY), data))


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _expanded(decompressor: _Decompressor, data: bytes) -> bytes:
    body = decompressor.decompress(data, _MOST_BYTES + 1)
    _bounded(len(body) <= _MOST_BYTES)
    return body


def _packed(body: bytes) -> tuple[NestedMember, ...]:
    try:
        return _tar(body)
    except UnreadableError:
        return (NestedMember(name="content", data=body),)


def _bounded(holds: bool) -> None:
    if not holds:
        raise UnreadableError("too large")


_READERS: Final[tuple[tuple[bytes, Callable[[bytes], tuple[NestedMember, ...]]], ...]] = (
    (b"PK\x03\x04", _zip),
    (b"\x1f\x8b", _gzip),
    (b"BZh", _bz2),
    (b"\xfd7zXZ\0", _xz),
)

#: What the standard library raises for malformed archives.
_FAULTS: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
    MemoryError,
)
