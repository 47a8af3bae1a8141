"""Sdists made in a test, read and unpacked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH
from amrasaman_nox.sdists.reader import SdistInfo, read_sdist
from amrasaman_nox.sdists.unpack import unpack
from tests.support.archives import Entry, pkg_info, tar_member, zipped

if TYPE_CHECKING:
    from pathlib import Path

NAME = "demo-1.0.tar.gz"
TOP = "demo-1.0"
SETUP = b"raise SystemExit('not to be run')\n"
#: The members that each has.
OWN = tar_member(f"{TOP}/PKG-INFO", pkg_info()) + tar_member(f"{TOP}/setup.py", SETUP)


def read(data: bytes, filename: str = NAME) -> SdistInfo:
    return read_sdist(io.BytesIO(data), filename)


def unpacked(data: bytes, folder: Path, filename: str = NAME, **options: object) -> SdistInfo:
    folder.mkdir(mode=0o700)
    arguments: dict[str, object] = {"mtime": DEFAULT_SOURCE_DATE_EPOCH} | options
    return unpack(io.BytesIO(data), filename, folder, **arguments)  # type: ignore[arg-type]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def zip_sdist(*entries: Entry) -> bytes:
    return zipped(Entry(f"{TOP}/PKG-INFO", pkg_info()), *entries)
