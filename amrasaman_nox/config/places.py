"""Where the settings and the project of a command are: in a folder, or in one above it.

As with uv: the nearest ``pyproject.toml`` is that of the project, and the nearest one with
``[tool.amrasaman]`` has the settings. A file above the folder counts only if nobody but the caller
or root can have written it: settings decide what builds may do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import strict_toml
from amrasaman_nox.errors import AsamanError, system_reason
from amrasaman_nox.ownership import why_not_ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME: Final = "pyproject.toml"
#: More than any pyproject.toml that a person wrote.
_LONGEST_FILE: Final = 16 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where a command looks; all are absolute.

    ``settings`` is the folder whose ``pyproject.toml`` has the settings, and from which their
    paths count. ``project`` is that of the project which is built where no input is named. In
    ``here`` is the folder ``wheels`` of a command line that names its input.
    """

    settings: Path
    project: Path
    here: Path


def only(folder: Path) -> Places:
    """Return the places of a command that looks in *folder* alone, as that of a noxfile does."""
    return Places(settings=folder, project=folder, here=folder)


def found(start: Path, here: Path) -> Places:
    """Return the places of a command in the folder *start*, looked for from there upwards.

    :raises AsamanError: *start* is no folder, or a ``pyproject.toml`` cannot be read (exit 2)
    """
    if not start.is_dir():
        raise AsamanError(f"project {start}", "no such folder")
    folders = [*([start] if (start / NAME).is_file() else []), *above(start)]
    project = start if (start / "setup.py").is_file() else next(iter(folders), start)
    settings = next((folder for folder in folders if has_settings(folder)), project)
    return Places(settings=settings, project=project, here=here)


def has_settings(folder: Path) -> bool:
    """Tell whether the ``pyproject.toml`` in *folder* has our table."""
    tool = table(folder / NAME).get("tool", {})
    return isinstance(tool, dict) and "amrasaman" in tool


def table(path: Path) -> dict[str, Any]:
    """Return the TOML document at *path*, an empty one where there is no file.

    :raises AsamanError: it cannot be read, or is not TOML (exit 2)
    """
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
        if len(content) > _LONGEST_FILE:
            raise AsamanError(str(path), f"longer than {_LONGEST_FILE} bytes")
        return strict_toml.parse(content)
    except OSError as error:
        raise AsamanError(f"cannot read {path}", system_reason(error)) from None
    except strict_toml.NotToml as error:
        raise AsamanError(str(path), f"not TOML: {error}") from None


def above(start: Path) -> Iterator[Path]:
    """Yield the folders above *start* that have a ``pyproject.toml`` which only we can write."""
    for folder in start.parents:
        path = folder / NAME
        if path.is_file() and not path.is_symlink() and why_not_ours(path) is None:
            yield folder
