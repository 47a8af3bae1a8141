"""How what wheels are built from differs between two states of an input."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.changes import changes
from amrasaman_nox.build_lock.file import lock_path, write_lock
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildLock, Digest, LockedFile, LockEntry, PinChange

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Report


def state(folder: Path, pins: str, *tools: str) -> Path:
    """Write a requirements file, and a build lock in which each pin has all *tools*."""
    folder.mkdir(exist_ok=True)
    path = folder / "r.txt"
    lines, entries = [], []
    for name, version in (pin.split("==") for pin in pins.split()):
        digest = Digest.of(f"{name}{version}".encode())
        lines.append(f"{name}=={version.partition('+')[0]} --hash={digest}\n")
        files = (LockedFile(filename=f"{one}-py3-none-any.whl", digest=digest) for one in tools)
        entries.append(
            LockEntry(
                name=name,
                version=version,
                sdist=digest,
                interpreter="cpython-3.11",
                files=tuple(files),
                as_of=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    path.write_text("".join(lines))
    write_lock(lock_path(path), BuildLock(entries=tuple(entries)))
    return path


def compared(before: Path, after: Path, verdicts: Path | None = None) -> Report:
    config = Config(before=before, requirement=after, verdicts=verdicts)
    return changes(config, notify=lambda _: None)


def test_releases_pins_and_build_requirements_that_changed_are_named(tmp_path: Path) -> None:
    before = state(tmp_path / "b", "a==1 gone==1 same==1", "tool-1.0", "old-1.0")
    after = state(tmp_path / "a", "a==2 new==1 same==1", "tool-2.0", "more-1.0")
    tools = ("built with more 1.0", "built without old 1.0", "built with tool 2.0 (before: 1.0)")
    assert compared(before, after).changes == (
        PinChange(name="a", before="1", after="2", why=("another release", *tools)),
        PinChange(name="gone", before="1", after="", why=("no longer pinned",)),
        PinChange(name="new", before="", after="1", why=("not pinned before",)),
        PinChange(name="same", before="1", after="1", why=tools),
    )


def test_what_is_built_from_the_same_is_not_named(tmp_path: Path) -> None:
    after = state(tmp_path / "a", "a==1", "tool-1.0")
    assert compared(after, after).changes == ()
    assert [one.name for one in compared(tmp_path / "none.txt", after).changes] == ["a"]


def test_other_hashes_of_one_release_are_named(tmp_path: Path) -> None:
    before, after = state(tmp_path / "b", "a==1+x"), state(tmp_path / "a", "a==1+y")
    (one,) = compared(before, after).changes
    assert one.why == ("the same release with other hashes",)


def test_verdicts_come_from_the_report_of_a_verification(tmp_path: Path) -> None:
    report = tmp_path / "verify.json"
    rows = [("a", "2", "identical"), ("a", "2", "different"), ("a", "1", "failed")]
    keys = ("name", "version", "verdict")
    comparisons = [dict(zip(keys, row, strict=True)) for row in rows]
    report.write_text(json.dumps({"comparisons": comparisons}))
    before, after = state(tmp_path / "b", "a==1"), state(tmp_path / "a", "a==2")
    (one,) = compared(before, after, report).changes
    assert one.verdict == "different, identical"


@pytest.mark.parametrize("text", ["[]", "x", '{"comparisons": [1]}', '{"comparisons": [{}]}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    report = tmp_path / "verify.json"
    report.write_text(text)
    after = state(tmp_path / "a", "a==2")
    with pytest.raises(AsamanError, match="not a JSON report"):
        compared(after, after, report)
