"""libfaketime is compiled from its pinned sdist, where its wheel does not run."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.api import complete
from amrasaman_nox.config.config import Config
from amrasaman_nox.sandbox import clock as library
from amrasaman_nox.verification import clock

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Event

pytestmark = [pytest.mark.online, pytest.mark.slow]


def test_the_pinned_sdist_is_built_once_into_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for way in ("_packaged", "_of_system"):
        monkeypatch.setattr(library, way, lambda: ())
    notes: list[str] = []
    config = complete(Config(cache_dir=tmp_path / "cache"), folder=tmp_path)

    def heard(event: Event) -> None:
        notes.append(event.note)

    clock.provide(config, heard)
    assert notes == ["libfaketime varies the clock: compiling it"]
    found = library.library(tmp_path / "cache")
    assert found == str(library.compiled(tmp_path / "cache"))
    year = subprocess.run(
        ["/bin/date", "+%Y-%m-%d"],
        env={"LD_PRELOAD": found, "FAKETIME": "2040-02-29 12:00:00"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert year == "2040-02-29\n"
    clock.provide(config, heard)
    assert len(notes) == 1
