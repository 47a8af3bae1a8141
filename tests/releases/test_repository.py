"""What git says of a release, with real git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.releases import repository
from amrasaman_nox.releases.facts import Built, Tree, tree_of

from ..support.repositories import NEEDS_GIT, git, put

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = NEEDS_GIT

SCM = '[build-system]\nrequires = ["setuptools_scm>=8"]\n'


def tree(folder: Path) -> Tree:
    return tree_of(Config(project=folder, output=folder / "wheels"))


def built(version: str = "1.0") -> Built:
    return Built(name="p", version=version, members=frozenset(), tags=(), metadata=b"")


def test_a_clean_tagged_tree_has_no_findings(project: Path) -> None:
    git(project, "tag", "v1.0.0", "-f")
    put(project / "wheels" / "a.whl")
    for check in (
        *(repository.check_git, repository.check_clean, repository.check_tag),
        *(repository.check_version, repository.check_shallow, repository.check_submodules),
    ):
        assert list(check(tree(project), built())) == []


def test_without_git_or_a_commit_there_is_nothing_to_release(tmp_path: Path) -> None:
    put(tmp_path / "pyproject.toml")
    assert "no git repository" in str(list(repository.check_git(tree(tmp_path), None)))
    git(tmp_path, "init", "-q")
    assert "no commit" in str(list(repository.check_git(tree(tmp_path), None)))
    assert list(repository.check_tag(tree(tmp_path), None)) == []


@pytest.mark.parametrize("name", ["src/p.py", "new.py"])
def test_what_is_not_committed_is_named(project: Path, name: str) -> None:
    put(project / name, "y = 1\n")
    ((what, fix),) = repository.check_clean(tree(project), None)
    assert name in what
    assert "git commit" in fix


def test_a_commit_without_a_tag_gets_the_command_for_one(project: Path) -> None:
    ((what, fix),) = repository.check_tag(tree(project), built("1.1"))
    assert "no tag" in what
    assert fix == "git tag -a v1.1 -m v1.1"


@pytest.mark.parametrize(
    ("former", "tag"), [("0.9", "1.1"), ("p-v0.9", "p-v1.1"), ("v0.9", "v1.1"), ("old", "v1.1")]
)
def test_the_tag_of_a_fix_is_named_as_the_newest_one(project: Path, former: str, tag: str) -> None:
    git(project, "tag", "--delete", *git(project, "tag").split())
    git(project, "tag", former)
    ((_, fix),) = repository.check_version(tree(project), built("1.1"))
    assert fix == f"set the version of the tag, or tag {tag}"
    git(project, "commit", "-q", "--allow-empty", "-m", "next")
    ((_, fix),) = repository.check_tag(tree(project), built("1.1"))
    assert fix == f"git tag -a {tag} -m {tag}"


def test_no_fix_tags_a_version_that_follows_from_the_tags(project: Path) -> None:
    git(project, "tag", "v1.0", "-f")
    put(project / "pyproject.toml", SCM)
    ((_, fix),) = repository.check_version(tree(project), built("1.1.dev0+g1.d2"))
    assert fix == "commit all changes, and tag that commit with the version"
    git(project, "commit", "-qam", "next")
    ((_, fix),) = repository.check_tag(tree(project), built("1.1.dev0+g1"))
    assert fix == "git tag -a vVERSION -m vVERSION"


@pytest.mark.parametrize(
    ("tag", "version", "same"),
    [
        ("v1.0", "1.0.0", True),
        ("1.0rc1", "1.0rc1", True),
        ("v1.0-rc.1", "1.0rc1", True),
        ("release-1.0", "1.0", True),
        ("name2/v1.0", "1.0", True),
        ("py3-tool-1.0", "1.0", True),
        ("2024.1", "2024.1", True),
        ("v1.0", "1.1", False),
        ("v1.0", "1.0.dev1", False),
        ("latest", "1.0", False),
        ("v11.0", "1.0", False),
    ],
)
def test_a_tag_names_a_version_behind_any_prefix(tag: str, version: str, same: bool) -> None:
    assert repository.names_version(tag, version) is same


def test_one_of_several_tags_is_enough(project: Path) -> None:
    git(project, "tag", "latest")
    ((what, _),) = repository.check_version(tree(project), built("1.1"))
    assert "1.1" in what
    assert "latest" in what
    git(project, "tag", "p-1.1")
    assert list(repository.check_version(tree(project), built("1.1"))) == []


@pytest.mark.parametrize(
    ("pyproject", "found"),
    [
        (SCM, True),
        ('[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n', True),
        ("[tool.poetry-dynamic-versioning]\nenable = true\n", True),
        ('[tool.pdm.version]\nsource = "scm"\n', True),
        ('[build-system]\nrequires = ["hatchling"]\n[tool.ruff]\n', False),
    ],
)
def test_a_shallow_clone_counts_where_the_version_comes_from_tags(
    project: Path, tmp_path: Path, pyproject: str, found: bool
) -> None:
    put(project / "pyproject.toml", pyproject)
    git(project, "commit", "-qam", "three")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{project}", "shallow")
    problems = list(repository.check_shallow(tree(tmp_path / "shallow"), None))
    assert bool(problems) is found
    assert list(repository.check_shallow(tree(project), None)) == []


def test_a_submodule_that_is_missing_or_elsewhere_is_named(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(project), "other")
    git(project, "submodule", "--quiet", "add", str(other), "part")
    git(project, "commit", "-qam", "with a part")
    assert list(repository.check_submodules(tree(project), None)) == []
    git(project / "part", "commit", "-q", "--allow-empty", "-m", "elsewhere")
    assert "part is at another commit" in str(
        list(repository.check_submodules(tree(project), None))
    )
    git(tmp_path, "clone", "-q", str(project), "without")
    without = list(repository.check_submodules(tree(tmp_path / "without"), None))
    assert "part is not checked out" in str(without)
