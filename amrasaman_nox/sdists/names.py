"""File names of sdists."""

from __future__ import annotations

from typing import Final

from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

#: What the name of an sdist ends in; the last two are of old releases only.
SUFFIXES: Final = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz")


def suffix_of(filename: str) -> str:
    """Return which of :data:`SUFFIXES` a file name ends in, ``""`` for none."""
    return next((one for one in SUFFIXES if filename.endswith(one)), "")


def local_name(name: str, version: str, suffix: str) -> str:
    """Return the file name of an sdist here: from name and version alone, but for its suffix."""
    return f"{name.replace('-', '_')}-{version}{suffix}"


def name_and_version(filename: str) -> tuple[NormalizedName, Version]:
    """Return the project and the version that the file name of an sdist has.

    :raises ValueError: it is not NAME-VERSION with one of :data:`SUFFIXES`
    """
    suffix = suffix_of(filename)
    name, _, version = filename.removesuffix(suffix).rpartition("-")
    try:
        if suffix:
            return canonicalize_name(name, validate=True), Version(version)
    except (InvalidName, InvalidVersion):
        pass
    raise ValueError(f"{filename} is not the file name of an sdist")
