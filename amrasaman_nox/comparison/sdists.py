"""How two sdists differ, member by member."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.archives.tar import read_tar
from amrasaman_nox.comparison.contents import LARGEST_MEMBER, Pair, compare
from amrasaman_nox.model import Artefact, Change, Difference, Member
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amrasaman_nox.model import Digest
    from amrasaman_nox.sources.store import Store


def unpacked(filename: str, digest: Digest, store: Store) -> Artefact:
    """Return an sdist with its members, their names without the folder that holds them all."""
    members = []
    with fetched(digest, filename, store) as file:
        for member, content in read_tar(file, Subject(what=filename)):
            found = hashlib.sha256(member.target.encode())
            for piece in content:
                found.update(piece)
            members.append(
                Member(
                    name=member.name.partition("/")[2],
                    sha256=found.hexdigest(),
                    size=member.size,
                    executable=member.executable,
                )
            )
    return Artefact(filename=filename, digest=digest, members=tuple(members))


def compare_sdists(ours: Artefact, theirs: Artefact, store: Store) -> tuple[Difference, ...]:
    """Return in what two canonical sdists differ, member by member."""
    left, right = ({member.name: member for member in side.members} for side in (ours, theirs))
    found = []
    for name in sorted({*left, *right}):
        if name not in left or name not in right:
            kind = "member-added" if name not in left else "member-missing"
            found.append(Difference(kind=kind, member=name))
        elif left[name].sha256 != right[name].sha256:
            found.append(_changed(name, ours, theirs, store))
        elif left[name].executable != right[name].executable:
            found.append(Difference(kind="executable-bit", member=name))
    if not found and ours.filename != theirs.filename:
        change = Change(what="file name", ours=ours.filename, theirs=theirs.filename)
        found.append(Difference(kind="metadata", changes=(change,)))
    return tuple(found)


def _changed(name: str, ours: Artefact, theirs: Artefact, store: Store) -> Difference:
    bodies = [_body(side, name, store) for side in (ours, theirs)]
    if max(map(len, bodies)) > LARGEST_MEMBER:
        return Difference(kind="bytes", member=name)
    return compare(Pair(name=name, ours=bodies[0], theirs=bodies[1]))


def _body(side: Artefact, name: str, store: Store) -> bytes:
    with fetched(side.digest, side.filename, store) as file:
        for member, content in read_tar(file, Subject(what=side.filename)):
            if member.name.partition("/")[2] == name:
                if member.kind == "link":
                    return member.target.encode()
                return _first(content, LARGEST_MEMBER + 1)
    return b""


def _first(pieces: Iterable[bytes], size: int) -> bytes:
    """Return what *pieces* hold, of at most about *size* bytes."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) >= size:
            break
    return bytes(found)
