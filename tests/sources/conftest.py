from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.index import LocalIndex, running_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "uv"


@pytest.fixture
def other_index() -> Iterator[LocalIndex]:
    with running_index() as running:
        yield running
