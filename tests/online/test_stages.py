"""Real build tools from source, twice: the same lock, the same wheels, the same records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.record_files import read_folder

from ..support.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.online, pytest.mark.slow, pytest.mark.long]

#: Pins of several backends: hatchling, flit-core, setuptools.
PINS = (
    "iniconfig==2.1.0 "
    "--hash=sha256:3abbd2e30b36733fee78f9c7f7308f2d0050e88f0087fd25c2645f63c773e1c7",
    "packaging==25.0 "
    "--hash=sha256:d443872c98d677bf60f6a1f2f8c1cb748e8fe762d2bf9d3148b5599295b0fc4f",
    "pluggy==1.6.0 --hash=sha256:7dcc130b76258d33b90f61b658791dede3486c3e6bfb003ee5c9bfb396dd22f3",
)
#: Build requirements of this day can be built without network; setuptools 80.7.1 cannot.
AS_OF = "2025-08-26T14:32:04Z"
A_YEAR_BEFORE = "2024-09-10"


def told(folder: Path, cache: Path, *more: str) -> dict[str, object]:
    bench = Bench(folder, "", cache, patience=1800)
    options = ("--as-of", AS_OF, "--json", "report.json", *more)
    done = bench.asaman("bootstrap", "-r", bench.write(*PINS), *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads((folder / "report.json").read_text())["bootstraps"]
    assert isinstance(found, dict)
    return found


def test_two_users_come_to_the_same_and_two_beginnings_end_alike(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    found = [told(folder, tmp_path / f"cache-{folder.name}") for folder in folders]
    assert found[0] == found[1]
    assert found[0]["fixed"] is True
    assert found[0]["seeds"] == []
    locks = [(folder / "requirements.bootstrap-lock.toml").read_text() for folder in folders]
    assert locks[0] == locks[1]
    kept = [
        {
            file.wheel.name: records.digest(file.record)
            for file in read_folder(folder / "wheels").files
        }
        for folder in folders
    ]
    assert kept[0] == kept[1]
    second = told(folders[0], tmp_path / "cache-one", "--diverse", A_YEAR_BEFORE)
    assert isinstance(second["diverse"], dict)
    assert second["diverse"]["different"] == []
