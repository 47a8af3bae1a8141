"""Builds on a cluster: a real scheduler, and workers with caches of their own."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records

from ..support import miniatures
from ..support.bench import BIN, Bench
from ..support.cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..support.index import LocalIndex


pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

#: Takes its time, so that a worker can be killed in the middle of it.
SLOW = """
from flit_core.buildapi import *
from flit_core import buildapi

def build_wheel(*args, **kwargs):
    import time
    time.sleep(1.5)
    return buildapi.build_wheel(*args, **kwargs)
"""
QUICK = ("mini-flit", "mini-dynamic", "mini-c")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    with running_cluster(tmp_path / "cluster") as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path, index: LocalIndex) -> Bench:
    miniatures.fill(index)
    return Bench(tmp_path / "bench", index.url, tmp_path / "cache", index)


def on(cluster: Cluster) -> tuple[str, ...]:
    return "--executor", "dask", "--scheduler", cluster.address


def pins(bench: Bench, *names: str) -> str:
    assert bench.index is not None
    return bench.write(*(miniatures.add(bench.index, name) for name in names))


def slow_pins(bench: Bench, count: int) -> str:
    assert bench.index is not None
    lines = []
    for number in range(count):
        name = f"slow-{number}"
        sdist = miniatures._in_tree(name, "1.0", SLOW)
        lines.append(miniatures.add_sdist(bench.index, name, sdist))
    return bench.write(*lines)


def comparable(folder: Path) -> dict[str, object]:
    return {
        path.name: records.comparable(json.loads(path.read_text()))
        for path in folder.glob("*.provenance.json")
    }


def assert_as_local(bench: Bench, requirements: str, count: int) -> None:
    """Build here, from an empty cache, and compare wheels byte for byte, and records."""
    own = dataclasses.replace(bench, cache=bench.folder / "own")
    done = own.asaman("-r", requirements, "-o", "local")
    assert done.returncode == 0, done.stderr
    local = bench.folder / "local"
    assert len(bench.hashes()) == count
    assert bench.hashes() == bench.hashes(local)
    assert comparable(bench.wheels) == comparable(local)


def test_several_workers_give_what_a_local_run_gives(bench: Bench, cluster: Cluster) -> None:
    for name in ("one", "two"):
        cluster.add_worker(name, threads=2)
    requirements = pins(bench, *miniatures.MINIATURES)
    done = bench.asaman("-r", requirements, *on(cluster))
    assert done.returncode == 0, done.stderr
    for name in ("one", "two"):
        # Each fetched into a cache of its own.
        assert any((cluster.folder / name / "amrasaman-nox/files/sha256").iterdir())
    assert_as_local(bench, requirements, len(miniatures.MINIATURES))


def test_what_a_killed_worker_was_building_is_built_by_another(
    bench: Bench, cluster: Cluster
) -> None:
    victim = cluster.add_worker("victim")
    requirements = slow_pins(bench, 6)
    killed = threading.Event()

    def kill() -> None:
        tmp = cluster.folder / "victim/amrasaman-nox/locks"
        while not (tmp.exists() and any("environment" in item.name for item in tmp.iterdir())):
            time.sleep(0.02)
        for name in ("one", "two"):
            cluster.add_worker(name)
        victim.send_signal(signal.SIGKILL)
        killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    done = bench.asaman("-r", requirements, *on(cluster))
    thread.join(60)
    assert killed.is_set()
    assert done.returncode == 0, done.stderr
    assert victim.wait(10) == -signal.SIGKILL
    assert "slow" in done.stdout
    assert_as_local(bench, requirements, 6)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("bytes", "hash mismatch: its record says"),
        ("key", "its record is of another job: the key differs"),
        ("other-interpreter", "another interpreter at"),
        ("less-isolation", "another rung of isolation: none, not"),
        ("other-version", "it has amrasaman-nox 0.0.1, but "),
        ("breaks", "MemoryError: none left"),
    ],
)
def test_a_worker_that_does_not_do_as_it_is_asked_is_named_and_its_job_goes_elsewhere(
    lie: str, reason: str, bench: Bench, cluster: Cluster
) -> None:
    cluster.add_worker("liar", lie=lie)
    requirements = pins(bench, *QUICK)
    # Alone, it has every job: nothing of it is taken.
    done = bench.asaman("-r", requirements, *on(cluster), "-o", "alone")
    assert done.returncode == 4, done.stderr
    assert reason in done.stderr
    assert not bench.hashes(bench.folder / "alone")
    assert not (bench.folder / "alone").exists() or not comparable(bench.folder / "alone")
    cluster.add_worker("honest")
    done = bench.asaman("-r", requirements, *on(cluster))
    assert done.returncode == 0, done.stderr
    assert_as_local(bench, requirements, len(QUICK))


#: A package of another version: its function has the same path, and its messages the same line.
OLDER = """
import json
def build_remotely(order):
    from distributed import get_worker
    asked = json.loads(order.partition(b"\\n")[0])
    versions = {**asked["versions"], "amrasaman-nox": "0.3.9"}
    line = json.dumps({"versions": versions, "worker": get_worker().address})
    return line.encode() + b"\\n" + b"cos\\nabort\\n)R."
