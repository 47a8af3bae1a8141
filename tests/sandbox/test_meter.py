"""What a build uses is measured on a process of this test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Limits
from amrasaman_nox.sandbox import meter
from amrasaman_nox.sandbox.meter import Meter, descendants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LIMITS: dict[str, Any] = {"processes": 0, "memory": 0, "disk": 0}


@contextlib.contextmanager
def running(code: str) -> Iterator[int]:
    """Run *code* under Python, until it says that it is ready; end it with what it started."""
    script = f"{code}\nprint('ready', flush=True)\nimport time\ntime.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, 9)


def measured(pid: int, folder: Path | None = None, **limits: Any) -> str:
    """Return the limit that the process passes, looked at without a pause."""
    found = Meter(
        pid=pid,
        folders=() if folder is None else (folder,),
        temporary=(),
        limits=Limits(**{**NO_LIMITS, **limits}),
    )
    return found.passed()


FORKS = "import os, time\nfor _ in range(3):\n    if os.fork() == 0: time.sleep(60)"


def test_processes_are_found_with_what_they_started() -> None:
    with running(FORKS) as pid:
        assert len(descendants(pid)) == 3
    assert descendants(pid) == []


def test_processes_and_threads_count_alike() -> None:
    threads = (
        "import threading, time\n"
        "for _ in range(3): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    for code in (FORKS, threads):
        with running(code) as pid:
            assert measured(pid, processes=4) == "process limit exceeded (4)"
            assert measured(pid, processes=5) == ""


def test_memory_that_forks_share_counts_once() -> None:
    code = "data = bytearray(60 << 20)\n" + FORKS
    with running(code) as pid:
        assert measured(pid, memory=30 << 20).startswith("memory")
        assert measured(pid, memory=150 << 20) == ""


def test_files_on_disk_count_in_blocks_and_names_of_one_file_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/file").write_bytes(os.urandom(1 << 20))
    os.link(tmp_path / "deep/file", tmp_path / "again")
    with running("") as pid:
        assert measured(pid, tmp_path, disk=1 << 19).startswith("disk")
        assert measured(pid, tmp_path, disk=(1 << 20) + (1 << 18)) == ""


def test_empty_files_count_too(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert meter._size([tmp_path], 1 << 30) == (100 * 512, False)
    assert meter._size([tmp_path], 1000)[0] <= 1000 + 512


@pytest.mark.skipif(os.geteuid() == 0, reason="root lists every folder")
def test_a_folder_that_cannot_be_listed_hides_something(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir(mode=0)
    assert meter._size([tmp_path], 1 << 30)[1]


@pytest.mark.parametrize("removed", [True, False])
def test_a_file_that_is_open_counts_where_no_folder_has_it(tmp_path: Path, removed: bool) -> None:
    code = (
        f"import os\nfile = open({str(tmp_path / 'gone')!r}, 'wb')\n"
        "file.write(os.urandom(1 << 20)); file.flush(); os.fsync(file.fileno())\n"
    ) + ("os.remove(file.name)" if removed else "")
    with running(code) as pid:
        assert measured(pid, disk=1 << 19).startswith("disk") == removed


def test_a_build_has_most_of_what_is_free_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "_free", lambda path: 1000)
    limits = Limits(**{**NO_LIMITS, "disk": 5000})
    found = Meter(pid=os.getpid(), folders=(tmp_path,), temporary=(), limits=limits)
    assert found.disk == 900


def test_a_build_that_has_most_of_what_was_free_fails_for_the_disk_and_not_for_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "_free", lambda path: 100 << 10)
    limits = Limits(**{**NO_LIMITS, "disk": 1 << 20})
    found = Meter(pid=os.getpid(), folders=(tmp_path,), temporary=(), limits=limits)
    assert found.passed() == ""
    (tmp_path / "file").write_bytes(os.urandom(200 << 10))
    found = Meter(pid=os.getpid(), folders=(tmp_path,), temporary=(), limits=limits)
    with pytest.raises(AsamanError, match="a build may use 90 KiB of what was free") as error:
        found.passed()
    assert error.value.code is ExitCode.INPUT_OUTPUT


def test_looking_takes_a_small_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def look(_: Meter, now: float) -> str:
        looked.append(now)
        time.sleep(0.02)
        return ""

    monkeypatch.setattr(Meter, "_look", look)
    found = Meter(pid=1, folders=(), temporary=(), limits=Limits(**NO_LIMITS))
    for _ in range(5):
        found.passed()
    assert len(looked) == 1
