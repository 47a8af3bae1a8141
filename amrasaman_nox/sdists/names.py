"""File names of sdists."""

from __future__ import annotations

from typing import Final

from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

#: What the name of an sdist ends in; the last two are of old releases only.
SUFFIXES: Final = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz")


def name_and_version(filename: str) -> tuple[NormalizedName, Version]:
    """Return the project and the version that the file name of an sdist has.

    :raises ValueError: it is not NAME-VERSION with one of :data:`SUFFIXES`
    """
    suffix = next((one for one in SUFFIXES if filename.endswith(one)), None)
    name, _, version = filename.removesuffix(suffix or "").rpartition("-")
    try:
        if suffix is not None:
            return canonicalize_name(name, validate=True), Version(version)
    except (InvalidName, InvalidVersion):
        pass
    raise ValueError(f"{filename} is not the file name of an sdist")
