"""Two wheels compared member by member, for everything that can differ in them.

*Ours* is our wheel, *theirs* the one it is compared with (a rebuild, a published wheel):
a member is *added* where only theirs has it. Nothing is extracted to disk.
"""

from __future__ import annotations

import hashlib
import io
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.archives.names import MOST_MEMBERS, byte_limit, quoted
from amrasaman_nox.archives.zip_headers import (
    DEFLATED,
    FLAG_DESCRIPTOR,
    STORED,
    ZipError,
    contents,
    moment_of,
    read_directory,
)
from amrasaman_nox.comparison import lines
from amrasaman_nox.comparison.contents import LARGEST_MEMBER, Pair, compare
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Change, Difference, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from amrasaman_nox.archives.zip_headers import Directory, Entry
    from amrasaman_nox.model import Row

#: How much of the changed members (bytes, count) is looked into; the rest goes by hash alone.
_MOST_INSPECTED: Final = 512 << 20
_MOST_MEMBERS_INSPECTED: Final = 1_000
_CHUNK: Final = 1 << 20

#: A data descriptor with and without its signature, in 32 and 64 bit.
_DESCRIPTOR_SIZES: Final = (0, 12, 16, 20, 24)
_METHODS: Final = {STORED: "stored", DEFLATED: "deflated"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
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
    entry: Entry

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

    file: BinaryIO
    entries: Mapping[str, _Member]
    digest: str
    comment: bytes
    loose: tuple[str, ...]


def compare_wheels(ours: BinaryIO, theirs: BinaryIO, *, filename: str) -> tuple[Difference, ...]:
    """Return everything in which two wheels differ; nothing for the same bytes.

    A difference with a ``normalisation`` is one of form alone. An added or missing member, a
    changed byte of an installed file, another entry point or executable bit never has one.

    :param ours: our wheel, open for reading and seekable
    :param theirs: the wheel it is held against, likewise
    :param filename: the wheel's file name, for messages
    :raises AsamanError: one of the two is malformed or beyond the bounds
    """
    if _digest(ours) == _digest(theirs):
        return ()
    left, right = _read(ours, filename, "ours"), _read(theirs, filename, "theirs")
    try:
        found = [*_contents(left, right), *_headers(left, right)]
    except ValueError as error:
        raise _malformed(filename, str(error)) from error
    if not found:
        found = [_around("headers of the archive", "headers")]
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
    except ValueError as error:
        raise _malformed(f"{filename} ({side})", str(error)) from error


def _read_archive(stream: BinaryIO) -> _Archive:
    size = stream.seek(0, io.SEEK_END)
    directory = read_directory(stream, MOST_MEMBERS)
    _check_bounds(directory, size)
    members: dict[str, _Member] = {}
    for entry in directory.entries:
        if entry.name in members or "\0" in entry.name:
            raise ZipError(f"the name {quoted(entry.name)} is malformed or occurs twice")
        members[entry.name] = _read_member(stream, entry)
    return _Archive(
        file=stream,
        entries=members,
        digest=_digest(stream),
        comment=directory.comment,
        loose=_loose(stream, directory, size),
    )


def _check_bounds(directory: Directory, size: int) -> None:
    if sum(entry.size for entry in directory.entries) > byte_limit(size):
        raise ZipError("it expands beyond the limit")
    for entry in directory.entries:
        if entry.central.header.method not in _METHODS:
            raise ZipError(f"compression method {entry.central.header.method}")


def _read_member(stream: BinaryIO, entry: Entry) -> _Member:
    sha256 = hashlib.sha256()
    for piece in contents(stream, entry):
        sha256.update(piece)
    central, local = entry.central.header, entry.local.header
    note = ""
    if (local.time, local.date) != (central.time, central.date):
        note = f" (local header {(local.time, local.date)})"
    ours, theirs = (extra.hex() or "none" for extra in (entry.central.extra, entry.local.extra))
    return _Member(
        name=entry.name,
        sha256=sha256.hexdigest(),
        size=entry.size,
        packed=_digest_of(stream, entry.local.data, entry.after),
        method=_METHODS[central.method],
        time="{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*moment_of(central)) + note,
        mode=central.external >> 16,
        framing=_framing(entry),
        extra=f"{ours}, local {theirs}",
        entry=entry,
    )


def _framing(entry: Entry) -> str:
    """Return the header fields that no other comparison names, the central before the local."""
    central, local = entry.central.header, entry.local.header
    return (
        f"system {central.made_by >> 8}, version {central.made_by & 0xFF} {central.needed}"
        f" {local.needed}, flags {central.flags:#x} {local.flags:#x}, method {local.method}"
        f", attributes {central.internal:#x} {central.external & 0xFFFF:#x}"
        f", volume {central.disk}, comment {entry.central.comment.hex() or 'none'}"
    )


def _loose(stream: BinaryIO, directory: Directory, size: int) -> tuple[str, ...]:
    """Return the digests of what is before, between and after the members.

    :raises ZipError: members that overlap
    """
    found = []
    end, described = 0, False
    spans = sorted(
        (entry.start, entry.after, bool(entry.central.header.flags & FLAG_DESCRIPTOR))
        for entry in directory.entries
    )
    for begin, after, has_descriptor in [*spans, (directory.start, directory.start, False)]:
        if begin < end:
            raise ZipError("its members overlap")
        if begin - end not in (_DESCRIPTOR_SIZES if described else (0,)):
            found.append(_digest_of(stream, end, begin))
        end, described = after, has_descriptor
    if directory.end != size:
        found.append(_digest_of(stream, directory.start, size))
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
    return b"".join(contents(archive.file, archive.entries[name].entry))


def _one_sided(archive: _Archive, name: str, *, missing: bool) -> Difference:
    entry = archive.entries[name]
    text = ""
    if entry.size <= _CHUNK:
        data = _body(archive, name)
        text = "" if b"\0" in data else data.decode("utf-8", "replace")
    shown = text.split("\n") if text else []
    rows = lines.two_sided(shown, ()) if missing else lines.two_sided((), shown)
    return Difference(
        kind="member-missing" if missing else "member-added",
        member=lines.shorten(name, 300),
        changes=(Change(what=f"sha256 {entry.sha256}", count=entry.size),),
        rows=lines.listed(rows, 40),
    )


def _by_hash(ours: _Member, theirs: _Member) -> Difference:
    return Difference(
        kind="bytes",
        member=lines.shorten(ours.name, 300),
        changes=(
            Change(what="sha256", ours=ours.sha256, theirs=theirs.sha256),
            Change(what="size", ours=str(ours.size), theirs=str(theirs.size)),
        ),
    )


def _headers(left: _Archive, right: _Archive) -> Iterable[Difference]:
    """Yield what differs in the archive and in the headers of the members that both have."""
    names = [name for name in left.entries if name in right.entries]
    order = [name for name in right.entries if name in left.entries]
    if names != order:
        place = next(n for n, name in enumerate(names) if order[n] != name)
        ours, theirs = lines.excerpts(names[place], order[place])
        yield Difference(
            kind="archive-order",
            changes=(Change(what="member", place=place + 1, ours=ours, theirs=theirs),),
            reordered="members",
            rows=lines.unified(names, order),
            normalisation="member-order",
        )
    both = [(left.entries[name], right.entries[name]) for name in names]
    yield from _modes(both)
    for kind, what, normalisation, fact in _FACTS:
        unlike = [
            (ours, theirs)
            for ours, theirs in both
            if fact(ours) != fact(theirs)
            and (kind != "compression" or ours.sha256 == theirs.sha256)
        ]
        if unlike:
            changes, rows = _fact_changes(what, fact, unlike)
            yield Difference(kind=kind, changes=changes, rows=rows, normalisation=normalisation)
    if left.comment != right.comment:
        yield _around("comment of the archive", "headers")
    if left.loose != right.loose:
        yield _around("bytes that belong to no member", None)


def _modes(both: list[tuple[_Member, _Member]]) -> Iterable[Difference]:
    for ours, theirs in both:
        kind = ""
        if ours.kind != theirs.kind:
            kind = "member-type"
        elif ours.executable != theirs.executable:
            kind = "executable-bit"
        if kind:
            modes = Change(what="mode", ours=f"{ours.mode:o}", theirs=f"{theirs.mode:o}")
            yield Difference(kind=kind, member=lines.shorten(ours.name, 300), changes=(modes,))


def _fact_changes(
    what: str, fact: Callable[[_Member], object], unlike: list[tuple[_Member, _Member]]
) -> tuple[tuple[Change, ...], tuple[Row, ...]]:
    ours, theirs = unlike[0]
    left, right = lines.excerpts(str(fact(ours)), str(fact(theirs)))
    rows = list(lines.HEAD)
    for one, other in unlike[: lines.MOST_LINES]:
        rows += lines.two_sided([f"{one.name}  {fact(one)}"], [f"{other.name}  {fact(other)}"])
    change = Change(what=what, ours=left, theirs=right, of=ours.name[:200], count=len(unlike))
    return (change,), lines.listed(rows)


def _packing(member: _Member) -> object:
    # The same method with other bytes is another level or another zlib.
    return f"{member.method} {member.entry.compressed} bytes {member.packed[:8]}"


def _around(what: str, normalisation: str | None) -> Difference:
    return Difference(kind="zip-framing", changes=(Change(what=what),), normalisation=normalisation)


#: Kind, name, and the pass under which it vanishes, of facts of members beside their contents.
_FACTS: Final[tuple[tuple[str, str, str, Callable[[_Member], object]], ...]] = (
    ("zip-times", "time", "member-times", lambda member: member.time),
    ("zip-modes", "mode", "member-modes", lambda member: member.permissions),
    ("compression", "compression", "compression", _packing),
    ("zip-framing", "framing", "extra-fields", lambda member: member.extra),
    ("zip-framing", "framing", "headers", lambda member: member.framing),
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
