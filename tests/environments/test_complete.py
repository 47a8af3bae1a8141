from __future__ import annotations

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments import complete

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "made"
    (path / "deep").mkdir(parents=True)
    (path / "file").write_text("content")
    (path / "deep" / "other").write_text("more")
    return path


def restart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "boot").write_text(name)
    monkeypatch.setattr(complete, "_BOOT", tmp_path / "boot")


def test_a_folder_is_whole_once_it_was_noted(folder: Path) -> None:
    assert not complete.is_whole(folder)
    complete.note(folder)
    assert complete.is_whole(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "file").write_text("short"),
        lambda folder: (folder / "deep" / "other").unlink(),
        lambda folder: (folder / "another").write_text(""),
        lambda folder: (folder / "file").rename(folder / "renamed"),
    ],
    ids=["short", "missing", "another", "renamed"],
)
def test_after_a_restart_what_changed_is_not_whole(
    folder: Path,
    change: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    restart(monkeypatch, tmp_path, "one")
    complete.note(folder)
    restart(monkeypatch, tmp_path, "two")
    assert complete.is_whole(folder)
    restart(monkeypatch, tmp_path, "three")
    change(folder)
    assert not complete.is_whole(folder)


def test_since_the_start_of_the_machine_nothing_is_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    restart(monkeypatch, tmp_path, "one")
    complete.note(folder)
    monkeypatch.setattr(complete, "_listing", lambda folder: pytest.fail("it was listed"))
    assert complete.is_whole(folder)


def test_a_folder_that_is_gone_is_not_whole(folder: Path) -> None:
    complete.note(folder)
    shutil.rmtree(folder)
    assert not complete.is_whole(folder)


def test_it_can_be_looked_at_all_the_same(folder: Path) -> None:
    complete.note(folder)
    assert complete.is_whole(folder, looked_at=True)
    (folder / "file").unlink()
    assert complete.is_whole(folder)
    assert not complete.is_whole(folder, looked_at=True)


def test_all_that_look_at_once_after_a_restart_find_it_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    complete.note(folder)
    for number in range(50):
        restart(monkeypatch, tmp_path, f"boot {number}")
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(complete.is_whole, [folder] * 8))


def test_where_nothing_can_be_noted_it_is_whole_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    complete.note(folder)
    restart(monkeypatch, tmp_path, "another")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(complete, "_write", full)
    assert complete.is_whole(folder)


def test_where_the_start_is_unknown_it_is_looked_at_each_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(complete, "_BOOT", tmp_path / "missing")
    complete.note(folder)
    assert complete.is_whole(folder)
    (folder / "file").write_text("")
    assert not complete.is_whole(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"boot": "x"}', "null"])
def test_a_note_that_is_not_whole_itself_counts_for_nothing(folder: Path, content: str) -> None:
    (folder.parent / "made.complete").write_text(content)
    assert not complete.is_whole(folder)
