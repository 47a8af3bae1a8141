"""The installed command, interrupted and killed at any stage and any moment of a run."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import files

from ..support import miniatures
from ..support.index import altered
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support.bench import Bench
    from ..support.index import Handler

pytestmark = pytest.mark.slow

PROJECTS = Path(__file__).parents[1] / "projects" / "hostile"
STAGES = ("locating", "downloading", "resolving", "building")
#: How long a run may go on after it was interrupted, in seconds, on a machine that has time.
PROMPT = 2.0


def hang(handler: Handler, body: bytes) -> None:
    """Answer nothing for longer than anybody waits."""
    time.sleep(60)
    handler.close_connection = True


def hostile(name: str, attack: str, requires: tuple[str, ...] = ()) -> bytes:
    """Return an sdist whose backend does what an attack does."""
    names = {"backend.py": "backend", "wheel.py": "wheel", "attack.py": attack}
    contents: dict[str, bytes | str] = {
        path: (PROJECTS / f"{source}.py").read_bytes() for path, source in names.items()
    }
    return make_sdist(name, "1.0", contents, requires=requires, backend="backend", backend_path=".")


def prepared(cold: Bench, stage: str) -> None:
    """Write requirements whose run comes to *stage* and stays there."""
    assert cold.index is not None
    lines = miniatures.pins("mini-flit", "mini-setuptools")
    for name in ("slow-one", "slow-two"):
        sdist = hostile(name, "hangs", ("flit_core",) if stage == "resolving" else ())
        lines.append(miniatures.add_sdist(cold.index, name, sdist))
    pages = {
        "locating": ("simple/slow-one/", "simple/slow-two/"),
        "downloading": ("files/slow_one-1.0.tar.gz", "files/slow_two-1.0.tar.gz"),
        "resolving": ("simple/flit-core/",),
    }
    for page in pages.get(stage, ()):
        cold.index.always(page, hang)
    cold.write(*lines)
    (cold.folder / "temporary").mkdir()
    cold.variables["TMPDIR"] = str(cold.folder / "temporary")


def next_run_removes_all(cold: Bench) -> None:
    """Run once more, for what can be built; nothing of the run before is left then."""
    assert cold.index is not None
    cold.index._always.clear()
    cold.write(*miniatures.pins("mini-flit"))
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not descendants_of(cold), 5)
    assert not folders_of_runs(cold)


@contextlib.contextmanager
def started(
    cold: Bench, *arguments: str, word: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    command = [
        *(str(cold.programs / "asaman"), *word, "-r", "requirements.txt", *arguments),
        *("--index-url", cold.index_url, "--cache-dir", str(cold.cache)),
        # By it the processes of the builds are found.
        *("--env", f"RUN={cold.folder}"),
    ]
    with subprocess.Popen(
        command,
        cwd=cold.folder,
        env=cold.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def reached(cold: Bench, stage: str) -> bool:
    """Return whether the run has come to *stage*."""
    assert cold.index is not None
    pages = {"locating": "simple/slow-one/", "downloading": "files/slow_one-1.0.tar.gz"}
    if stage == "building":
        return len([path for path in descendants_of(cold) if "hook.py" in path]) > 1
    return bool(cold.index.requested(pages.get(stage, "simple/flit-core/")))


def descendants_of(cold: Bench) -> list[str]:
    """Return the command lines of all processes of this run, by what they know of it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (path / "cmdline").read_bytes()
            known = line + (path / "environ").read_bytes()
            if any(str(mark).encode() in known for mark in (cold.folder, cold.cache)):
                found.append(line.replace(b"\0", b" ").decode())
    return found


def folders_of_runs(cold: Bench) -> list[Path]:
    """Return what runs have left in their temporary places."""
    places = (cold.cache / "tmp", cold.cache / "incoming", cold.folder / "temporary")
    found = [path for place in places for path in place.glob("*")]
    return [*found, *left_in_memory()]


def left_in_memory() -> list[Path]:
    """Return folders in memory whose run is dead; those of others that go on are locked."""
    left = []
    for path in files._MEMORY.glob(f"{files._IN_MEMORY}*.lock"):
        with contextlib.suppress(OSError), path.open("r+b") as file:
            if files.try_lock(file.fileno()):
                left.append(path)
    return left


