"""What the tests of runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.repositories import git, put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a repository with two commits, a tag on the first one, and an ignored pattern."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    put(folder / "pyproject.toml", "[project]\nname='p'\n")
    put(folder / ".gitignore", "*.log\nignored/\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "-a", "v1.0", "-m", "v1.0")
    put(folder / "src" / "p.py", "x = 1\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "two")
    return folder
