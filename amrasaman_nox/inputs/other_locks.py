"""Lock files of other tools: not read, but named with the command that exports what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Requirements

#: What each file is a lock of, and how its tool exports it with hashes.
EXPORTS: Final = {
    "poetry.lock": ("Poetry", "poetry export --format requirements.txt --output requirements.txt"),
    "pdm.lock": ("PDM", "pdm export --format pylock --output pylock.toml"),
    "Pipfile.lock": ("Pipenv", "pipenv requirements --hash > requirements.txt"),
}


def refuse(path: Path, config: Config) -> Requirements:
    """Say how to export the lock at *path*.

    :raises AsamanError: always (exit 2)
    """
    del config
    tool, command = EXPORTS[path.name]
    raise AsamanError(
        str(path), f"lock files of {tool} are not supported", hint=f"export it: {command}"
    )
