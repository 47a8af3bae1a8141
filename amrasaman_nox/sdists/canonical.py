"""Sdists in canonical form."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def passes_of(raw: BinaryIO, content: bytes) -> tuple[str, ...]:
    """Return by name what canonical form changed of the backend's archive, which was judged."""
    raw.seek(0)
    if raw.read() == content:
        return ()
    raw.seek(0)
    with (
        tarfile.open(fileobj=raw, mode="r:gz") as theirs,
        tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as ours,
    ):
        before, after = theirs.getmembers(), ours.getmembers()
    changed = [name for name, fact in _PASSES.items() if _differ(before, after, fact)]
    if [_name(one) for one in before] != [_name(one) for one in after]:
        changed.insert(0, "member-order")
    return (*changed, "compression")


def _name(member: tarfile.TarInfo) -> str:
    return member.name.rstrip("/")


def _differ(
    before: list[tarfile.TarInfo],
    after: list[tarfile.TarInfo],
    fact: Callable[[tarfile.TarInfo], object],
) -> bool:
    ours = {_name(member): fact(member) for member in after}
    return any(ours.get(_name(member)) != fact(member) for member in before)


#: What canonical form sets of a member beside its place, by the name of the pass.
_PASSES: Final[dict[str, Callable[[tarfile.TarInfo], object]]] = {
    "member-times": lambda member: member.mtime,
    "member-owners": lambda member: (member.uid, member.gid, member.uname, member.gname),
    "member-modes": lambda member: member.mode,
}


def write_sdist(tree: Path, top: str, file: BinaryIO, epoch: int) -> None:
    """Write *tree* as a canonical ``.tar.gz``: sorted, one time, one owner, two modes."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=epoch, compresslevel=9) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in [tree, *sorted(tree.rglob("*"), key=lambda item: item.as_posix())]:
            relative = path.relative_to(tree).as_posix()
            member = archive.gettarinfo(path, top if relative == "." else f"{top}/{relative}")
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = epoch
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            if member.isreg():
                with path.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)
