"""The copy of a working tree, with real git."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.runs.tree import copy_tree

from ..support.repositories import NEEDS_GIT, git, put

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = NEEDS_GIT


def copied(folder: Path, tmp_path: Path, *, output: Path | None = None) -> Path:
    destination = tmp_path / "copy"
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir()
    found = copy_tree(folder, destination, left_out=[output or tmp_path / "nowhere"])
    return destination / found.project


def files_in(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not path.is_dir() and ".git" not in path.relative_to(folder).parts
    }


def describe(folder: Path) -> str:
    return git(folder, "describe", "--tags", "--long", "--dirty")


@pytest.mark.parametrize("name", ["venv", ".venv", "node_modules", "build", "dist", "wheels"])
def test_a_tracked_folder_is_copied_whatever_its_name(
    project: Path, tmp_path: Path, name: str
) -> None:
    put(project / "src" / name / "__init__.py", "y = 2\n")
    put(project / name / "kept.txt", "kept")
    git(project, "add", "-f", "-A")
    git(project, "commit", "-qm", "three")
    there = copied(project, tmp_path, output=project / "wheels")
    assert {f"src/{name}/__init__.py", f"{name}/kept.txt"} <= files_in(there)


def test_untracked_files_are_copied_and_ignored_ones_and_results_are_not(
    project: Path, tmp_path: Path
) -> None:
    put(project / "new.py")
    put(project / "debug.log")
    put(project / "ignored" / "large.bin")
    put(project / "wheels" / "p-1.0-py3-none-any.whl")
    there = copied(project, tmp_path, output=project / "wheels")
    assert files_in(there) == {"pyproject.toml", ".gitignore", "src/p.py", "new.py"}


def test_the_version_that_git_describes_is_the_same_in_the_copy(
    project: Path, tmp_path: Path
) -> None:
    there = copied(project, tmp_path)
    assert describe(there) == describe(project)
    assert git(there, "status", "--porcelain") == ""
    assert git(there, "rev-parse", "--abbrev-ref", "HEAD") == "main"


@pytest.mark.parametrize("change", ["modified", "staged", "new", "removed", "renamed"])
def test_a_changed_tree_is_as_dirty_in_the_copy(project: Path, tmp_path: Path, change: str) -> None:
    source = project / "src" / "p.py"
    if change == "modified":
        source.write_text("x = 2\n")
    elif change == "staged":
        source.write_text("x = 3\n")
        git(project, "add", "-A")
        source.write_text("x = 4\n")
    elif change == "new":
        put(project / "staged.py", "z = 1\n")
        git(project, "add", "staged.py")
    elif change == "removed":
        source.unlink()
    else:
        git(project, "mv", "src/p.py", "src/q.py")
    there = copied(project, tmp_path)
    for question in (("status", "--porcelain"), ("diff",), ("diff", "--cached")):
        assert git(there, *question) == git(project, *question)


def _shared(project: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", "--shared", str(project), "other")
    return tmp_path / "other"


def _worktree(project: Path, tmp_path: Path) -> Path:
    git(project, "worktree", "add", "-q", "-b", "feature", str(tmp_path / "other"))
    put(tmp_path / "other" / "more.py")
    git(tmp_path / "other", "add", "-A")
    git(tmp_path / "other", "commit", "-qm", "three")
    return tmp_path / "other"


def _shallow(project: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", "--depth", "1", project.as_uri(), "other")
    return tmp_path / "other"


def _detached(project: Path, tmp_path: Path) -> Path:
    git(project, "checkout", "-q", "v1.0")
    return project


def _separate(project: Path, tmp_path: Path) -> Path:
    git(
        tmp_path, "clone", "-q", "--separate-git-dir", str(tmp_path / "kept"), str(project), "other"
    )
    return tmp_path / "other"


@pytest.mark.parametrize("made", [_shared, _worktree, _shallow, _detached, _separate])
def test_any_form_of_repository_gives_a_copy_that_is_independent(
    project: Path, tmp_path: Path, made
) -> None:
    folder = made(project, tmp_path)
    expected = git(folder, "describe", "--tags", "--long", "--always", "--dirty")
    there = copied(folder, tmp_path)
    for origin in {project, folder} - {tmp_path}:
        shutil.move(origin, tmp_path / f"away-{origin.name}")
    assert git(there, "describe", "--tags", "--long", "--always", "--dirty") == expected
    assert git(there, "fsck", "--connectivity-only") == ""
    assert (there / ".git").is_dir()


def test_a_project_in_a_subfolder_is_copied_with_the_repository_around_it(
    project: Path, tmp_path: Path
) -> None:
    put(project / "packages" / "sub" / "pyproject.toml")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "three")
    there = copied(project / "packages" / "sub", tmp_path)
    assert there == tmp_path / "copy" / "packages" / "sub"
    assert (there / "pyproject.toml").is_file()
    assert describe(there) == describe(project)


def test_submodules_are_copied_with_repositories_of_their_own(
    project: Path, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    shutil.copytree(project, inner)
    git(project, "submodule", "add", "-q", str(inner), "vendor/inner")
    git(project, "commit", "-qm", "three")
    there = copied(project, tmp_path)
    shutil.move(project, tmp_path / "away")
    assert "vendor/inner/src/p.py" in files_in(there)
    assert describe(there / "vendor" / "inner").startswith("v1.0-1-")
    assert git(there, "status", "--porcelain") == ""


def test_a_submodule_that_is_not_there_is_an_empty_folder(project: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    shutil.copytree(project, inner)
    git(project, "submodule", "add", "-q", str(inner), "vendor/inner")
    git(project, "commit", "-qm", "three")
    git(tmp_path, "clone", "-q", str(project), "other")
    there = copied(tmp_path / "other", tmp_path)
    assert list((there / "vendor" / "inner").iterdir()) == []


def test_a_repository_without_commits_is_copied(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    put(folder / "pyproject.toml")
    assert files_in(copied(folder, tmp_path)) == {"pyproject.toml"}


def test_links_and_modes_stay_and_pipes_are_named(project: Path, tmp_path: Path) -> None:
    put(project / "run.sh", "#!/bin/sh\n")
    (project / "run.sh").chmod(0o755)
    (project / "link").symlink_to("pyproject.toml")
    plain = tmp_path / "plain"
    shutil.copytree(project, plain, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    os.mkfifo(plain / "pipe")
    for folder in (project, plain):
        destination = tmp_path / f"copy-{folder.name}"
        destination.mkdir()
        found = copy_tree(folder, destination, left_out=[tmp_path / "nowhere"])
        assert os.access(destination / "run.sh", os.X_OK)
        assert (destination / "link").readlink().name == "pyproject.toml"
        assert [note for note in found.notes if "pipe" in note] == list(found.notes)
    assert found.notes


def test_without_git_virtual_environments_and_leftovers_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    for name in (
        *("pyproject.toml", "src/hatch/venv/__init__.py", "src/node_modules/x.py"),
        *("env/pyvenv.cfg", "env/lib/x.py", "build/lib/p.py", "dist/p-1.0.tar.gz"),
        *("p.egg-info/PKG-INFO", ".nox/x", "wheels/x.whl"),
    ):
        put(folder / name)
    there = copied(folder, tmp_path, output=folder / "wheels")
    assert files_in(there) == {
        "pyproject.toml",
        "src/hatch/venv/__init__.py",
        "src/node_modules/x.py",
    }


@pytest.mark.parametrize("name", ["build/__init__.py", "dist/data.json"])
def test_without_git_a_folder_of_the_project_is_no_leftover(tmp_path: Path, name: str) -> None:
    put(tmp_path / "project" / name)
    assert name in files_in(copied(tmp_path / "project", tmp_path))


@pytest.mark.parametrize("with_git", [True, False])
@pytest.mark.parametrize("through_link", [True, False])
def test_a_cache_in_the_project_is_not_copied_into_itself(
    project: Path, tmp_path: Path, with_git: bool, through_link: bool
) -> None:
    if not with_git:
        shutil.rmtree(project / ".git")
    put(project / "cache" / "files" / "one")
    destination = project / "cache" / "tmp" / "source"
    destination.mkdir(parents=True)
    named = project
    if through_link:
        named = tmp_path / "link"
        named.symlink_to(project)
    copy_tree(named, destination, left_out=[named / "wheels", named / "cache"])
    assert files_in(destination) == {".gitignore", "pyproject.toml", "src/p.py"}


def test_variables_of_git_do_not_lead_to_another_repository(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nothing"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
    assert "src/p.py" in files_in(copied(project, tmp_path))


def test_a_repository_that_is_broken_is_one_line(project: Path, tmp_path: Path) -> None:
    (project / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (project / ".git" / "index").write_bytes(b"nonsense")
    with pytest.raises(AsamanError, match=r"git ls-files failed: .*index") as caught:
        copied(project, tmp_path)
    assert "\n" not in str(caught.value)


def test_hashes_are_as_short_as_in_a_repository_with_more_objects(
    project: Path, tmp_path: Path
) -> None:
    git(project, "config", "core.abbrev", "15")
    assert describe(copied(project, tmp_path)) == describe(project)
    assert len(describe(project).rpartition("-g")[2]) == 15
