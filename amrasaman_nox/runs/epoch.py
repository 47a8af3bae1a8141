"""The source date epoch of a project: the time of its commit."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox.config.variables import own_variables
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import is_within
from amrasaman_nox.model import (
    DEFAULT_SOURCE_DATE_EPOCH,
    EARLIEST_EPOCH,
    LATEST_EPOCH,
    Event,
    utc,
)
from amrasaman_nox.sources import git

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Notify

_VARIABLE: Final = "SOURCE_DATE_EPOCH"


class Commit(NamedTuple):
    """The commit that is checked out: its hash, and its committer time in seconds since 1970."""

    hash: str
    time: int

    def __str__(self) -> str:
        return self.hash[:12]


def with_epoch(config: Config, notify: Notify) -> Config:
    """Return *config* with the epoch of its project: SOURCE_DATE_EPOCH, else its commit's time.

    Where ``sde`` is set, or the input is no project, nothing is looked up.

    :param notify: told where the time is not that of what is built
    :raises AsamanError: SOURCE_DATE_EPOCH is no time, or git does not answer
    """
    if config.project is None or config.sde is not None or config.commit_epoch is not None:
        return config
    if asked := dict(own_variables()).get(_VARIABLE):
        return _as_asked(config, asked)
    epoch, note = _of_commit(config.project, own_folders(config))
    if note:
        notify(Event(stage="note", state="note", note=note))
    return dataclasses.replace(config, commit_epoch=epoch)


def without_commit(config: Config) -> Config:
    """Return *config* for what is not the project: its build requirements have their own epoch."""
    return dataclasses.replace(config, commit_epoch=None)


def own_folders(config: Config) -> tuple[Path, ...]:
    """Return the folders of results and of the cache; what is in them is no part of a project."""
    return tuple(path.resolve() for path in (config.output, config.cache_dir) if path is not None)


def commit_of(top: Path) -> Commit | None:
    """Return the commit that is checked out in the working tree *top*, ``None`` before the first.

    :raises AsamanError: git does not answer
    """
    shown = git.run(top, "show", "--no-patch", "--no-show-signature", "--format=%H %ct", "HEAD")
    if shown.returncode:
        return None
    found, time = shown.stdout.split()
    return Commit(found.decode(), int(time))


def changed(top: Path, left_out: tuple[Path, ...]) -> list[str]:
    """Return the files in the working tree *top* that differ from its commit, or are not in it.

    :param left_out: folders of results, which do not count
    :raises AsamanError: git does not answer
    """
    listed = git.answer(top, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    found = [name[3:] for name in git.names(listed)]
    return [name for name in found if not is_within(top / name, left_out)]


def _as_asked(config: Config, asked: str) -> Config:
    try:
        return dataclasses.replace(config, sde=int(asked))
    except ValueError:
        raise AsamanError(_VARIABLE, f"{asked[:60]!a} is not a whole number") from None
    except AsamanError as error:
        raise AsamanError(_VARIABLE, error.why) from None


def _of_commit(project: Path, own: tuple[Path, ...]) -> tuple[int, str]:
    """Return the epoch of the project, and what is to be said of it."""
    top = git.top_of(project.resolve())
    commit = commit_of(top) if top is not None else None
    if top is None or commit is None:
        return DEFAULT_SOURCE_DATE_EPOCH, (
            f"no git commit: the source date epoch is {DEFAULT_SOURCE_DATE_EPOCH} (--sde)"
        )
    epoch = min(max(commit.time, EARLIEST_EPOCH), LATEST_EPOCH)
    when = utc(datetime.fromtimestamp(epoch, UTC))
    if epoch != commit.time:
        return epoch, f"the time of commit {commit} does not fit into a zip archive: {when} is used"
    if changed(top, own):
        return epoch, (
            f"uncommitted changes: the source date epoch is that of commit {commit}, {when}"
        )
    return epoch, ""
