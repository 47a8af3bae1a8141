"""Runs in parts, and what brings the parts together."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from ..support import miniatures
from ..support.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.index import LocalIndex


@pytest.mark.sandbox
@pytest.mark.slow
def test_parts_that_are_merged_are_what_one_run_builds(tmp_path: Path, index: LocalIndex) -> None:
    miniatures.fill(index)
    bench = Bench(tmp_path / "bench", index.url, tmp_path / "cache", index)
    names = ("mini-flit", "mini-dynamic", "mini-in-tree", "mini-hatch")
    bench.write(*(miniatures.add(index, name) for name in names))
    for number in (1, 2, 3, 4, 5):
        # Each on a machine of its own.
        part = dataclasses.replace(bench, cache=tmp_path / f"cache-{number}")
        arguments = ("-r", "requirements.txt", "--shard", f"{number}/5", "-o", f"part-{number}")
        done = part.asaman(*arguments)
        assert done.returncode == 0, done.stderr
    assert not (bench.folder / "requirements.build-lock.toml").exists()
    parts = [f"part-{number}" for number in (3, 1, 5, 2, 4)]
    lock = ("--lock", "requirements.build-lock.toml")
    done = bench.run("asaman", "merge", *parts, "-o", "wheels", *lock, "--json", "merged.json")
    assert done.returncode == 0, done.stderr
    assert "4 merged" in done.stdout
    report = json.loads((bench.folder / "merged.json").read_text())
    assert {wheel["state"] for wheel in report["wheels"]} == {"merged"}
    done = bench.generate("requirements.txt")
    assert done.returncode == 0, done.stderr

    # One run, with the lock that was merged, needs nothing more.
    done = bench.asaman("-r", "requirements.txt", "--locked", "-o", "whole")
    assert done.returncode == 0, done.stderr
    assert bench.hashes(bench.folder / "whole") == bench.hashes()


def test_a_scheduler_without_its_executor_is_said_not_to_be_used(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    done = bench.asaman("-r", "requirements.txt", "--scheduler", "tcp://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert "--scheduler tcp://127.0.0.1:1 is ignored: it requires --executor dask" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-r", "r.txt", "--shard", "0/5"], "0/5 is out of range"),
        (["-r", "r.txt", "--shard", "6/5"], "6/5 is out of range"),
        (["-r", "r.txt", "--shard", "2"], "'2' is not K/N, such as 2/5"),
        (["-r", "r.txt", "--shard", "a/b"], "is not K/N"),
        (["merge"], "missing argument DIRECTORY"),
        (["merge", "-o", "out"], "missing argument DIRECTORY"),
        (["-r", "r.txt", "--executor", "dask"], "requires a scheduler"),
        (["-r", "r.txt", "--executor", "ray"], "'ray' is not one of local, dask"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    arguments: list[str], reason: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path / "bench", "http://127.0.0.1:1/simple/", tmp_path / "cache")
    done = bench.run("asaman", *arguments)
    assert done.returncode in {2, 4}
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
