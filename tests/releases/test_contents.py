"""What an sdist has beside what git tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.releases import contents
from amrasaman_nox.releases.facts import Built, Tree

from ..support.repositories import NEEDS_GIT, git, put

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = NEEDS_GIT


def built(*members: str) -> Built:
    return Built(name="p", version="1", members=frozenset(members), tags=(), metadata=b"")


def tree(folder: Path) -> Tree:
    return Tree(folder=folder, top=folder)


def test_what_git_does_not_track_is_named(project: Path) -> None:
    put(project / "secret.txt")
    put(project / "p.egg-info" / "PKG-INFO")
    made = built("secret.txt", "PKG-INFO", "p.egg-info/PKG-INFO", "made_by_the_build.py")
    ((what, _),) = contents.check_untracked(tree(project), made)
    assert what == "the sdist has file secret.txt that git does not track"
    git(project, "add", "secret.txt")
    assert list(contents.check_untracked(tree(project), made)) == []


def left_out(project: Path) -> list[str]:
    made = built("pyproject.toml", "src/p.py")
    return [what for what, _ in contents.check_left_out(tree(project), made)]


def test_what_is_tracked_and_left_out_is_named_but_for_hidden_files(project: Path) -> None:
    put(project / ".github" / "ci.yml")
    git(project, "add", "-A")
    assert left_out(project) == []
    put(project / "docs" / "index.md")
    git(project, "add", "-A")
    assert left_out(project) == ["the sdist lacks tracked file docs/index.md"]


@pytest.mark.parametrize(
    "table",
    [
        '[tool.hatch.build.targets.sdist]\ninclude = ["src"]',
        '[tool.hatch.build]\nexclude = ["/docs"]',
        '[tool.flit.sdist]\nexclude = ["docs/**"]',
        '[tool.poetry]\nexclude = [{ path = "docs", format = "sdist" }]',
        '[tool.check-manifest]\nignore = ["docs/*.md"]',
    ],
)
def test_a_rule_of_the_backend_leaves_out(project: Path, table: str) -> None:
    put(project / "docs" / "index.md")
    put(project / "pyproject.toml", table)
    git(project, "add", "-A")
    assert left_out(project) == []


@pytest.mark.parametrize(
    ("line", "ruled"),
    [
        ("prune docs", True),
        ("recursive-exclude docs *.md", True),
        ("global-exclude *.md", True),
        ("exclude docs/index.md", True),
        ("prune tests", False),
        ("include README", False),
    ],
)
def test_a_line_of_the_manifest_leaves_out(project: Path, line: str, ruled: bool) -> None:
    put(project / "docs" / "index.md")
    put(project / "MANIFEST.in", f"{line}\nexclude MANIFEST.in\n")
    git(project, "add", "-A")
    assert (left_out(project) == []) is ruled
