"""What the tests of releases share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.repositories import repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a repository with two commits, a tag on the first one, and an ignored pattern."""
    return repository(tmp_path / "project")
