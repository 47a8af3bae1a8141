"""A ``uv.lock`` read into pins, through ``uv export``.

uv reads the lock and the ``pyproject.toml`` beside it, and writes a lock of PEP 751. With
``--frozen`` it resolves nothing, so it builds nothing and asks no index. Which dependencies a
project has, and where, is for uv to say; the hashes are checked as those of any lock.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import files
from amrasaman_nox.errors import AsamanError, printable
from amrasaman_nox.inputs.pylock import parse_pylock
from amrasaman_nox.inputs.texts import read_text
from amrasaman_nox.sources import uv

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Requirements

_ARGUMENTS: Final = (
    *("export", "--frozen", "--offline", "--no-config", "--no-python-downloads", "--no-cache"),
    *("--format", "pylock.toml", "--no-header", "--color", "never", "--no-progress"),
)
#: Seconds after which uv is ended.
_PATIENCE: Final = 60
_NAME: Final = re.compile(r'name = "(?P<name>[^"]+)"')
_VERSION: Final = re.compile(r'version = "(?P<version>[^"]+)"')


def read_configured(path: Path, config: Config) -> Requirements:
    """Return the pins of a ``uv.lock``: what its project, with its default groups, requires.

    With ``all_packages``, what all projects of the workspace require.

    :raises AsamanError: it cannot be read, or uv cannot export it (exit 2); all problems of its
        pins together, each with its line
    """
    text, _ = read_text(str(path))
    exported = _exported(path, all_packages=config.all_packages)
    known = _lines(text)

    def lines(packages: list[Any]) -> list[int | None]:
        return [known.get((str(one.get("name")), str(one.get("version")))) for one in packages]

    return parse_pylock(exported, path, only_binary=frozenset(config.only_binary), lines=lines)


def _exported(path: Path, *, all_packages: bool) -> str:
    """Return the lock at *path* as a lock of PEP 751."""
    # uv names files relative to where it runs.
    folder = path.absolute().parent
    workspace = ("--all-packages",) if all_packages else ()
    with files.folder() as made:
        written = made / "pylock.toml"
        with written.open("wb") as output:
            try:
                done = subprocess.run(
                    (uv.find_uv(), *_ARGUMENTS, *workspace),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.PIPE,
                    # Nothing of the user's, which could be another index or project.
                    env={"HOME": str(made), "TMPDIR": str(made)},
                    cwd=folder,
                    timeout=_PATIENCE,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise _not_exported(path, str(error)) from None
        if done.returncode:
            raise _not_exported(path, uv.reason_of(done.stderr.decode(errors="replace")))
        return read_text(str(written))[0]


def _not_exported(path: Path, why: str) -> AsamanError:
    hint = "it is read with the pyproject.toml beside it; `uv lock` writes it"
    return AsamanError(f"uv export of {path}", printable(why), hint=hint)


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each package of a ``uv.lock``, by name and version."""
    found: dict[tuple[str, str], int] = {}
    rows = text.split("\n")
    for number, row in enumerate(rows, 1):
        if row.strip() == "[[package]]" and number + 1 < len(rows):
            name, version = _NAME.match(rows[number]), _VERSION.match(rows[number + 1])
            if name and version:
                found[name["name"], version["version"]] = number
    return found
