"""How two sdists differ, member by member."""

from __future__ import annotations

import hashlib
import stat
import tarfile
from typing import TYPE_CHECKING

from amrasaman_nox.comparison.contents import LARGEST_MEMBER, Pair, compare
from amrasaman_nox.files import CHUNK
from amrasaman_nox.model import Artefact, Difference, Member
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from amrasaman_nox.model import Digest
    from amrasaman_nox.sources.store import Store


def unpacked(filename: str, digest: Digest, store: Store) -> Artefact:
    """Return an sdist with its members, their names without the folder that holds them all."""
    members = []
    with (
        fetched(digest, filename, store) as file,
        tarfile.open(fileobj=file, mode="r:gz") as archive,
    ):
        for info in archive:
            content = archive.extractfile(info) if info.isreg() else None
            found = hashlib.sha256(info.linkname.encode() if content is None else b"")
            while content is not None and (chunk := content.read(CHUNK)):
                found.update(chunk)
            members.append(
                Member(
                    name=info.name.partition("/")[2],
                    sha256=found.hexdigest(),
                    size=info.size,
                    executable=bool(info.mode & stat.S_IXUSR),
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
            found.append(Difference(kind=kind, member=name, detail="of the sdist"))
        elif left[name].sha256 != right[name].sha256:
            found.append(_changed(name, ours, theirs, store))
        elif left[name].executable != right[name].executable:
            found.append(Difference(kind="executable-bit", member=name, detail="of the sdist"))
    if not found and ours.filename != theirs.filename:
        detail = f"file name {ours.filename} → {theirs.filename}"
        found.append(Difference(kind="metadata", detail=detail))
    return tuple(found)


def _changed(name: str, ours: Artefact, theirs: Artefact, store: Store) -> Difference:
    bodies = [_body(side, name, store) for side in (ours, theirs)]
    if max(map(len, bodies)) > LARGEST_MEMBER:
        return Difference(kind="bytes", member=name, detail="too large to be looked into")
    return compare(Pair(name=name, ours=bodies[0], theirs=bodies[1]))


def _body(side: Artefact, name: str, store: Store) -> bytes:
    with (
        fetched(side.digest, side.filename, store) as file,
        tarfile.open(fileobj=file, mode="r:gz") as archive,
    ):
        for info in archive:
            if info.name.partition("/")[2] == name:
                content = archive.extractfile(info) if info.isreg() else None
                return content.read(LARGEST_MEMBER + 1) if content else info.linkname.encode()
    return b""
