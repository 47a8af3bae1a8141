"""What a file or folder is that is named without an option, as in ``asaman verify FILE``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: What names of source archives end in.
_ARCHIVES: Final = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")


def field_of(path: Path) -> str:
    """Return which field of the configuration *path* sets: by its name, or what the folder has."""
    if path.is_dir():
        return "project" if (path / "pyproject.toml").is_file() else "directory"
    return "source" if path.name.endswith(_ARCHIVES) else "requirement"


def with_file(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the fields that options set, with ``file`` as the field that it stands for.

    :param folder: from which a relative path counts
    :raises AsamanError: an option sets that field to something else
    """
    values = dict(given)
    if "file" not in values:
        return values
    name = values.pop("file")
    field = field_of(folder / name)
    if values.setdefault(field, name) != name:
        raise AsamanError(f"{name} and --{field}", "cannot be combined", hint="give one")
    return values
