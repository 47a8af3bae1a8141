"""Bringing the folders of several runs together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.build_lock.file import read_lock, write_lock
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildLock,
    BuildRecord,
    Digest,
    Interpreter,
    LockedFile,
    LockEntry,
    Pin,
    Source,
    Wheel,
)
from amrasaman_nox.runs import merge

from ..support.bench import snapshot
from ..test_records import record as example

if TYPE_CHECKING:
    from pathlib import Path


INTERPRETER = "cpython-3.11-linux-x86_64"


def put(
    folder: Path, name: str, content: bytes = b"wheel", tag: str = "py3-none-any", **changes: object
) -> Path:
    """Put a wheel with its record into *folder*."""
    folder.mkdir(exist_ok=True)
    filename = f"{name}-1.0-{tag}.whl"
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


def of(version: str = "3.11.2", platform: str = "linux-x86_64") -> Interpreter:
    own = example().interpreter
    assert own is not None
    return dataclasses.replace(own, version=version, platform=platform)


def test_two_different_wheels_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    first, second = put(tmp_path / "one", "a"), put(tmp_path / "two", "a", b"other")
    put(tmp_path / "two", "b")
    with pytest.raises(AsamanError) as caught:
        merged(tmp_path / "x", tmp_path / "two", tmp_path / "one")
    (line, *_) = caught.value.lines()
    assert f"{first} ({Digest.of(b'wheel')}) and {second} ({Digest.of(b'other')})" in line
    assert "two different wheels (from the same inputs): " in line
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (
            {"interpreter": of(), "requirements": (LockedFile(filename="s-1-py3-none-any.whl",
                                                              digest=Digest.of(b"s")),)},
            {"interpreter": of(), "isolation": "none"},
            "build requirement s 1 → none",
        ),
        (
            {"interpreter": of()},
            {"interpreter": of("3.11.7")},
            "interpreter cpython 3.11.2 linux-x86_64 → cpython 3.11.7 linux-x86_64",
        ),
        ({"interpreter": of()}, {"as_published": True}, "origin build → published wheel"),
    ],
)  # fmt: skip
def test_what_differs_first_in_the_inputs_of_two_wheels_is_named(
    ours: dict[str, object], theirs: dict[str, object], said: str, tmp_path: Path
) -> None:
    put(tmp_path / "one", "a", **ours), put(tmp_path / "two", "a", b"other", **theirs)
    with pytest.raises(AsamanError) as caught:
        merged(tmp_path / "x", tmp_path / "one", tmp_path / "two")
    assert f"two different wheels (first differing input: {said}): " in caught.value.lines()[0]


def test_of_wheels_of_several_interpreters_the_lowest_s_is_taken(tmp_path: Path) -> None:
    needs = (LockedFile(filename="s-2-py3-none-any.whl", digest=Digest.of(b"s")),)
    put(tmp_path / "new", "a", b"new", interpreter=of("3.13.0"), requirements=needs)
    put(tmp_path / "old", "a", b"old", interpreter=of("3.9.18"))
    put(tmp_path / "arm", "a", b"arm", interpreter=of("3.9.18", "macosx-14.0-arm64"))
    parts = [tmp_path / name for name in ("new", "arm", "old")]
    whole = merged(tmp_path / "x", *parts)
    assert merged(tmp_path / "y", *reversed(parts)) == whole
    assert (tmp_path / "x/a-1.0-py3-none-any.whl").read_bytes() == b"old"
    report = merge.merge(Config(output=tmp_path / "z", folders=tuple(parts)))
    assert [note for note in report.build.notes if "new/" in note] == [
        f"left out: {tmp_path}/new/a-1.0-py3-none-any.whl: it differs from that of "
        "cpython-3.9-linux-x86_64 (first differing input: build requirement s none → 2)"
    ]
    assert len(report.build.notes) == 2
    # A later part with a lower interpreter takes the place of what was merged before.
    put(tmp_path / "oldest", "a", b"oldest", interpreter=of("3.8.1"))
    merged(tmp_path / "x", tmp_path / "oldest")
    assert (tmp_path / "x/a-1.0-py3-none-any.whl").read_bytes() == b"oldest"


def test_two_wheels_of_one_interpreter_differ_whatever_a_lower_one_has(tmp_path: Path) -> None:
    put(tmp_path / "one", "a", b"one", interpreter=of("3.13.0"))
    put(tmp_path / "two", "a", b"two", interpreter=of("3.13.1"))
    put(tmp_path / "low", "a", b"low", interpreter=of("3.9.18"))
    with pytest.raises(AsamanError, match="two different wheels"):
        merged(tmp_path / "x", *(tmp_path / name for name in ("one", "two", "low")))


def test_a_release_that_lacks_a_platform_is_named(tmp_path: Path) -> None:
    put(tmp_path / "one", "a", interpreter=of())
    put(tmp_path / "one", "b", interpreter=of(), tag="cp311-cp311-linux_x86_64")
    # The same pure wheel of both: the other platform is known by its record alone.
    put(tmp_path / "two", "a", interpreter=of(platform="linux-aarch64"))
    folders = (tmp_path / "one", tmp_path / "two")
    report = merge.merge(Config(output=tmp_path / "x", folders=folders))
    assert report.build.notes == ("b 1.0 has no wheel for cpython-3.11-linux-aarch64",)


def test_two_different_locks_of_one_source_are_an_error_that_names_both(tmp_path: Path) -> None:
    for name, requires in (("one", ("flit_core",)), ("two", ("flit_core>=3",))):
        put(tmp_path / name, name)
        lock(tmp_path / name, "a", static=requires)
    with pytest.raises(AsamanError, match=r"one/build-lock.toml and .*two/build-lock.toml"):
        merged(tmp_path / "x", tmp_path / "one", tmp_path / "two")
    assert not (tmp_path / "x").exists()


def test_only_wheels_with_records_are_merged(tmp_path: Path) -> None:
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
