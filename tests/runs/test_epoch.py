"""The source date epoch of a project, with real git."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import EARLIEST_EPOCH
from amrasaman_nox.runs.epoch import with_epoch, without_commit

from ..support.repositories import NEEDS_GIT, git, put

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Event

pytestmark = NEEDS_GIT

AT = 1600000000


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def commit(folder: Path, date: str) -> None:
    """Commit at *date*, by an author who wrote it a day before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", date)
        git(folder, "commit", "-q", "--allow-empty", "-m", "x", "--date", "2020-09-12T00:00:00Z")


def epoch(folder: Path, **changes: object) -> tuple[int, list[str]]:
    """Return the epoch of the project in *folder*, and the notes on it."""
    told: list[Event] = []
    config = dataclasses.replace(Config(project=folder, output=folder / "wheels"), **changes)
    return with_epoch(config, told.append).epoch, [event.note for event in told]


def test_it_is_the_time_of_the_committer(project: Path) -> None:
    commit(project, f"{AT} +0200")
    assert epoch(project) == (AT, [])
    assert epoch(project / "src") == (AT, [])


@pytest.mark.parametrize("name", ["pyproject.toml", "new.py"])
def test_uncommitted_changes_are_noted(project: Path, name: str) -> None:
    commit(project, f"{AT} +0000")
    put(project / name, "[project]\n")
    found, (note,) = epoch(project)
    assert found == AT
    assert "uncommitted changes" in note
    assert "2020-09-13T12:26:40Z" in note


def test_results_and_what_is_ignored_are_no_changes(project: Path) -> None:
    commit(project, f"{AT} +0000")
    for name in ("wheels/p.whl", "a.log"):
        put(project / name)
    assert epoch(project) == (AT, [])


def test_without_git_it_is_that_of_pins(tmp_path: Path) -> None:
    found, (note,) = epoch(tmp_path)
    assert found == 1309379017
    assert "no git commit" in note
    git(tmp_path, "init", "-q")
    assert epoch(tmp_path)[0] == 1309379017


def test_what_is_asked_for_counts_first(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1400000000")
    assert epoch(project) == (1400000000, [])
    assert epoch(project, sde=1309379017) == (1309379017, [])
    # That of a shell has no say in what is pinned.
    assert epoch(project, project=None, requirement=project / "r.txt") == (1309379017, [])


@pytest.mark.parametrize("text", ["now", "1.5", "1"])
def test_a_variable_that_is_no_time_is_an_error(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(AsamanError, match=r"SOURCE_DATE_EPOCH: .*"):
        epoch(project)


def test_a_time_that_no_zip_has_is_the_nearest_one(project: Path) -> None:
    commit(project, "100000000 +0000")
    found, (note,) = epoch(project)
    assert found == EARLIEST_EPOCH
    assert "does not fit" in note


def test_build_requirements_keep_their_own() -> None:
    assert without_commit(Config(commit_epoch=AT)).epoch == 1309379017
    assert without_commit(Config(commit_epoch=AT, sde=AT)).epoch == AT
