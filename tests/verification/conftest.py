from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.verification import verify

from ..support import defects
from .running import unheard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Event, Report

    from ..support.index import LocalIndex

    Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path, index: LocalIndex) -> Run:
    """Return a function that verifies with some options; sources go into the folder ``in``."""
    (tmp_path / "in").mkdir()

    def verified(*names: str, notify: Callable[[Event], None] = unheard, **given: Any) -> Report:
        for name in names:
            (tmp_path / "in" / f"{name}-1.0.tar.gz").write_bytes(defects.sdist_of(name))
        if names:
            given.setdefault("directory", tmp_path / "in")
        config = Config(
            **{
                "output": tmp_path / "wheels",
                "cache_dir": tmp_path / "cache",
                "lock": tmp_path / "lock.toml",
                "index_url": index.url,
                "jobs": 1,
                **given,
            }
        )
        return verify.verify(config, notify=notify)

    return verified
