"""Two wheels compared member by member, for everything that can differ in them.

*Ours* is the wheel at hand, *theirs* the one it is held against (a rebuild, a published wheel):
a member is *added* where only theirs has it. Nothing is extracted to disk.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from amrasaman_nox.comparison import lines
from amrasaman_nox.comparison.contents import LARGEST_MEMBER, Pair, compare
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Difference, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_MOST_MEMBERS: Final = 100_000
_MOST_BYTES: Final = 2 << 30
_LARGEST_RATIO: Final = 100
_RATIO_MATTERS_FROM: Final = 64 << 20
#: How much of the changed members (bytes, count) is looked into; the rest goes by hash alone.
_MOST_INSPECTED: Final = 512 << 20
_MOST_MEMBERS_INSPECTED: Final = 1_000
_CHUNK: Final = 1 << 20

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL_SIZE: Final = 46
_END_SIZE: Final = 22
_END64_SIZE: Final = 56 + 20
#: A data descriptor with and without its signature, in 32 and 64 bit.
_DESCRIPTOR_SIZES: Final = (0, 12, 16, 20, 24)
_DESCRIPTOR_FLAG: Final = 8
_METHODS: Final = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}

#: What the standard library raises for malformed archives.
_FAULTS: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """One member with its headers; ``packed`` is the digest of its bytes as they are stored."""

    name: str
    sha256: str
    size: int
    packed: str
    method: str
    time: str
    mode: int
    framing: str
    extra: str
    info: zipfile.ZipInfo

    @property
    def executable(self) -> bool:
        return bool(self.mode & 0o111)

    @property
    def kind(self) -> int:
        # Many writers leave the file type out of a regular file's mode.
        return stat.S_IFMT(self.mode) or stat.S_IFREG

    @property
    def permissions(self) -> str:
        return f"{self.mode:o}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Archive:
    """A wheel's members by name in their order; ``loose`` are digests of bytes in no member."""

    file: zipfile.ZipFile
    entries: Mapping[str, _Entry]
    digest: str
    comment: bytes
    loose: tuple[str, ...]


def compare_wheels(ours: BinaryIO, theirs: BinaryIO, *, filename: str) -> tuple[Difference, ...]:
    """Return everything in which two wheels differ; nothing for the same bytes.

    A difference with a ``normalisation`` is one of form alone. An added or missing member, a
    changed byte of an installed file, another entry point or executable bit never has one.

    :param ours: the wheel at hand, open for reading and seekable
    :param theirs: the wheel it is held against, likewise
    :param filename: the wheel's file name, for messages
    :raises AsamanError: one of the two is malformed or beyond the bounds
    """
    if _digest(ours) == _digest(theirs):
        return ()
    left, right = _read(ours, filename, "ours"), _read(theirs, filename, "theirs")
    try:
        found = [*_contents(left, right), *_headers(left, right)]
    except _FAULTS as error:
        raise _malformed(filename, str(error)) from error
    if not found:
        found = [_archive_difference("zip-framing", "headers of the archive", "", "headers")]
    return tuple(found)


def verdict_of(differences: tuple[Difference, ...]) -> Verdict:
    """Return ``identical`` for none, ``equivalent`` for those of form alone, else ``different``."""
    if not differences:
        return Verdict.IDENTICAL
    if all(difference.normalisation for difference in differences):
        return Verdict.EQUIVALENT
    return Verdict.DIFFERENT


def normalisations_of(differences: tuple[Difference, ...]) -> tuple[str, ...]:
    """Return the names of the passes under which *differences* vanish, each once, sorted."""
    return tuple(sorted({one.normalisation for one in differences if one.normalisation}))


def _read(stream: BinaryIO, filename: str, side: str) -> _Archive:
    try:
        return _read_archive(stream)
    except _FAULTS as error:
        raise _malformed(f"{filename} ({side})", str(error)) from error


def _read_archive(stream: BinaryIO) -> _Archive:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    archive = zipfile.ZipFile(stream)
    infos = archive.infolist()
    _check_bounds(infos, size)
    spans: list[tuple[int, int]] = []
    entries: dict[str, _Entry] = {}
    for info in infos:
        if info.filename in entries or info.filename != info.orig_filename:
            raise ValueError(f"the name {info.orig_filename[:200]} is malformed or there twice")
        entry, span = _read_entry(stream, archive, info)
        entries[entry.name] = entry
        spans.append(span)
    return _Archive(
        file=archive,
        entries=entries,
        digest=_digest(stream),
        comment=archive.comment,
        loose=_loose(stream, archive, spans, size),
    )


