"""Our content with the zip headers of a published wheel: whether that gives its sha256.

Two wheels of the same content can differ in what a zip archive says around it: order, times,
modes, how hard it was compressed. Where every byte of that is taken from the published wheel, and
every byte of content from ours, and the sha256 is the published one, then the published wheel
holds our content and nothing else.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from amrasaman_nox.archives.zip_headers import DEFLATED, STORED
from amrasaman_nox.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.archives.zip import ZipArchive, ZipMember
    from amrasaman_nox.wheels.reader import WheelContent

#: Members larger than this, in bytes, are not compressed again.
_LARGEST: Final = 256 << 20
_CHUNK: Final = 1 << 20

#: Level and memory level of deflate, the usual ones first. Writers use one for all members.
_LEVELS: Final = (
    *((level, 8) for level in (6, 9, 5, 1, 2, 3, 4, 7, 8)),
    *((level, 9) for level in (6, 9, 5, 1, 2, 3, 4, 7, 8)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The published sha256, reproduced; ``packing`` says how members were deflated for it."""

    digest: Digest
    packing: tuple[str, ...]


def under_headers(ours: WheelContent, theirs: WheelContent) -> Proof | None:
    """Put the content of *ours* under the zip headers of *theirs*.

    Return the proof where that gives the sha256 of *theirs*. ``None`` where the members or their
    executable bits are not the same, or where no known packing gives the same compressed bytes.

    :raises AsamanError: a member of *ours* is damaged
    """
    if _files(ours) != _files(theirs):
        return None
    packer = _Packer(ours=ours.layout.archive, theirs=theirs.layout.archive)
    by_name = {member.name: member for member in ours.layout.files}
    archive = theirs.layout.archive
    digest = hashlib.sha256()
    at = 0
    for member in sorted(archive.members, key=lambda one: one.start):
        # Headers, and the end of a data descriptor before them.
        _copy(archive, at, member.data, digest.update)
        packed = packer.packed(by_name.get(member.name), member)
        if packed is None:
            return None
        digest.update(packed)
        at = member.data + member.compressed
    _copy(archive, at, theirs.size, digest.update)
    found = Digest(algorithm="sha256", value=digest.hexdigest())
    if found != theirs.digest:
        return None
    return Proof(digest=found, packing=tuple(dict.fromkeys(packer.used)))


def _files(wheel: WheelContent) -> dict[str, tuple[str, int, bool]]:
    return {
        member.name: (member.sha256, member.size, member.executable) for member in wheel.members
    }


def _copy(archive: ZipArchive, begin: int, end: int, write: Callable[[bytes], object]) -> None:
    archive.file.seek(begin)
    while begin < end and (piece := archive.file.read(min(_CHUNK, end - begin))):
        begin += len(piece)
        write(piece)


def _packed(archive: ZipArchive, member: ZipMember) -> bytes:
    """Return the bytes of *member* as they are in the archive."""
    archive.file.seek(member.data)
    return archive.file.read(member.compressed)


@dataclass(slots=True)
class _Packer:
    """Packs our members as the other wheel's are packed, and remembers what did it."""

    ours: ZipArchive
    theirs: ZipArchive
    used: list[str] = field(default_factory=list)
    _levels: list[tuple[int, int]] = field(default_factory=lambda: list(_LEVELS))

    def packed(self, ours: ZipMember | None, theirs: ZipMember) -> bytes | None:
        """Return our content packed as *theirs* is, or ``None`` where no way of packing does it."""
        if max(theirs.size, theirs.compressed) > _LARGEST:
            return None
        content = b"" if ours is None else self.ours.read(ours, _LARGEST)
        if theirs.method == STORED:
            return content
        wanted = _packed(self.theirs, theirs)
        if ours is not None and ours.method == DEFLATED and _packed(self.ours, ours) == wanted:
            self.used.append("as the backend left it")
            return wanted
        for level, memory in tuple(self._levels):
            deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, memory)
            if deflate.compress(content) + deflate.flush() == wanted:
                # A writer has one level for all members, so this one is the first for the next.
                self._levels.remove((level, memory))
                self._levels.insert(0, (level, memory))
                self.used.append(f"zlib level {level}, memory level {memory}")
                return wanted
        return None
