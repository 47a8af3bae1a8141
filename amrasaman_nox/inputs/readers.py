"""What a run is to build: the input that is configured, read by the function of its format."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.config.inputs import FIELDS, format_of
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Requirements


def read_input(config: Config) -> Requirements | None:
    """Return what the configured input asks for; ``None`` for a project, which is to be built.

    :raises AsamanError: it cannot be read, or is not what it should be (exit 2)
    """
    _check_several(config)
    for field in FIELDS:
        path = getattr(config, field)
        if path is not None and field != "project":
            return _read(path, field, config)
    return None


def _check_several(config: Config) -> None:
    """Check that all of several files are of a format of which there can be several."""
    if config.requirement is None or not config.more_requirements:
        return
    for path in (config.requirement, *config.more_requirements):
        if not format_of(path, "requirement").several:
            raise AsamanError(
                str(path),
                "a lock cannot be combined with other files",
                hint="give it alone, or give requirements files",
            )


def read_requirement(path: Path, config: Config) -> Requirements:
    """Return the pins of a file, in the format that its name tells.

    Where it is the configured one of several files, those of all of them.

    :raises AsamanError: it cannot be read, or is not what it should be (exit 2)
    """
    if path == config.requirement:
        _check_several(config)
    return _read(path, "requirement", config)


def _read(path: Path, field: str, config: Config) -> Requirements:
    module, _, name = format_of(path, field).read.partition(":")
    read: Callable[[Path, Config], Requirements] = getattr(
        import_module(f"amrasaman_nox.{module}"), name
    )
    return read(path, config)


def project_of(config: Config) -> Path:
    """Return the folder of the project that is to be built.

    :raises AsamanError: there is none
    """
    folder = config.project or Path()
    if not (folder / "pyproject.toml").is_file() and not (folder / "setup.py").is_file():
        raise AsamanError(
            str(folder.absolute()), "no pyproject.toml", hint="give an input: -r, -s or -d"
        )
    return folder
