"""What git is asked, with real git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sources import git

from ..support.repositories import NEEDS_GIT, put, repository
from ..support.repositories import git as really

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = NEEDS_GIT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a repository with two commits, a tag on the first one, and an ignored pattern."""
    return repository(tmp_path / "project")


def test_the_top_of_a_working_tree_is_found_from_below(project: Path, tmp_path: Path) -> None:
    assert git.top_of(project / "src") == git.top_of(project) == project
    assert git.top_of(tmp_path) is None


def test_a_folder_that_is_ignored_is_in_no_working_tree(project: Path) -> None:
    put(project / "ignored" / "pyproject.toml")
    assert git.top_of(project / "ignored") is None


def test_names_are_read_whatever_is_in_them(project: Path) -> None:
    put(project / "a b\n.py")
    really(project, "add", "-A")
    assert "a b\n.py" in git.names(git.answer(project, "ls-files", "-z"))


def test_what_git_refuses_is_one_line(project: Path) -> None:
    with pytest.raises(AsamanError, match="git rev-parse failed: Needed") as caught:
        git.line(project, "rev-parse", "--verify", "nowhere")
    assert "\n" not in str(caught.value)
