from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from amrasaman_nox import files
from amrasaman_nox.errors import AsamanError

_HOLD = """
import pathlib
from amrasaman_nox import files
files._MEMORY = pathlib.Path({parent!r})
with files.{kind} as made:
    print(made, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_private_and_gone_after_an_error(parent: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), files.folder() as made:
        assert stat.S_IMODE(Path(made).stat().st_mode) == 0o700
        (Path(made) / "file").touch()
        raise ZeroDivisionError
    assert not list(parent.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_a_folder_is_private_whatever_the_umask(umask: int, parent: Path) -> None:
    former = os.umask(umask)
    try:
        with files.folder() as made:
            assert stat.S_IMODE(Path(made).stat().st_mode) == 0o700
            assert sorted(parent.iterdir()) == [made, Path(f"{made}.lock")]
    finally:
        os.umask(former)
    assert not list(parent.iterdir())


def test_a_folder_that_cannot_be_made_leaves_no_lock(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(OSError, match="full"), files.folder():
        pass
    assert not list(parent.iterdir())


def test_a_folder_that_another_run_sweeps_before_it_is_locked_is_made_again(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []
    try_lock = files.try_lock

    def late(number: int) -> bool:
        # What is swept before there is a folder of its own.
        if not swept and any(parent.iterdir()):
            swept.extend(parent.iterdir())
            swept[0].unlink()
        return try_lock(number)

    monkeypatch.setattr(files, "try_lock", late)
    with files.folder() as folder:
        assert folder.is_dir()
        assert swept[0].name != f"{folder.name}.lock"


@pytest.mark.parametrize("kind", ["folder()", "folder_in_memory(0)"])
def test_a_killed_run_s_folder_is_swept_and_a_live_one_s_is_not(
    parent: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(files, "_MEMORY", parent)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _HOLD.format(kind=kind, parent=str(parent))],
            env={**os.environ, "TMPDIR": str(parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    folders = [Path(run.stdout.readline().strip()) for run in runs if run.stdout]
    (folders[0] / "file").touch()
    runs[0].send_signal(signal.SIGKILL)
    runs[0].wait()
    with files.folder():
        assert [folder.exists() for folder in folders] == [False, True]
    runs[1].communicate("\n")
    assert not list(parent.iterdir())
    for run in runs:
        for stream in (run.stdin, run.stdout):
            if stream is not None:
                stream.close()


@pytest.mark.parametrize("name", ["amrasaman-run-notes", "amrasaman-run-12345678.txt", "other"])
def test_what_has_another_name_is_left_alone(parent: Path, name: str) -> None:
    (parent / name).mkdir(mode=0o700)
    (parent / f"{name}.lock").touch()
    before = sorted(parent.iterdir())
    with files.folder():
        pass
    assert sorted(parent.iterdir()) == before


HEX = "0123456789abcdef01234567"


def test_of_a_link_the_link_goes_and_nothing_else(parent: Path) -> None:
    (parent / "other").mkdir()
    (parent / "other" / "file").touch()
    (parent / f"amrasaman-run-{HEX}").symlink_to(parent / "other")
    with files.folder():
        pass
    assert list(parent.iterdir()) == [parent / "other"]
    assert (parent / "other" / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives folders away")
@pytest.mark.parametrize("suffix", ["", ".lock"])
def test_what_another_user_has_made_is_left_alone(parent: Path, suffix: str) -> None:
    path = parent / f"amrasaman-run-{HEX}{suffix}"
    path.mkdir()
    os.chown(path, 12345, 12345)
    before = sorted(parent.iterdir())
    with files.folder():
        pass
    assert sorted(parent.iterdir()) == before


def test_what_the_standard_library_makes_is_in_it_for_a_while(parent: Path) -> None:
    with files.for_this_process(), files.for_this_process():
        made = Path(tempfile.mkdtemp())
        assert made.parent != parent
        assert made.is_relative_to(parent)
    assert tempfile.gettempdir() == str(parent)
    assert not list(parent.iterdir())


def test_a_file_that_a_killed_run_left_goes_and_one_in_use_stays(tmp_path: Path) -> None:
    left = tmp_path / ".a.whl.abcdefgh.amrasaman-new"
    left.write_bytes(b"half")
    other = tmp_path / ".a.whl.kept"
    other.touch()
    with files.beside(tmp_path / "a.whl") as (_, used):
        files.sweep_beside(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([used, other])
    assert list(tmp_path.iterdir()) == [other]


def test_git_ignores_what_is_in_a_new_folder_of_results(tmp_path: Path) -> None:
    files.make_results(tmp_path / "a/wheels")
    assert (tmp_path / "a/wheels/.gitignore").read_text() == "*\n"
    (tmp_path / "own").mkdir()
    files.make_results(tmp_path / "own")
    assert not list((tmp_path / "own").iterdir())


def test_a_regular_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert files.read_regular(path, 5, "what") == b"12345"
    for place, longest, why in (
        (path, 4, "what: longer than 4 bytes"),
        (tmp_path / "none", 5, "what: No such file or directory"),
    ):
        with pytest.raises(AsamanError) as caught:
            files.read_regular(place, longest, "what")
        assert str(caught.value) == why
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AsamanError, match="what: "):
        files.read_regular(tmp_path / "pipe", 5, "what")
