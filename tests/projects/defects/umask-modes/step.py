"""Modes of created files are written into the archive."""

import pathlib
import zipfile


def members(folder):
    (folder / "example.py").write_text("VALUE = 1\n")
    return {"example.py": (folder / "example.py").read_bytes()}


def write(archive, members):
    for path, content in members.items():
        info = zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0))
        info.external_attr = pathlib.Path("example.py").stat().st_mode << 16
        archive.writestr(info, content)