def wait_for(condition: object, seconds: float) -> None:
    assert callable(condition)
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    assert condition()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupted_run_ends_at_once_and_leaves_nothing(
    cold: Bench, stage: str, number: signal.Signals
) -> None:
    prepared(cold, stage)
    with started(cold) as process:
        wait_for(lambda: reached(cold, stage), 60)
        at = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        took = time.monotonic() - at
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in err
    assert not descendants_of(cold)
    if stage != "downloading":
        # A thread that waits for a download is left, and its folders to the next run.
        assert not folders_of_runs(cold)
    assert took < PROMPT * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    next_run_removes_all(cold)


def test_an_interrupted_run_writes_its_reports_with_what_is_known(cold: Bench) -> None:
    prepared(cold, "building")
    reports = ("--json", "report.json", "--markdown", "report.md", "--jobs", "4")
    with started(cold, *reports) as process:
        wait_for(lambda: len([*cold.wheels.glob("*.json")]) == 2, 60)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    report = json.loads((cold.folder / "report.json").read_text())
    assert {one["name"] for one in report["wheels"]} == {"mini-flit", "mini-setuptools"}
    assert report["failures"] == []
    assert "interrupted" in report["warnings"][0]
    assert "interrupted" in (cold.folder / "report.md").read_text()
    assert "mini-setuptools" in out
    assert err.splitlines()[-1] == "error: interrupted"


#: A backend whose wheel depends on the hash seed, and whose builds take a second.
_UNSTEADY = """
import time
from flit_core.buildapi import *
from flit_core import buildapi

def build_wheel(*arguments):
    time.sleep(1)
    with open("unsteady.py", "w") as file:
        file.write(f"'hash' {hash('x')}")
    return buildapi.build_wheel(*arguments)
"""


def test_an_interrupted_verify_says_what_it_knows_and_not_that_rebuilds_failed(
    cold: Bench,
) -> None:
    assert cold.index is not None
    sdist = make_sdist(
        "unsteady",
        "1.0",
        {"backend.py": _UNSTEADY, "unsteady.py": "'a module'"},
        requires=("flit_core",),
        backend="backend",
        backend_path=".",
    )
    cold.write(miniatures.add_sdist(cold.index, "unsteady", sdist))
    with started(cold, "--verbose", "--json", "report.json", word=("verify",)) as process:
        assert process.stderr is not None
        err = ""
        while "searching for the cause: build 2 of about" not in err:
            line = process.stderr.readline()
            assert line, err
            err += line
        process.send_signal(signal.SIGTERM)
        out, rest = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "failed" not in err + rest
    assert "unsteady" in out
    report = json.loads((cold.folder / "report.json").read_text())
    (compared,) = report["comparisons"]
    assert compared["verdict"] == "different"
    assert compared["reason"].startswith("interrupted while searching for the cause, in build 2 ")


def test_a_run_that_waits_for_the_network_writes_its_reports_when_interrupted(
    cold: Bench,
) -> None:
    prepared(cold, "downloading")
    with started(cold, "--json", "report.json") as process:
        wait_for(lambda: reached(cold, "downloading"), 60)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads((cold.folder / "report.json").read_text())["wheels"] == []


def test_a_file_with_another_hash_ends_the_run_though_the_index_leaves_another_question_open(
    cold: Bench,
) -> None:
    assert cold.index is not None

    def late(handler: Handler, body: bytes) -> None:
        wait_for(lambda: reached(cold, "resolving"), 20)
        altered(handler, body)

    lines = miniatures.pins("mini-flit")
    lines.append(miniatures.add_sdist(cold.index, "bad", make_sdist("bad", "1.0")))
    cold.index.always("files/bad-1.0.tar.gz", late)
    cold.index.always("simple/flit-core/", hang)
    cold.write(*lines)
    with started(cold) as process:
        _, err = process.communicate(timeout=40)
    assert process.returncode == 2, err
    assert "bad-1.0.tar.gz: hash mismatch" in err
    assert "Traceback" not in err
    assert not descendants_of(cold)


@pytest.mark.parametrize("moment", range(10))
def test_a_killed_run_leaves_no_process_and_nothing_that_the_next_does_not_remove(
    cold: Bench, moment: int
) -> None:
    prepared(cold, "building")
    delay = random.Random(moment).uniform(0.3, 3.0)
    with started(cold) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    # The index client works on for as long as it is asked for: it is no foreign code.
    wait_for(lambda: not [line for line in descendants_of(cold) if "hook.py" in line], 3)
    next_run_removes_all(cold)
