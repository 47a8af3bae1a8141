"""The archive is written in the order of a listing."""

import os
import zipfile


def members(folder):
    return {name: "VALUE = 1\n" for name in sorted(os.listdir(folder)) if name.endswith(".part")}


def write(archive, members):
    listed = [name for name in os.listdir() if name in members]
    for path in [*listed, *(name for name in members if name not in listed)]:
        archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), members[path])
