"""Projects whose version comes from git, with the real plugins."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import amrasaman_nox
from amrasaman_nox import Config

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.online

SCM = """
[build-system]
requires = ["setuptools>=64", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[project]
name = "versioned"
dynamic = ["version"]
[tool.setuptools_scm]
root = "{root}"
[tool.setuptools]
py-modules = ["versioned"]
"""
HATCH = """
[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"
[project]
name = "versioned"
dynamic = ["version"]
[tool.hatch.version]
source = "vcs"
[tool.hatch.build]
include = ["versioned.py"]
"""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ("git", *who, *arguments), cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("pyproject", "place"),
    [(SCM.format(root="."), "."), (SCM.format(root=".."), "package"), (HATCH, ".")],
    ids=["setuptools-scm", "setuptools-scm in a subfolder", "hatch-vcs"],
)
@pytest.mark.parametrize("kind", ["clone --shared", "worktree"])
def test_the_version_is_the_one_outside(
    tmp_path: Path, pyproject: str, place: str, kind: str
) -> None:
    first = tmp_path / "first"
    project = first / place
    project.mkdir(parents=True)
    git(first, "init", "-q", "-b", "main")
    (project / "pyproject.toml").write_text(pyproject)
    (project / "versioned.py").write_text("x = 1\n")
    git(first, "add", "-A")
    git(first, "commit", "-qm", "one")
    git(first, "tag", "v2.5")
    git(first, "commit", "-qm", "two", "--allow-empty")
    commit = git(first, "rev-parse", "HEAD")
    second = tmp_path / "second"
    if kind == "worktree":
        git(first, "worktree", "add", "-q", "-b", "feature", str(second))
    else:
        git(tmp_path, "clone", "-q", "--shared", str(first), str(second))
    output = tmp_path / "wheels"
    report = amrasaman_nox.build_wheels(Config(project=second / place, output=output))
    assert not report.build.failures
    (record,) = report.build.records
    assert record.version == f"2.6.dev1+g{commit[:9]}"
