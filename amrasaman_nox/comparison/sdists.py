"""How two sdists differ, member by member."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.archives.tar import read_tar
from amrasaman_nox.comparison.contents import LARGEST_MEMBER, Pair, compare
from amrasaman_nox.model import Artefact, Change, Difference, Member

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amrasaman_nox.archives.tar import TarMember
    from amrasaman_nox.model import Digest


def read_members(file: BinaryIO, filename: str, digest: Digest) -> Artefact:
    """Return the sdist in *file* with its members, named without the folder that holds them all.

    :raises AsamanError: it can be read in two ways, or is damaged (exit 2)
    """
    members = []
    for member, content in read_tar(file, Subject(what=filename)):
        found = hashlib.sha256(member.target.encode())
        for piece in content:
            found.update(piece)
        members.append(
            Member(
                name=_name(member),
                sha256=found.hexdigest(),
                size=member.size,
                executable=member.executable,
            )
        )
    return Artefact(filename=filename, digest=digest, members=tuple(members))


def compare_sdists(
    ours: Artefact, theirs: Artefact, left: BinaryIO, right: BinaryIO
) -> tuple[Difference, ...]:
    """Return in what two canonical sdists differ, member by member.

    :param left: the bytes of *ours*, *right* those of *theirs*, both seekable
    """
    mine, other = ({member.name: member for member in side.members} for side in (ours, theirs))
    found = []
    for name in sorted({*mine, *other}):
        if name not in mine or name not in other:
            kind = "member-added" if name not in mine else "member-missing"
            found.append(Difference(kind=kind, member=name))
        elif mine[name].sha256 != other[name].sha256:
            bodies = (_body(ours.filename, name, left), _body(theirs.filename, name, right))
            found.append(_changed(name, *bodies))
        elif mine[name].executable != other[name].executable:
            found.append(Difference(kind="executable-bit", member=name))
    if not found and ours.filename != theirs.filename:
        change = Change(what="file name", ours=ours.filename, theirs=theirs.filename)
        found.append(Difference(kind="metadata", changes=(change,)))
    return tuple(found)


def _changed(name: str, ours: bytes, theirs: bytes) -> Difference:
    if max(len(ours), len(theirs)) > LARGEST_MEMBER:
        return Difference(kind="bytes", member=name)
    return compare(Pair(name=name, ours=ours, theirs=theirs))


def _body(filename: str, name: str, file: BinaryIO) -> bytes:
    file.seek(0)
    for member, content in read_tar(file, Subject(what=filename)):
        if _name(member) == name:
            if member.kind == "link":
                return member.target.encode()
            return _first(content, LARGEST_MEMBER + 1)
    return b""


def _name(member: TarMember) -> str:
    return member.name.partition("/")[2]


def _first(pieces: Iterable[bytes], size: int) -> bytes:
    """Return what *pieces* hold, of at most about *size* bytes."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) >= size:
            break
    return bytes(found)