def _check_bounds(infos: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(info.file_size for info in infos)
    if len(infos) > _MOST_MEMBERS:
        raise ValueError(f"more than {_MOST_MEMBERS} members")
    if total > _MOST_BYTES or total > max(_RATIO_MATTERS_FROM, _LARGEST_RATIO * size):
        raise ValueError("it expands beyond the limit")
    for info in infos:
        if info.compress_type not in _METHODS:
            raise ValueError(f"compression method {info.compress_type}")


def _read_entry(
    stream: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> tuple[_Entry, tuple[int, int]]:
    """Return a member, and where it begins and ends in the file."""
    sha256 = hashlib.sha256()
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            sha256.update(chunk)
    stream.seek(info.header_offset)
    header = _LOCAL.unpack(stream.read(_LOCAL.size))
    tail = stream.read(header[9] + header[10])
    begin = info.header_offset + _LOCAL.size + len(tail)
    packed = _digest_of(stream, begin, begin + info.compress_size)
    local_time = (header[4], header[5])
    if local_time != (_dos_time(info), _dos_date(info)):
        note = f" (local header {local_time})"
    else:
        note = ""
    entry = _Entry(
        name=info.filename,
        sha256=sha256.hexdigest(),
        size=info.file_size,
        packed=packed,
        method=_METHODS[info.compress_type],
        time="{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*info.date_time) + note,
        mode=info.external_attr >> 16,
        framing=_framing(info, header),
        extra=f"{info.extra.hex() or 'none'}, local {tail[header[9] :].hex() or 'none'}",
        info=info,
    )
    return entry, (info.header_offset, begin + info.compress_size)


def _framing(info: zipfile.ZipInfo, local: tuple[Any, ...]) -> str:
    """Return the header fields that no other comparison names, the central before the local."""
    return (
        f"system {info.create_system}, version {info.create_version} {info.extract_version}"
        f" {local[1]}, flags {info.flag_bits:#x} {local[2]:#x}, method {local[3]}"
        f", attributes {info.internal_attr:#x} {info.external_attr & 0xFFFF:#x}"
        f", volume {info.volume}, comment {info.comment.hex() or 'none'}"
    )


def _dos_time(info: zipfile.ZipInfo) -> int:
    return info.date_time[3] << 11 | info.date_time[4] << 5 | info.date_time[5] // 2


def _dos_date(info: zipfile.ZipInfo) -> int:
    return (info.date_time[0] - 1980) << 9 | info.date_time[1] << 5 | info.date_time[2]


def _loose(
    stream: BinaryIO, archive: zipfile.ZipFile, spans: list[tuple[int, int]], size: int
) -> tuple[str, ...]:
    """Return the digests of what stands before, between and behind the members.

    :raises ValueError: members that overlap
    """
    found = []
    end = 0
    described = {
        info.header_offset for info in archive.infolist() if info.flag_bits & _DESCRIPTOR_FLAG
    }
    last = -1
    for begin, after in [*sorted(spans), (archive.start_dir, archive.start_dir)]:
        if begin < end:
            raise ValueError("its members overlap")
        if begin - end not in (_DESCRIPTOR_SIZES if last in described else (0,)):
            found.append(_digest_of(stream, end, begin))
        last, end = begin, after
    written = _END_SIZE + len(archive.comment)
    for info in archive.infolist():
        name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
        written += _CENTRAL_SIZE + len(name) + len(info.extra) + len(info.comment)
    if size - archive.start_dir not in (written, written + _END64_SIZE):
        found.append(_digest_of(stream, archive.start_dir, size))
    return tuple(found)


def _contents(left: _Archive, right: _Archive) -> Iterable[Difference]:
    """Yield added, missing and changed members, by name."""
    changed = {
        name: (_hash(left, name), _hash(right, name))
        for name in sorted({*left.entries, *right.entries})
        if _hash(left, name) != _hash(right, name)
    }
    budget = _MOST_INSPECTED
    for count, (name, (ours, theirs)) in enumerate(changed.items()):
        if ours is None or theirs is None:
            yield _one_sided(left if theirs is None else right, name, missing=theirs is None)
            continue
        sizes = (left.entries[name].size, right.entries[name].size)
        budget -= sum(sizes)
        if max(sizes) > LARGEST_MEMBER or budget < 0 or count >= _MOST_MEMBERS_INSPECTED:
            yield _by_hash(left.entries[name], right.entries[name])
            continue
        pair = Pair(name=name, ours=_body(left, name), theirs=_body(right, name), changed=changed)
        yield compare(pair)


def _hash(archive: _Archive, name: str) -> str | None:
    entry = archive.entries.get(name)
    return None if entry is None else entry.sha256


def _body(archive: _Archive, name: str) -> bytes:
    return archive.file.read(archive.entries[name].info)


def _one_sided(archive: _Archive, name: str, *, missing: bool) -> Difference:
    entry = archive.entries[name]
    text = ""
    if entry.size <= _CHUNK:
        data = _body(archive, name)
        text = "" if b"\0" in data else data.decode("utf-8", "replace")
    sign = "-" if missing else "+"
    return Difference(
        kind="member-missing" if missing else "member-added",
        member=lines.shorten(name, 300),
        detail=f"{entry.size} bytes, sha256 {entry.sha256[:16]}…",
        diff=lines.listed((f"{sign}{line}" for line in text.split("\n")), 40) if text else "",
    )


def _by_hash(ours: _Entry, theirs: _Entry) -> Difference:
    return Difference(
        kind="bytes",
        member=lines.shorten(ours.name, 300),
        detail=f"sha256 {ours.sha256[:16]}… → {theirs.sha256[:16]}…; "
        f"{ours.size} → {theirs.size} bytes, not looked into",
    )


def _headers(left: _Archive, right: _Archive) -> Iterable[Difference]:
    """Yield what differs in the archive and in the headers of the members that both have."""
    names = [name for name in left.entries if name in right.entries]
    order = [name for name in right.entries if name in left.entries]
    if names != order:
        place = next(n for n, name in enumerate(names) if order[n] != name)
        detail = f"from member {place + 1}: {lines.excerpts(names[place], order[place])}"
        yield _archive_difference(
            "archive-order", detail, lines.unified(names, order), "member-order"
        )
    both = [(left.entries[name], right.entries[name]) for name in names]
    yield from _modes(both)
    for kind, normalisation, fact in _FACTS:
        unlike = [
            (ours, theirs)
            for ours, theirs in both
            if fact(ours) != fact(theirs)
            and (kind != "compression" or ours.sha256 == theirs.sha256)
        ]
        if unlike:
            yield _fact_difference(kind, normalisation, fact, unlike)
    if left.comment != right.comment:
        yield _archive_difference("zip-framing", "comment of the archive", "", "headers")
    if left.loose != right.loose:
        yield _archive_difference("zip-framing", "bytes that belong to no member", "", None)


def _modes(both: list[tuple[_Entry, _Entry]]) -> Iterable[Difference]:
    for ours, theirs in both:
        modes = f"mode {ours.mode:o} → {theirs.mode:o}"
        if ours.kind != theirs.kind:
            yield Difference(kind="member-type", member=lines.shorten(ours.name, 300), detail=modes)
        elif ours.executable != theirs.executable:
            yield Difference(
                kind="executable-bit", member=lines.shorten(ours.name, 300), detail=modes
            )


def _fact_difference(
    kind: str,
    normalisation: str,
    fact: Callable[[_Entry], object],
    unlike: list[tuple[_Entry, _Entry]],
) -> Difference:
    ours, theirs = unlike[0]
    label = kind.removeprefix("zip-").removesuffix("s")
    values = lines.excerpts(str(fact(ours)), str(fact(theirs)), 80)
    members = f"{len(unlike)} members, such as" if len(unlike) > 1 else "1 member,"
    rows = ["--- ours", "+++ theirs"]
    for one, other in unlike[: lines.MOST_LINES]:
        rows += [f"-{one.name}  {fact(one)}", f"+{other.name}  {fact(other)}"]
    detail = f"{label} of {members} {lines.shorten(ours.name, 100)}: {values}"
    return _archive_difference(kind, detail, lines.listed(rows), normalisation)


def _packing(entry: _Entry) -> object:
    # The same method with other bytes is another level or another zlib.
    return f"{entry.method} {entry.info.compress_size} bytes {entry.packed[:8]}"


def _archive_difference(kind: str, detail: str, diff: str, normalisation: str | None) -> Difference:
    return Difference(kind=kind, detail=detail, diff=diff, normalisation=normalisation)


#: Kind, the pass under which it vanishes, and the fact of a member; contents do not stand here.
_FACTS: Final[tuple[tuple[str, str, Callable[[_Entry], object]], ...]] = (
    ("zip-times", "member-times", lambda entry: entry.time),
    ("zip-modes", "member-modes", lambda entry: entry.permissions),
    ("compression", "compression", _packing),
    ("zip-framing", "extra-fields", lambda entry: entry.extra),
    ("zip-framing", "headers", lambda entry: entry.framing),
)


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    return _digest_of(stream, 0, stream.seek(0, io.SEEK_END))


def _digest_of(stream: BinaryIO, begin: int, end: int) -> str:
    sha256 = hashlib.sha256()
    stream.seek(begin)
    while begin < end and (chunk := stream.read(min(_CHUNK, end - begin))):
        begin += len(chunk)
        sha256.update(chunk)
    return sha256.hexdigest()


def _malformed(what: str, why: str) -> AsamanError:
    return AsamanError(what, f"malformed wheel: {lines.shorten(why, 200)}")
