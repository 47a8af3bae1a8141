"""What the checks of a release look at: the working tree, and what is built from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amrasaman_nox import files, strict_toml
from amrasaman_nox.comparison.sdists import read_members
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest
from amrasaman_nox.runs import build
from amrasaman_nox.runs.epoch import Commit, commit_of, own_folders
from amrasaman_nox.sources import git
from amrasaman_nox.wheels.reader import read_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildFailure, Notify


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A project's working tree: its folder, the ``top`` of git's tree and the commit, if any.

    ``own`` are folders of results, which do not count.
    """

    folder: Path
    top: Path | None = None
    commit: Commit | None = None
    own: tuple[Path, ...] = ()

    @property
    def pyproject(self) -> dict[str, Any]:
        """The content of ``pyproject.toml``; it was read by the build before, so it is TOML."""
        path = self.folder / "pyproject.toml"
        return strict_toml.parse(path.read_bytes()) if path.is_file() else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """The sdist of a project with the names of its files, and its wheels with their METADATA."""

    name: str
    version: str
    members: frozenset[str]
    tags: tuple[str, ...]
    metadata: bytes


def tree_of(config: Config) -> Tree:
    """Return the working tree of the project of *config*.

    :raises AsamanError: git does not answer, or does not trust the repository (exit 2)
    """
    folder = project_of(config).resolve()
    top = git.top_of(folder)
    commit = commit_of(top) if top is not None else None
    return Tree(folder=folder, top=top, commit=commit, own=own_folders(config))


def project_of(config: Config) -> Path:
    """Return the folder of the project of *config*.

    :raises AsamanError: it names none
    """
    if config.project is None:
        raise AsamanError("check", "there is no project", hint="run it in a project's folder")
    return config.project


def built_from(config: Config, notify: Notify) -> Built | tuple[BuildFailure, ...]:
    """Build the sdist and the wheels of the project into the output folder, and read them.

    :raises AsamanError: the sdist cannot be built (exit 3), or as :func:`build.build_wheels`
    """
    report = build.build_wheels(config, notify=notify)
    if report.build.failures:
        return report.build.failures
    records = report.build.records
    sdist = config.output / records[0].source.filename
    digest = Digest(algorithm="sha256", value=files.digest_of(sdist))
    with sdist.open("rb") as file:
        members = read_members(file, sdist.name, digest).members
    tags: list[str] = []
    for record in records:
        with (config.output / record.wheel.filename).open("rb") as file:
            wheel = read_wheel(file, record.wheel.filename, code=ExitCode.INPUT_OUTPUT)
            tags += wheel.tags
            metadata = wheel.read(f"{wheel.dist_info}/METADATA")
    return Built(
        name=records[0].name,
        version=records[0].version,
        members=frozenset(member.name for member in members),
        tags=tuple(tags),
        metadata=metadata,
    )
