from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ..support.index import LocalIndex, running_index
from ..support.projects import make_sdist
from .fetching import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..support.index import File


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "uv"


@pytest.fixture
def other_index() -> Iterator[LocalIndex]:
    with running_index() as running:
        yield running


@pytest.fixture
def sdist(index: LocalIndex) -> File:
    return index.add(make_sdist("one", "1.0", {"data": os.urandom(5000)}), NAME)
