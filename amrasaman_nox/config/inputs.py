"""The formats of input, in one table: a format is one function and one row here.

The options, their help and their checks, and what a file is that is named without an option, follow
from the rows. The function is named here and imported when it is called, so that ``--help`` stays
fast.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class InputFormat(NamedTuple):
    """A format of input.

    ``kind`` is that of its :class:`amrasaman_nox.model.Requirements`. ``field`` is the one of
    :class:`InputPaths` that names it, and ``names`` are patterns for what its file is called; a
    folder of this format has the file ``contains``, or any for ``""``. ``read`` names the function
    that reads it, as ``MODULE:NAME``; it takes the path and the configuration, and returns
    requirements; ``""`` is for what is built and not read. Of one with ``several``, more than one
    file can be given. With ``help`` the row makes the option of its field.
    """

    kind: str
    field: str
    read: str
    names: tuple[str, ...] = ()
    folder: bool = False
    contains: str = ""
    several: bool = False
    short: str = ""
    help: str = ""


#: The first row that fits is used; the last one fits every file.
FORMATS: Final[tuple[InputFormat, ...]] = (
    InputFormat(
        kind="project",
        field="project",
        read="",
        folder=True,
        contains="pyproject.toml",
    ),
    InputFormat(
        kind="archive",
        field="source",
        read="inputs.sdists:read_archive",
        names=("*.tar.gz", "*.tgz", "*.zip", "*.tar.bz2", "*.tar.xz"),
        short="s",
        help="A single source tarball or zip file.",
    ),
    InputFormat(
        kind="directory",
        field="directory",
        read="inputs.sdists:read_directory",
        folder=True,
        short="d",
        help="A directory containing all source tarballs and zips.",
    ),
    InputFormat(
        kind="pylock",
        field="requirement",
        read="inputs.pylock:read_configured",
        names=("pylock.toml", "pylock.*.toml"),
    ),
    InputFormat(
        kind="uv",
        field="requirement",
        read="sources.uv_lock:read_configured",
        names=("uv.lock",),
    ),
    InputFormat(
        kind="other lock",
        field="requirement",
        read="inputs.other_locks:refuse",
        names=("poetry.lock", "pdm.lock", "Pipfile.lock"),
    ),
    InputFormat(
        kind="requirements",
        field="requirement",
        read="inputs.requirements:read_configured",
        names=("*",),
        several=True,
        short="r",
        help="Path to the requirement.txt file which contains all packages to build along with "
        "hashes. A pylock.toml or uv.lock works too.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class InputPaths:
    """What to work on, at most one of these."""

    # Of several base classes, only one could have slots; the configuration has them.
    __slots__ = ()

    requirement: Path | None = None
    more_requirements: tuple[Path, ...] = ()
    source: Path | None = None
    directory: Path | None = None
    project: Path | None = None


#: Further files of one input; a layer that names an input drops those of the layers below it.
MORE: Final = "more_requirements"
FIELDS: Final = tuple(each.name for each in fields(InputPaths) if each.name != MORE)


def format_of(path: Path, field: str = "") -> InputFormat:
    """Return the format of *path*: by its name, or by what the folder has.

    :param field: only a format that this field names; the last of them is for what fits none
    """
    rows = [each for each in FORMATS if field in ("", each.field)]
    fits = _fits_folder if path.is_dir() else _fits_file
    return next((each for each in rows if fits(each, path)), rows[-1])


def is_file_name(text: str) -> bool:
    """Tell whether *text* names a file of pins, an archive or a path, and no project."""
    name = text.rpartition("/")[2]
    named = (form for form in FORMATS if form.names != ("*",))
    known = any(fnmatchcase(name, pattern) for form in named for pattern in form.names)
    return known or name != text or name.endswith((".txt", ".in", ".toml", ".lock"))


def _fits_folder(form: InputFormat, path: Path) -> bool:
    return form.folder and (not form.contains or (path / form.contains).is_file())


def _fits_file(form: InputFormat, path: Path) -> bool:
    return any(fnmatchcase(path.name, pattern) for pattern in form.names)


def with_file(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the fields that options set, with ``file`` as the field that it stands for.

    :param folder: from which a relative path counts
    :raises AsamanError: an option sets that field to something else
    """
    values = dict(given)
    if "file" not in values:
        return values
    name = values.pop("file")
    field = format_of(folder / name).field
    if values.setdefault(field, name) != name:
        raise AsamanError(f"{name} and --{field}", "cannot be combined", hint="give one")
    return values
