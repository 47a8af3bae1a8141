"""What a run is to build: one reader and one row for each format of input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, all_of
from amrasaman_nox.inputs.pylock import is_pylock, read_pylock
from amrasaman_nox.inputs.requirements import read_requirements
from amrasaman_nox.inputs.sdists import read_archive, read_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Requirements


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFormat:
    """A format of files with pins.

    ``kind`` is that of the :class:`Requirements`; ``fits`` tells by a file's name whether it is of
    this format, and ``read`` reads it.
    """

    kind: str
    fits: Callable[[str], bool]
    read: Callable[[Path, Config], Requirements]


def read_input(config: Config) -> Requirements | None:
    """Return what the configured input asks for; ``None`` for a project, which is to be built.

    :raises AsamanError: it cannot be read, or is not what it should be (exit 2)
    """
    for name, read in _READERS.items():
        path = getattr(config, name)
        if path is not None:
            return read(path, config)
    return None


def format_of(path: Path) -> InputFormat:
    """Return the format of the file *path*, which follows from its name."""
    return next(each for each in FORMATS if each.fits(path.name))


def read_requirement(path: Path, config: Config) -> Requirements:
    """Return the pins of a file, in the format that its name tells.

    :raises AsamanError: it cannot be read, or is not what it should be (exit 2)
    """
    return format_of(path).read(path, config)


def _requirements(path: Path, config: Config) -> Requirements:
    requirements = read_requirements(path, variables=dict(config.expandable))
    _check_urls(requirements, config)
    return requirements


def _pylock(path: Path, config: Config) -> Requirements:
    return read_pylock(path, only_binary=frozenset(config.only_binary))


def _check_urls(requirements: Requirements, config: Config) -> None:
    problems = [
        AsamanError(
            str(pin),
            "pinned by a direct URL",
            hint="allow direct URLs with --allow-url",
            origin=pin.origin,
        )
        for pin in requirements.pins
        if pin.url is not None and not config.allow_url
    ]
    if problems:
        raise all_of(problems)


def _source(path: Path, _: Config) -> Requirements:
    return read_archive(path)


def _directory(path: Path, _: Config) -> Requirements:
    return read_directory(path)


#: The formats of ``--requirement``; the first that fits is used, and the last one always fits.
FORMATS: Final[tuple[InputFormat, ...]] = (
    InputFormat(kind="pylock", fits=is_pylock, read=_pylock),
    InputFormat(kind="requirements", fits=lambda name: True, read=_requirements),
)

#: Which option's path is read by what.
_READERS: Final[dict[str, Callable[[Path, Config], Requirements]]] = {
    "requirement": read_requirement,
    "source": _source,
    "directory": _directory,
}


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
