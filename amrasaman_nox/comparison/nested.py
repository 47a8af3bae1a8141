"""Archives inside a wheel, read in memory and within bounds: zip, tar and gzip."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.archives.inflate import Form, inflate
from amrasaman_nox.archives.zip_headers import contents, moment_of, read_directory
from amrasaman_nox.model import Change

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_MEMBERS: Final = 10_000
_BLOCK: Final = 512
#: What of a name or a value of a header is kept, in characters.
_LONGEST: Final = 200


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


def read(data: bytes, limit: int) -> tuple[NestedMember, ...]:
    """Return the members of a zip, a tar (packed or not) or a gzip file, in their order.

    :param limit: the most bytes that all of it may expand to
    :raises UnreadableError: something else, a malformed archive, or one beyond the bounds
    """
    reader = next((reader for magic, reader in _READERS if data.startswith(magic)), _tar)
    try:
        return reader(data, limit)
    except _FAULTS as error:
        raise UnreadableError(str(error)) from error


def differing_facts(
    ours: tuple[NestedMember, ...], theirs: tuple[NestedMember, ...]
) -> list[Change]:
    """Return the facts but the contents in which two archives differ."""
    left, right = ({member.name: member for member in side} for side in (ours, theirs))
    both = [name for name in left if name in right]
    missing = [name for name in left if name not in right]
    added = [name for name in right if name not in left]
    found = [Change(what="missing", of=name[:_LONGEST]) for name in missing[:5]]
    found += [Change(what="added", of=name[:_LONGEST]) for name in added[:5]]
    for fact in ("time", "mode", "owner", "other"):
        unlike = [name for name in both if getattr(left[name], fact) != getattr(right[name], fact)]
        if unlike:
            first = unlike[0]
            found.append(
                Change(
                    what=fact,
                    ours=getattr(left[first], fact),
                    theirs=getattr(right[first], fact),
                    of=first[:_LONGEST],
                    count=len(unlike),
                )
            )
    return found


def reordered(ours: tuple[NestedMember, ...], theirs: tuple[NestedMember, ...]) -> bool:
    """Tell whether the members that both archives have are in another order."""
    left, right = ({member.name: member for member in side} for side in (ours, theirs))
    return [name for name in left if name in right] != [name for name in right if name in left]


def _zip(data: bytes, limit: int) -> tuple[NestedMember, ...]:
    found: list[NestedMember] = []
    file = io.BytesIO(data)
    for entry in read_directory(file, _MOST_MEMBERS).entries:
        limit -= entry.size
        _bounded(limit >= 0)
        header = entry.central.header
        found.append(
            NestedMember(
                name=entry.name,
                data=b"".join(contents(file, entry)),
                time="{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*moment_of(header)),
                mode=f"{header.external >> 16:o}",
                other=f"method {header.method}, system {header.made_by >> 8}",
            )
        )
    return tuple(found)


def _tar(data: bytes, limit: int) -> tuple[NestedMember, ...]:
    if data[257:262] != b"ustar" or len(data) % _BLOCK:
        raise UnreadableError("not an archive")
    found: list[NestedMember] = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            plain = info.isreg() and not info.issparse()
            # One extended header can give long texts to every member.
            texts = (info.name, info.linkname, info.uname, info.gname)
            limit -= sum(map(len, texts)) + (info.size if plain else 0)
            _bounded(limit >= 0 and len(found) < _MOST_MEMBERS)
            stream = archive.extractfile(info) if plain else None
            found.append(
                NestedMember(
                    name=info.name,
                    data=stream.read(info.size) if stream else b"",
                    time=str(info.mtime),
                    mode=f"{info.mode:o}",
                    owner=f"{info.uid}:{info.gid} {info.uname}:{info.gname}"[:_LONGEST],
                    other=f"type {info.type!r}, link {info.linkname[:_LONGEST]}",
                )
            )
    return tuple(found)


def _gzip(data: bytes, limit: int) -> tuple[NestedMember, ...]:
    time = f"{int.from_bytes(data[4:8], 'little')}"
    name = data[10:200].split(b"\0")[0].decode("latin-1") if data[3] & 8 else ""
    header = NestedMember(name="gzip header", data=b"", time=time, other=f"name {name}")
    return (header, *_packed(data, Form.GZIP, limit))


def _bzip2(data: bytes, limit: int) -> tuple[NestedMember, ...]:
    return _packed(data, Form.BZIP2, limit)


def _xz(data: bytes, limit: int) -> tuple[NestedMember, ...]:
    return _packed(data, Form.XZ, limit)


def _packed(data: bytes, form: Form, limit: int) -> tuple[NestedMember, ...]:
    body = inflate(data, form, limit, trailing=True)
    try:
        return _tar(body, limit)
    except (UnreadableError, *_FAULTS):
        return (NestedMember(name="content", data=body),)


def _bounded(holds: bool) -> None:
    if not holds:
        raise UnreadableError("too large")


_READERS: Final[tuple[tuple[bytes, Callable[[bytes, int], tuple[NestedMember, ...]]], ...]] = (
    (b"PK\x03\x04", _zip),
    (b"\x1f\x8b", _gzip),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\0", _xz),
)

#: What malformed archives raise; errors of our own parts are values errors.
_FAULTS: Final = (
    tarfile.TarError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
)
