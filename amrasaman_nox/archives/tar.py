"""Strict reading of compressed tar archives, from their raw headers, in one stream.

The standard library hides what matters here: a size in the extended header that is not the one
in the member's own, a second gzip member, data behind the end. So the headers (POSIX.1-1988
ustar, POSIX.1-2001 pax, GNU long names, and those of Unix v7 before them) are read here. What two
readers could understand in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.archives.inflate import (
    Form,
    InflateError,
    TooLargeError,
    TrailingDataError,
    TruncatedError,
    inflated,
)
from amrasaman_nox.archives.names import LONGEST_PATH, Subject, byte_limit, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.errors import AsamanError

_BLOCK: Final = 512
_CHUNK: Final = 1 << 18
_LARGEST_PAX: Final = 1 << 20
#: So many NULs may follow the compressed stream: some tools fill up a block of a tape.
_MOST_FILLING: Final = 16 << 10
#: How a compressed stream of each form begins, and what a file of it is called.
_FORMS: Final = {
    Form.GZIP: (b"\x1f\x8b\x08", "a gzip file"),
    Form.BZIP2: (b"BZh", "a bzip2 file"),
    Form.XZ: (b"\xfd7zXZ\0", "an xz file"),
}

_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_PAX_LENGTH = re.compile(rb"([1-9][0-9]{0,9}) ")
_USTAR = b"ustar\x0000"
_GNU = b"ustar  \x00"
_ZEROS = bytes(_BLOCK)
_UTF8 = b"ISO-IR 10646 2000 UTF-8"

_KINDS: Final = {b"0": "file", b"\0": "file", b"1": "hard link", b"5": "folder", b"2": "link"}
_HARD: Final = b"1"
_REFUSED: Final = {
    _HARD: "hard link",
    b"3": "special file",
    b"4": "special file",
    b"6": "special file",
    b"S": "sparse file",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TarMember:
    """A member as its headers describe it.

    ``kind`` is ``file``, ``folder``, ``link`` or ``hard link``. ``size`` is in bytes, ``target`` is
    where a symbolic link points, or the member that a hard link repeats. Folder names have no
    slash at their end. Owner and times are not kept: nothing depends on them.
    """

    name: str
    kind: str
    executable: bool
    size: int
    target: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    name: bytes
    mode: int
    size: int
    type: bytes
    target: bytes


@dataclass(slots=True)
class _Extended:
    """What extended headers say of the member that follows them."""

    name: bytes | None = None
    target: bytes | None = None
    size: bytes | None = None
    seen: frozenset[bytes] = frozenset()


class _Stream:
    """The content of one compressed stream, with exact reads."""

    def __init__(self, file: BinaryIO, subject: Subject, form: Form, *, most_filling: int) -> None:
        self._file, self._subject, self._form = file, subject, form
        self._most_filling = most_filling
        limit = byte_limit(file.seek(0, 2))
        file.seek(0)
        magic, name = _FORMS[form]
        if not file.read(6).startswith(magic):
            raise subject.refusal(f"not {name}")
        file.seek(0)
        self._pieces = inflated(iter(lambda: file.read(_CHUNK), b""), form, limit)
        self._block = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, or fewer at the end of the stream."""
        end = self._at + size
        if end <= len(self._block):
            data = self._block[self._at : end]
            self._at = end
            return data
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the next *size* bytes in pieces, or fewer at the end of the stream."""
        while size:
            if self._at >= len(self._block) and not self._fill():
                return
            piece = self._block[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def rest(self) -> Iterator[bytes]:
        """Yield what is left, and check that the stream ends with the file."""
        yield self._block[self._at :]
        while self._fill():
            yield self._block

    def _fill(self) -> bool:
        try:
            self._block, self._at = next(self._pieces, b""), 0
        except TooLargeError:
            raise self._subject.refusal("expands beyond the limit") from None
        except TruncatedError:
            raise self._subject.refusal(f"truncated {self._form.value} stream") from None
        except TrailingDataError as error:
            self._check_filling(error.rest)
            self._block = b""
        except InflateError as error:
            raise self._subject.refusal(f"damaged {self._form.value} stream: {error}") from None
        return bool(self._block)

    def _check_filling(self, begun: bytes) -> None:
        rest = begun + self._file.read(self._most_filling + 1)
        if len(rest) > self._most_filling or rest.count(0) != len(rest):
            raise self._subject.refusal(f"data after the end of the {self._form.value} stream")


def read_tar(
    file: BinaryIO, subject: Subject, form: Form = Form.GZIP, *, lenient: bool = False
) -> Iterator[tuple[TarMember, Iterator[bytes]]]:
    """Yield the members of a compressed tar in archive order, each with its content in pieces.

    The content can be taken until the next member is asked for; that of a truncated archive ends
    early, and the error follows. Names are as in the archive, decoded, not judged. The archive can
    be trusted only after the last member was yielded.

    *lenient* accepts what older writers make and readers agree about: hard links, headers of Unix
    v7, one block of zeros at the end, NULs behind the compressed stream.

    :raises AsamanError: not compressed in this form, truncated, damaged, too large, or with a
        member that is not a regular file, a folder or a link
    """
    stream = _Stream(file, subject, form, most_filling=_MOST_FILLING if lenient else 0)
    extended = _Extended()
    while True:
        block = stream.read(_BLOCK)
        if block == _ZEROS:
            break
        header = _parse(block, subject, lenient=lenient)
        if header.type in _EXTENSIONS:
            _extend(extended, header, _content(stream, header, subject), subject)
            continue
        member = _member(header, extended, subject, lenient=lenient)
        extended = _Extended()
        content = stream.pieces(member.size)
        yield member, content
        for _ in content:
            pass
        _skip_padding(stream, member.size, subject)
    if extended.seen:
        raise subject.refusal("truncated tar archive: an extended header without its member")
    if not lenient and stream.read(_BLOCK) != _ZEROS:
        raise subject.refusal("no end of the tar archive: two blocks of zeros are required")
    _check_end(stream, subject)


def _check_end(stream: _Stream, subject: Subject) -> None:
    for piece in stream.rest():
        if piece.count(0) != len(piece):
            raise subject.refusal("data after the end of the tar archive")


def _parse(block: bytes, subject: Subject, *, lenient: bool) -> _Header:
    if len(block) != _BLOCK:
        raise subject.refusal("truncated tar archive")
    magic = block[257:265]
    is_v7 = lenient and not any(block[257:])
    if magic not in {_USTAR, _GNU} and not is_v7:
        raise subject.refusal("damaged tar archive: unknown header format")
    if _octal(block[148:156], subject) != sum(block[:148]) + sum(block[156:]) + 8 * 32:
        raise subject.refusal("damaged tar archive: wrong header checksum")
    name, prefix = _string(block[:100]), _string(block[345:500])
    if prefix:
        # GNU tar has other fields there, the standard library takes them for a prefix.
        if magic == _GNU:
            raise subject.refusal(f"unsafe member name {_shown(name)}: GNU header with a prefix")
        name = prefix + b"/" + name
    return _Header(
        name=name,
        mode=_octal(block[100:108], subject),
        size=_octal(block[124:136], subject),
        type=block[156:157],
        target=_string(block[157:257]),
    )


def _octal(field: bytes, subject: Subject) -> int:
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise subject.refusal("damaged tar archive: a number is not octal")
    return int(match[1] or b"0", 8)


def _string(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _content(stream: _Stream, header: _Header, subject: Subject) -> bytes:
    if header.size > _LARGEST_PAX:
        raise subject.refusal("extended header too large")
    data = stream.read(header.size)
    if len(data) != header.size:
        raise subject.refusal("truncated tar archive")
    _skip_padding(stream, header.size, subject)
    return data


def _skip_padding(stream: _Stream, size: int, subject: Subject) -> None:
    padding = -size % _BLOCK
    if padding and len(stream.read(padding)) != padding:
        raise subject.refusal("truncated tar archive")


def _extend(extended: _Extended, header: _Header, data: bytes, subject: Subject) -> None:
    if header.type in extended.seen:
        raise subject.refusal("two extended headers for one member")
    if header.type == b"g":
        _check_global(data, subject)
        return
    extended.seen |= {header.type}
    if header.type == b"x":
        values = _pax(data, subject)
        _set(extended, "name", values.get(b"path"), subject)
        _set(extended, "target", values.get(b"linkpath"), subject)
        extended.size = values.get(b"size")
    else:
        attribute = {b"L": "name", b"K": "target"}[header.type]
        _set(extended, attribute, data.rstrip(b"\0"), subject)


def _set(extended: _Extended, attribute: str, value: bytes | None, subject: Subject) -> None:
    if value is None:
        return
    if getattr(extended, attribute) is not None:
        raise subject.refusal("two extended headers name one member")
    setattr(extended, attribute, value)


#: Typeflags of headers that describe the next member: pax, pax for all members, GNU long names.
_EXTENSIONS: Final = frozenset({b"x", b"g", b"L", b"K"})
_NAMING: Final = frozenset({b"path", b"linkpath", b"size"})


def _check_global(data: bytes, subject: Subject) -> None:
    if _NAMING & _pax(data, subject).keys():
        raise subject.refusal("global extended header with a path or size")


def _pax(data: bytes, subject: Subject) -> dict[bytes, bytes]:
    values: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        key, value, at = _pax_record(data, at, subject)
        if key.startswith(b"GNU.sparse"):
            raise subject.refusal("sparse file")
        if key == b"hdrcharset" and value != _UTF8:
            raise subject.refusal("unsafe member name: extended header is not UTF-8")
        if key in values and key in _NAMING:
            raise subject.refusal("extended header repeats a record")
        values[key] = value
    return values


def _pax_record(data: bytes, at: int, subject: Subject) -> tuple[bytes, bytes, int]:
    match = _PAX_LENGTH.match(data, at)
    end = at + int(match[1]) if match else at
    if match is None or end > len(data) or data[end - 1 : end] != b"\n":
        raise subject.refusal("damaged extended header")
    key, equals, value = data[match.end() : end - 1].partition(b"=")
    if not key or not equals:
        raise subject.refusal("damaged extended header")
    return key, value, end


def _member(header: _Header, extended: _Extended, subject: Subject, *, lenient: bool) -> TarMember:
    raw = header.name if extended.name is None else extended.name
    if header.type not in _KINDS or (header.type == _HARD and not lenient):
        kind = _REFUSED.get(header.type, "unknown member type")
        raise subject.refusal(f"{kind} {_shown(raw)}")
    kind = _KINDS[header.type]
    name = _decode(raw, subject)
    if lenient and header.type == b"\0" and name.endswith("/"):
        # Unix v7 had no type for folders, and nothing behind the name of a link.
        kind = "folder"
    if kind == "folder":
        name = name.removesuffix("/")
    if extended.size is not None and extended.size != b"%d" % header.size:
        raise subject.refusal(f"two sizes for {quoted(name)}")
    if kind != "file" and header.size:
        raise subject.refusal(f"content in {quoted(name)}, which is a {kind}")
    target = b""
    if kind in {"link", "hard link"}:
        target = header.target if extended.target is None else extended.target
    return TarMember(
        name=name,
        kind=kind,
        executable=bool(header.mode & 0o111),
        size=header.size,
        target=_decode(target, subject),
    )


def _decode(raw: bytes, subject: Subject) -> str:
    if len(raw) > LONGEST_PATH:
        raise subject.refusal(f"member name too long {_shown(raw)}")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _unsafe(raw, subject) from None


def _unsafe(raw: bytes, subject: Subject) -> AsamanError:
    return subject.refusal(f"unsafe member name {_shown(raw)}")


def _shown(raw: bytes) -> str:
    return quoted(raw.decode(errors="backslashreplace"))
