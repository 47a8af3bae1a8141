"""Runs in parts, and what brings the parts together."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.build_lock.file import read_lock, write_lock
from amrasaman_nox.builds import shard
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildLock,
    BuildRecord,
    Digest,
    LockedFile,
    LockEntry,
    Pin,
    Requirements,
    Source,
    Wheel,
)
from amrasaman_nox.runs import merge

from ..support import miniatures
from ..support.bench import Bench, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.index import LocalIndex

INTERPRETER = "cpython-3.11-linux-x86_64"


def requirements(*names: str) -> Requirements:
    pins = tuple(Pin(name=name, version="1.0") for name in names)
    return Requirements(kind="requirements", path="requirements.txt", pins=pins)


def parts_of(names: list[str], parts: int) -> list[set[str]]:
    whole = requirements(*names)
    return [
        {pin.name for pin in shard.part(whole, (number, parts)).pins}
        for number in range(1, parts + 1)
    ]


@pytest.mark.parametrize("parts", [1, 2, 5, 40])
def test_each_pin_is_in_exactly_one_part(parts: int) -> None:
    names = [f"project-{number}" for number in range(100)]
    found = parts_of(names, parts)
    assert sorted(name for part in found for name in part) == sorted(names)
    if parts <= 5:
        assert min(len(part) for part in found) > 60 // parts


def test_a_pin_stays_in_its_part_when_others_come_and_go() -> None:
    names = [f"project-{number}" for number in range(100)]
    before, after = parts_of(names, 5), parts_of([*names[20:], "new"], 5)
    for one, other in zip(before, after, strict=True):
        assert one - set(names[:20]) == other - {"new"}


def test_without_a_shard_it_is_the_whole() -> None:
    whole = requirements("b", "a")
    assert shard.part(whole, None) is whole


# --- merging ---------------------------------------------------------------------------------


def put(folder: Path, name: str, content: bytes = b"wheel", **changes: object) -> Path:
    """Put a wheel with its record into *folder*."""
    folder.mkdir(exist_ok=True)
    filename = f"{name}-1.0-py3-none-any.whl"
    digest = Digest.of(content)
    source = Source(
        pin=Pin(name=name, version="1.0"), filename=f"{name}-1.0.tar.gz", digest=Digest.of(b"s")
    )
    record = BuildRecord(
        name=name,
        version="1.0",
        wheel=Wheel(filename=filename, digest=digest, content_digest=digest, size=len(content)),
        source=source,
        key="k",
    )
    record = dataclasses.replace(record, **changes)  # type: ignore[arg-type]
    (folder / filename).write_bytes(content)
    (folder / f"{filename}{records.SUFFIX}").write_text(records.render(record))
    return folder / filename


def lock(folder: Path, name: str, **changes: object) -> None:
    entry = LockEntry(
        name=name,
        version="1.0",
        sdist=Digest.of(name.encode()),
        interpreter=INTERPRETER,
        files=(LockedFile(filename="flit_core-3.12.0-py3-none-any.whl", digest=Digest.of(b"f")),),
    )
    entry = dataclasses.replace(entry, **changes)  # type: ignore[arg-type]
    write_lock(folder / "build-lock.toml", BuildLock(entries=(entry,)))


def merged(output: Path, *folders: Path, **more: object) -> dict[str, tuple[object, ...]]:
    """Merge and return what is in the output folder, but for times."""
    config = Config(output=output, folders=folders, **more)  # type: ignore[arg-type]
    merge.merge(config)
    found = snapshot(output)
    return {path.removeprefix(str(output)): (facts[1], facts[3]) for path, facts in found.items()}


def test_merging_is_idempotent_and_its_order_does_not_matter(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    put(one, "a"), put(one, "b"), put(two, "c"), put(three, "d", b"other")
    # The same wheel twice, its records differing by the clock.
    put(two, "a", started=datetime(2024, 1, 1, tzinfo=UTC))
    lock(one, "a"), lock(two, "c"), lock(three, "d")
    whole = merged(tmp_path / "x", one, two, three)
    assert len(whole) == 2 * 4 + 1
    assert merged(tmp_path / "y", three, two, one) == whole
    assert merged(tmp_path / "z", one, one, two) != whole
    assert merged(tmp_path / "z", three) == whole
    before = snapshot(tmp_path / "x")
    assert merged(tmp_path / "x", two, one) == whole
    assert merged(tmp_path / "x", tmp_path / "x") == whole
    assert merged(tmp_path / "x", tmp_path / "y") == whole
    assert snapshot(tmp_path / "x") == before
    names = [entry.name for entry in read_lock(tmp_path / "x/build-lock.toml").entries]
    assert names == ["a", "c", "d"]


def test_the_lock_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    put(tmp_path / "one", "a")
    lock(tmp_path / "one", "a")
    lock(tmp_path, "b")
    target = tmp_path / "requirements.build-lock.toml"
    (tmp_path / "build-lock.toml").rename(target)
    merged(tmp_path / "x", tmp_path / "one", lock=target)
    assert [entry.name for entry in read_lock(target).entries] == ["a", "b"]
    assert not (tmp_path / "x/build-lock.toml").exists()


def test_two_different_wheels_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    first, second = put(tmp_path / "one", "a"), put(tmp_path / "two", "a", b"other")
    put(tmp_path / "two", "b")
    with pytest.raises(AsamanError) as caught:
        merged(tmp_path / "x", tmp_path / "two", tmp_path / "one")
    (line, *_) = caught.value.lines()
    assert f"{first} ({Digest.of(b'wheel')}) and {second} ({Digest.of(b'other')})" in line
    assert not (tmp_path / "x").exists()


def test_two_different_locks_of_one_source_are_an_error_that_names_both(tmp_path: Path) -> None:
    for name, requires in (("one", ("flit_core",)), ("two", ("flit_core>=3",))):
        put(tmp_path / name, name)
        lock(tmp_path / name, "a", static=requires)
    with pytest.raises(AsamanError, match=r"one/build-lock.toml and .*two/build-lock.toml"):
        merged(tmp_path / "x", tmp_path / "one", tmp_path / "two")
    assert not (tmp_path / "x").exists()


def test_only_wheels_that_records_vouch_for_are_taken(tmp_path: Path) -> None:
    one = tmp_path / "one"
    put(one, "a"), put(one, "b"), put(one, "c")
    (one / "b-1.0-py3-none-any.whl").write_bytes(b"changed since")
    (one / f"c-1.0-py3-none-any.whl{records.SUFFIX}").unlink()
    report = merge.merge(Config(output=tmp_path / "x", folders=(one,)))
    assert [record.name for record in report.build.records] == ["a"]
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        "a-1.0-py3-none-any.whl",
        f"a-1.0-py3-none-any.whl{records.SUFFIX}",
    ]
    assert [note.partition(":")[0] for note in report.build.notes] == ["left out"] * 2


def test_a_wheel_of_nobody_in_the_output_folder_is_not_replaced(tmp_path: Path) -> None:
    put(tmp_path / "one", "a"), put(tmp_path / "one", "b")
    output = tmp_path / "x"
    output.mkdir()
    (output / "a-1.0-py3-none-any.whl").write_bytes(b"mine")
    with pytest.raises(AsamanError, match="has no provenance record"):
        merged(output, tmp_path / "one")
    assert [path.name for path in output.iterdir()] == ["a-1.0-py3-none-any.whl"]


def test_every_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(AsamanError) as caught:
        merged(tmp_path / "x", tmp_path / "no", tmp_path / "neither")
    text = "\n".join(caught.value.lines())
    assert "/no: no such folder" in text
    assert "/neither: no such folder" in text


# --- the commands ----------------------------------------------------------------------------


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

    # One run, with the lock that was merged, needs nothing more and finds nothing to build.
    assert "kept 4" in bench.asaman("-r", "requirements.txt", "--locked").stderr
    shutil.rmtree(tmp_path / "cache")
    done = bench.asaman("-r", "requirements.txt", "--locked", "-o", "whole")
    assert done.returncode == 0, done.stderr
    assert bench.hashes(bench.folder / "whole") == bench.hashes()


def test_a_scheduler_without_its_executor_is_said_not_to_be_used(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    done = bench.asaman("-r", "requirements.txt", "--scheduler", "tcp://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert "builds run here, not at tcp://127.0.0.1:1: that takes --executor dask" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-r", "r.txt", "--shard", "0/5"], "0/5 is out of range"),
        (["-r", "r.txt", "--shard", "6/5"], "6/5 is out of range"),
        (["-r", "r.txt", "--shard", "2"], "'2' is not K/N, such as 2/5"),
        (["-r", "r.txt", "--shard", "a/b"], "is not K/N"),
        (["merge"], "missing argument DIRECTORY"),
        (["merge", "-o", "out"], "missing argument DIRECTORY"),
        (["-r", "r.txt", "--executor", "dask"], "no scheduler is named"),
        (["-r", "r.txt", "--executor", "ray"], "'ray' is none of local, dask"),
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
