"""Real wheels from nothing but their records: another folder, an empty cache, another home."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from amrasaman_nox import records

from ..support.bench import Bench

pytestmark = [pytest.mark.online, pytest.mark.slow, pytest.mark.long]

LISTS = Path(__file__).parents[1] / "evaluation"


@pytest.mark.parametrize("name", ["benchmark-29.txt", "compiled.txt"])
def test_the_record_of_each_source_gives_the_same_wheel(name: str, tmp_path: Path) -> None:
    one = Bench(tmp_path / "one", "", tmp_path / "cache-one", patience=3600)
    shutil.copy(LISTS / name, one.folder / "r.txt")
    done = one.asaman("-r", "r.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    two = Bench(tmp_path / "two", "", tmp_path / "cache-two", patience=3600)
    (two.folder / "records").mkdir()
    for record in one.wheels.glob(f"*{records.SUFFIX}"):
        shutil.copy(record, two.folder / "records")
    done = two.asaman("rebuild", "records", "--json", "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((two.folder / "report.json").read_text())["comparisons"]
    assert {each["verdict"] for each in found} == {"identical"}
    assert two.hashes() == one.hashes()