"""
FUNCTION = "amrasaman_nox/runs/worker.py"
METADATA = "amrasaman_nox-0.dist-info/METADATA"


def package(folder: Path, files: dict[str, str]) -> Path:
    """Write a package that goes before the one that is installed, and return its folder."""
    for name, content in {"amrasaman_nox/__init__.py": "", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.mark.parametrize(
    ("files", "version"),
    [
        # As its metadata says, as its function does, and one without the function.
        ({FUNCTION: OLDER, METADATA: "Version: 0.3.9\n"}, "0.3.9"),
        ({FUNCTION: OLDER}, "0.3.9"),
        ({METADATA: "Version: 0.3.0\n"}, "0.3.0"),
    ],
)
def test_a_worker_of_another_version_is_one_line(
    files: dict[str, str], version: str, bench: Bench, cluster: Cluster
) -> None:
    cluster.add_worker("older", path=package(cluster.folder / "older-package", files))
    requirements = pins(bench, "mini-flit")
    done = bench.asaman("-r", requirements, *on(cluster), "-o", "none")
    assert done.returncode == 4, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    reason = f"it has amrasaman-nox {version}, but "
    assert reason in line
    assert "Traceback" not in done.stderr
    assert not bench.hashes(bench.folder / "none")
    cluster.add_worker("own")
    done = bench.asaman("-r", requirements, *on(cluster))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(reason) <= 1
    assert len(bench.hashes()) == 1


def test_a_job_that_kills_its_workers_is_given_up(bench: Bench, cluster: Cluster) -> None:
    for name in "abcdef":
        cluster.add_worker(name, lie="dies")
    done = bench.asaman("-r", pins(bench, "mini-flit"), *on(cluster))
    assert done.returncode == 4, done.stderr
    assert "every worker that built it died" in done.stderr


def test_bytes_that_a_worker_cannot_fetch_are_sent_along(bench: Bench, cluster: Cluster) -> None:
    assert bench.index is not None
    cluster.add_worker("one")
    file = bench.index.files["mini_flit-1.0.tar.gz"]
    (bench.folder / file.filename).write_bytes(file.data)
    done = bench.asaman("-s", file.filename, *on(cluster))
    assert done.returncode == 0, done.stderr
    assert len(bench.hashes()) == 1
    # Even where there is no index for the worker at all.
    bench.index.files.clear()
    arguments = ("-s", file.filename, *on(cluster), "--offline", "--rebuild")
    assert bench.asaman(*arguments).returncode == 0
    cluster.add_worker("two")
    cluster.processes[1].send_signal(signal.SIGKILL)
    cluster.processes[1].wait()
    done = bench.asaman(*arguments)
    assert done.returncode == 0, done.stderr


def test_a_build_that_fails_on_a_worker_fails_as_it_does_here(
    bench: Bench, cluster: Cluster
) -> None:
    assert bench.index is not None
    cluster.add_worker("one")
    sdist = miniatures._in_tree("broken", "1.0", "def build_wheel(*_, **__): raise OSError('no')")
    requirements = bench.write(miniatures.add_sdist(bench.index, "broken", sdist))
    there = bench.asaman("-r", requirements, *on(cluster))
    here = bench.asaman("-r", requirements)
    assert there.returncode == here.returncode == 3
    assert "OSError: no" in there.stderr
    errors = [
        [line for line in run.stderr.splitlines() if line.startswith("error:")]
        for run in (there, here)
    ]
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    ("address", "code", "reason"),
    [
        ("tcp://127.0.0.1:1", 5, "scheduler tcp://127.0.0.1:1: "),
        ("no://thing", 2, "scheduler no://thing: no: is not one of tcp, tls"),
    ],
)
def test_a_scheduler_that_does_not_answer_is_one_line(
    address: str, code: int, reason: str, bench: Bench
) -> None:
    pytest.importorskip("distributed")
    done = bench.asaman(
        "-r", pins(bench, "mini-flit"), "--executor", "dask", "--scheduler", address
    )
    assert done.returncode == code, done.stderr
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def start_slow(bench: Bench, cluster: Cluster) -> subprocess.Popen[str]:
    """Start a run of builds that take their time; return when one is under way on a worker."""
    cluster.add_worker("one")
    requirements = slow_pins(bench, 4)
    process = subprocess.Popen(
        [
            *(str(BIN / "asaman"), "-r", requirements, "--index-url", bench.index_url),
            *("--cache-dir", str(bench.cache), *on(cluster)),
        ],
        cwd=bench.folder,
        env=bench.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 60
    while not list((cluster.folder / "one/amrasaman-nox").glob("environments-*/*.complete")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


def test_a_run_on_a_cluster_can_be_interrupted(bench: Bench, cluster: Cluster) -> None:
    process = start_slow(bench, cluster)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert output.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in output


def test_the_end_of_the_scheduler_ends_the_run_in_one_line(bench: Bench, cluster: Cluster) -> None:
    process = start_slow(bench, cluster)
    cluster.processes[0].kill()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 5, output
    assert f"scheduler {cluster.address}: " in output
    assert "Traceback" not in output
