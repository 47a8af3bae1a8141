"""Repositories of real git."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NEEDS_GIT = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
WHO = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
NOWHERE = ("-c", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", *WHO, *NOWHERE, *arguments), cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def put(path: Path, content: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def repository(folder: Path) -> Path:
    """Make a repository: two commits, a tag on the first one, and an ignored pattern."""
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
