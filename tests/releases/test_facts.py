"""What the checks of a release look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.releases.facts import tree_of

from ..support.repositories import NEEDS_GIT, git

if TYPE_CHECKING:
    from pathlib import Path


@NEEDS_GIT
def test_a_tree_knows_its_commit_and_its_settings(project: Path) -> None:
    found = tree_of(Config(project=project, output=project / "wheels"))
    assert found.top == project
    assert found.commit is not None
    assert found.commit.hash == git(project, "rev-parse", "HEAD")
    assert found.pyproject["project"]["name"] == "p"
    assert found.own == (project / "wheels",)


def test_a_check_needs_a_project() -> None:
    with pytest.raises(AsamanError, match="no project"):
        tree_of(Config())
