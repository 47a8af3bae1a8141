"""Where installers put the members of a wheel: no two of them in one place.

The folder ``NAME-VERSION.data`` of a wheel has files for other folders of an installation, and
those for ``purelib`` lie beside the members at the top. Which of two files in one place stays
depends on the installer, and on the order of its work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from amrasaman_nox.archives.names import folded, quoted

if TYPE_CHECKING:
    from amrasaman_nox.archives.zip import ZipArchive

#: Where files are that can be imported, and files that can be run.
_SITE: Final = "site-packages/"
SCRIPTS: Final = "bin/"
#: By what a path below the data folder begins with: where an installer puts its rest.
_PLACES: Final = (
    (re.compile(r"(purelib|platlib)/"), _SITE),
    (re.compile(r"scripts/"), SCRIPTS),
    (re.compile(r"data/lib(64)?/(python[^/]*/)?site-packages/", re.IGNORECASE), _SITE),
    (re.compile(r"data/(bin|scripts)/", re.IGNORECASE), SCRIPTS),
)
_INFORMATION: Final = ".dist-info"


def check(archive: ZipArchive, data: str) -> dict[str, str]:
    """Return the names of the files that have a place elsewhere, by their place in small letters.

    :param data: the name of the data folder
    :raises AsamanError: two files are installed in one place, or metadata of a project is among the
        data
    """
    moved = {
        member.name: place(member.name.removeprefix(f"{data}/"))
        for member in archive.members
        if member.name.startswith(f"{data}/") and not member.is_folder
    }
    if not moved:
        return {}
    found: dict[str, str] = {}
    for member in archive.members:
        its_place = folded(moved.get(member.name, f"{_SITE}{member.name}"))
        other = found.setdefault(its_place, member.name)
        if other != member.name and not member.is_folder:
            raise archive.subject.refusal(
                f"{quoted(other)} and {quoted(member.name)} are installed in one place"
            )
        top = its_place.removeprefix(_SITE).split("/")[0]
        if member.name in moved and its_place.startswith(_SITE) and top.endswith(_INFORMATION):
            raise archive.subject.refusal(f"{quoted(member.name)} is metadata in a data folder")
    return {folded(its_place): name for name, its_place in moved.items()}


def place(path: str) -> str:
    """Return where installers put *path*, which is relative to the data folder."""
    for pattern, folder in _PLACES:
        match = pattern.match(path)
        if match is not None:
            return f"{folder}{path[match.end() :]}"
    return path
