"""Where builds run: however many at a time, the bytes are the same."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records

from ..support import miniatures
from ..support.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.index import LocalIndex


pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


@pytest.fixture
def bench(tmp_path: Path, index: LocalIndex) -> Bench:
    miniatures.fill(index)
    return Bench(tmp_path / "bench", index.url, tmp_path / "cache", index)


def pins(bench: Bench, *names: str) -> str:
    assert bench.index is not None
    return bench.write(*(miniatures.add(bench.index, name) for name in names))


def comparable(folder: Path) -> dict[str, object]:
    return {
        path.name: records.comparable(json.loads(path.read_text()))
        for path in folder.glob("*.provenance.json")
    }


def test_one_build_at_a_time_and_eight_give_the_same_bytes(bench: Bench) -> None:
    requirements = pins(bench, *miniatures.MINIATURES)
    found = []
    for jobs in ("1", "8"):
        own = dataclasses.replace(bench, cache=bench.folder / f"cache-{jobs}")
        lock = f"{jobs}.toml"
        done = own.asaman("-r", requirements, "-o", jobs, "-j", jobs, "--lock", lock)
        assert done.returncode == 0, done.stderr
        folder = bench.folder / jobs
        text = (bench.folder / lock).read_text()
        found.append((bench.hashes(folder), comparable(folder), text))
    assert len(found[0][0]) == len(miniatures.MINIATURES)
    assert found[0] == found[1]
