"""The projects of a workspace, as ``[tool.uv.workspace]`` names them.

uv's rules: ``members`` and ``exclude`` are patterns of folders below that of the table, whose own
project is a member as well. A project without a ``[build-system]`` is not built, unless
``tool.uv.package`` says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from amrasaman_nox.config import places
from amrasaman_nox.errors import AsamanError, Origin
from amrasaman_nox.inputs.readers import project_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.config.config import Config


def projects_of(config: Config) -> tuple[Path, ...]:
    """Return the folders of the projects that are to be built: one, or all of its workspace.

    :raises AsamanError: there is no project, or no workspace with one (exit 2)
    """
    folder = project_of(config)
    return members(folder) if config.all_packages else (folder,)


def members(folder: Path) -> tuple[Path, ...]:
    """Return the folders of all projects that are built in the workspace of *folder*, in order.

    :raises AsamanError: *folder* is in no workspace, a member has no ``pyproject.toml``, or nothing
        is to be built (exit 2)
    """
    root = root_of(folder)
    if root is None:
        raise AsamanError(
            f"--all-packages in {folder}",
            "no workspace",
            hint="name its projects in [tool.uv.workspace] of the pyproject.toml above them",
        )
    found = [each for each in _folders(root) if _is_built(places.table(each / places.NAME))]
    if not found:
        raise AsamanError(str(root), "no project of this workspace has a [build-system]")
    return tuple(found)


def root_of(folder: Path) -> Path | None:
    """Return the folder of the workspace that the project in *folder* is in, ``None`` if in none.

    :raises AsamanError: a ``pyproject.toml`` above it cannot be read, or its table is malformed
        (exit 2)
    """
    folder = folder.absolute()
    for each in (folder, *places.above(folder)):
        if _workspace(each) is not None and (each == folder or folder in _folders(each)):
            return each
    return None


def _folders(root: Path) -> list[Path]:
    """Return *root* and the members that its table names, whether they are built or not."""
    table = _workspace(root) or {}
    excluded = set(_matching(root, table, "exclude"))
    named = [each for each in _matching(root, table, "members") if each not in excluded]
    for each in named:
        if not (each / places.NAME).is_file():
            origin = Origin(path=str(root / places.NAME))
            raise AsamanError(f"member {each}", "no pyproject.toml", origin=origin)
    return list(dict.fromkeys((root, *named)))


def _workspace(folder: Path) -> dict[str, Any] | None:
    found = _uv(places.table(folder / places.NAME)).get("workspace")
    return found if isinstance(found, dict) else None


def _uv(document: dict[str, Any]) -> dict[str, Any]:
    tool = document.get("tool")
    found = tool.get("uv") if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else {}


def _matching(root: Path, table: dict[str, Any], key: str) -> Iterator[Path]:
    """Yield the folders that the patterns of *key* match, in order, without hidden ones."""
    patterns = table.get(key, [])
    if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
        origin = Origin(path=str(root / places.NAME))
        raise AsamanError(
            f"tool.uv.workspace.{key}", "a list of patterns is required", origin=origin
        )
    for pattern in patterns:
        # A pattern that leads out of the workspace has no meaning, and an absolute one cannot be
        # looked for.
        parts = Path(pattern).parts
        if not parts or Path(pattern).is_absolute() or ".." in parts:
            raise AsamanError(f"tool.uv.workspace.{key}", f"{pattern!a} is not below {root}")
        for path in sorted(root.glob(pattern)):
            if path.is_dir() and not path.name.startswith("."):
                yield path


def _is_built(document: dict[str, Any]) -> bool:
    package = _uv(document).get("package")
    return package if isinstance(package, bool) else "build-system" in document
