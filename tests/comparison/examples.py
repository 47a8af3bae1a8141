"""Wheels compared in a test."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from amrasaman_nox.comparison.wheels import compare_wheels

if TYPE_CHECKING:
    from amrasaman_nox.model import Difference

FILENAME = "demo-1.0-py3-none-any.whl"


def compared(ours: bytes, theirs: bytes) -> tuple[Difference, ...]:
    return compare_wheels(io.BytesIO(ours), io.BytesIO(theirs), filename=FILENAME)


def the_one(ours: bytes, theirs: bytes, kind: str) -> Difference:
    """Return the one difference besides a RECORD that follows from it."""
    found = [one for one in compared(ours, theirs) if one.normalisation != "record-regenerated"]
    assert [one.kind for one in found] == [kind]
    return found[0]


def tarred(members: dict[str, bytes], time: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), time
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
