"""A run that fails, or is killed, at any operation on the file system: nothing is lost.

``FAULTS_STRIDE`` is how many operations one step skips; ``1`` tries each of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.build_lock.file import read_lock
from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import Digest
from amrasaman_nox.record_files import read_folder
from amrasaman_nox.sources.store import Store

from ..support.faulty import COUNTED
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STRIDE = int(os.environ.get("FAULTS_STRIDE", "12"))
STEP = 'def members(folder):\n    return {"example.py": "VALUE = 1\\n"}\n'
WHEEL = "example-1.0-py3-none-any.whl"
OPTIONS = ("--no-index", "--find-links", "../links", "--as-of", "2026-01-01T00:00:00Z")
OLD = "# what stood here before\n"
LOCK, VERIFIED = "requirements.build-lock.toml", "verified-requirements.txt"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with an sdist to build, and all that a run writes."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def run(self, at: int = 0, what: str = "kill") -> subprocess.CompletedProcess[str]:
        """Build and write the verified file; the operation number *at* fails or kills."""
        command = [sys.executable, "-m", "tests.support.faulty", str(at), what]
        options = ("--isolation", "none", *OPTIONS)
        return subprocess.run(
            [*command, *options, "--cache-dir", str(self.cache)],
            cwd=self.work,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
            },
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def hashes(self) -> dict[str, str]:
        wheels = (self.work / "wheels").glob("*.whl")
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels}

    def verified(self) -> str:
        return (self.work / VERIFIED).read_text()

    def files(self) -> set[str]:
        """Everything below the working folder, and what is left in temporary ones."""
        temporary = (self.folder / "tmp", self.cache / "incoming", self.cache / "tmp")
        left = [path for folder in temporary for path in folder.iterdir() if not _is_trial(path)]
        written = [path for path in self.work.rglob("*") if not _is_trial(path)]
        return {str(path.relative_to(self.folder)) for path in [*written, *left]}


def _is_trial(path: Path) -> bool:
    """Whether the standard library tried here if it can write."""
    return path.is_file() and re.fullmatch(r"[a-z0-9_]{8}", path.name) is not None


@pytest.fixture(scope="module")
def sdist() -> bytes:
    backend = (ROOT / "tests" / "projects" / "miniature.py").read_text()
    return make_sdist(
        "example",
        "1.0",
        {"miniature.py": backend, "step.py": STEP},
        requires=(),
        backend="miniature",
        backend_path=".",
    )


def made(folder: Path, sdist: bytes) -> Place:
    place = Place(folder)
    for path in (place.work, folder / "links", folder / "tmp"):
        path.mkdir(parents=True)
    (folder / "links" / "example-1.0.tar.gz").write_bytes(sdist)
    (place.work / "requirements.txt").write_text(f"example==1.0 --hash={Digest.of(sdist)}\n")
    (place.work / VERIFIED).write_text(OLD)
    return place


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What a run comes to that nothing disturbs."""

    operations: int
    hashes: dict[str, str]
    verified: str
    lock: str
    files: set[str]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sdist: bytes) -> Undisturbed:
    place = made(tmp_path_factory.mktemp("undisturbed") / "place", sdist)
    done = place.run()
    assert done.returncode == 0, done.stderr
    count, said = done.stdout.splitlines()[-1].split()
    assert said == COUNTED
    return Undisturbed(
        operations=int(count),
        hashes=place.hashes(),
        verified=place.verified(),
        lock=(place.work / LOCK).read_text(),
        files=place.files(),
    )


def test_the_faults_cover_a_whole_run(undisturbed: Undisturbed) -> None:
    assert undisturbed.operations > 200
    assert undisturbed.hashes.keys() == {WHEEL}
    assert VERIFIED in undisturbed.verified or "example==1.0" in undisturbed.verified


def broken_invariants(place: Place, expected: Undisturbed) -> Iterator[str]:
    """Name what must never be seen, at whatever moment a run ends."""
    for path in (place.cache / "files").glob("*/*"):
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            yield f"an entry of the store that does not verify: {path.name}"
    wheels = place.work / "wheels"
    for file in read_folder(wheels).files:
        if place.hashes().get(file.wheel.name) != file.record.wheel.digest.value:
            yield f"a record of other bytes: {file.wheel.name}"
    if place.verified() not in {OLD, expected.verified}:
        yield "a verified file that is neither the old nor the new one"
    if place.verified() != OLD and not (wheels / f"{WHEEL}{records.SUFFIX}").is_file():
        yield "a verified file with a wheel that has no record"
    if (place.work / LOCK).exists() and not read_lock(place.work / LOCK).entries:
        yield "half a build lock"


def broken_rerun(place: Place, expected: Undisturbed) -> Iterator[str]:
    """Name what a run after the disturbed one does not make good."""
    again = place.run()
    if again.returncode != 0:
        yield f"the rerun ends with {again.returncode}: {again.stderr}"
        return
    if place.hashes() != expected.hashes or place.verified() != expected.verified:
        yield "the rerun gives other bytes"
    if (place.work / LOCK).read_text() != expected.lock:
        yield "the rerun gives another lock"
    if place.files() != expected.files:
        yield f"left over: {sorted(place.files() ^ expected.files)}"


def said_clearly(done: subprocess.CompletedProcess[str], number: int) -> Iterator[str]:
    """Name what is wrong with the messages of a run of which one operation failed."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if "Traceback" in done.stderr:
        yield f"a traceback: {done.stderr}"
    if done.returncode == 0:
        return
    if done.returncode not in {ExitCode.INPUT_OUTPUT, ExitCode.NOT_AVAILABLE}:
        yield f"exit code {done.returncode}: {done.stderr or done.stdout}"
    # What cannot be read counts as absent.
    if number == errno.EIO and errors:
        return
    if not any(os.strerror(number).lower() in line.lower() for line in errors):
        yield f"no line that says so: {done.stderr} {done.stdout}"


def tried(place: Place, at: int, what: str, expected: Undisturbed) -> list[str]:
    done = place.run(at, what)
    found = [] if what == "kill" else list(said_clearly(done, getattr(errno, what)))
    found += broken_invariants(place, expected)
    found += broken_rerun(place, expected)
    return [f"{what} at {at}: {one}" for one in found]


@pytest.mark.parametrize("what", ["kill", "ENOSPC", "EIO"])
def test_a_run_that_ends_at_any_operation_loses_nothing(
    what: str, undisturbed: Undisturbed, sdist: bytes, tmp_path: Path
) -> None:
    def attempt(at: int) -> list[str]:
        return tried(made(tmp_path / str(at), sdist), at, what, undisturbed)

    first = {"kill": 1, "ENOSPC": 1 + STRIDE // 3, "EIO": 1 + 2 * STRIDE // 3}[what]
    numbers = range(first, undisturbed.operations + 1, STRIDE)
    with ThreadPoolExecutor(2) as pool:
        found = [one for each in pool.map(attempt, numbers) for one in each]
    print(f"{what}: {len(numbers)} of {undisturbed.operations} operations")
    assert not found, "\n".join(found)


# Signals at any moment of a run as a user starts it


PR_SET_CHILD_SUBREAPER = 36
ROUNDS = int(os.environ.get("FAULTS_ROUNDS", "12"))
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, "SIGINT twice")


@pytest.fixture
def _adopting() -> Iterator[None]:
    """Make what loses its parent a child of this process, so that it is found."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def survivors(before: set[int], patience: float = 10.0) -> list[str]:
    """Return the command lines of processes below this one that do not end."""
    end = time.monotonic() + patience
    while True:
        alive = []
        for pid in descendants(os.getpid()) - before:
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                # A process that has ended has no command line any more.
                if words:
                    alive.append(words.replace(b"\0", b" ").decode(errors="replace"))
        if not alive or time.monotonic() > end:
            return alive
        time.sleep(0.1)


def descendants(top: int) -> set[int]:
    found, left = set(), [top]
    while left:
        pid = left.pop()
        with contextlib.suppress(OSError):
            for path in Path(f"/proc/{pid}/task").glob("*/children"):
                children = [int(word) for word in path.read_text().split()]
                found.update(children)
                left += children
    return found


def reaped(children: set[int]) -> None:
    for pid in children:
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)


def started(place: Place) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from amrasaman_nox.cli import asaman; asaman()"]
    return subprocess.Popen(
        [*command, "-r", "requirements.txt", *OPTIONS, "--cache-dir", str(place.cache)],
        cwd=place.work,
        env={"PATH": os.environ["PATH"], "HOME": str(place.folder / "home")}
        | {"TMPDIR": str(place.folder / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def in_memory(place: Place) -> list[str]:
    """Return the store's own folders on the file system in memory that are still there."""
    names = Store.open(place.cache).get_value("memory", "folder")
    path = Path("/dev/shm") / (names or b"none").decode()
    return [str(path)] if path.exists() else []


def interrupted(place: Place, what: object, moment: float) -> list[str]:
    """Signal a run after *moment* seconds; return what is wrong then."""
    before = descendants(os.getpid())
    run = started(place)
    time.sleep(moment)
    for _ in range(2 if what == "SIGINT twice" else 1):
        run.send_signal(what if isinstance(what, signal.Signals) else signal.SIGINT)
        time.sleep(0.05)
    code = run.wait(60)
    found = [f"alive: {one}" for one in survivors(before)]
    reaped(descendants(os.getpid()) - before)
    # Before Python has its handlers, or after the work, the signal has its own effect or none.
    if code not in {0, ExitCode.INTERRUPTED, -signal.SIGKILL} and code > 0:
        found.append(f"exit code {code}")
    return found


@pytest.mark.usefixtures("_adopting")
def test_a_run_that_is_interrupted_at_any_moment_leaves_nothing(
    undisturbed: Undisturbed, sdist: bytes, tmp_path: Path
) -> None:
    whole = made(tmp_path / "whole", sdist)
    start = time.monotonic()
    assert started(whole).wait(120) == 0
    took = time.monotonic() - start
    chance = random.Random(3)
    found = []
    for number in range(ROUNDS):
        what = SIGNALS[number % len(SIGNALS)]
        moment = chance.uniform(0.1, 1.0) * took
        place = made(tmp_path / str(number), sdist)
        wrong = interrupted(place, what, moment)
        again = started(place).wait(120)
        if again != 0:
            wrong.append(f"the rerun ends with {again}")
        if place.hashes() != whole.hashes():
            wrong.append("the rerun gives other bytes")
        if place.files() != whole.files():
            wrong.append(f"left over: {sorted(place.files() ^ whole.files())}")
        wrong += [f"left over: {path}" for path in in_memory(place)]
        found += [f"{what} after {moment:.2f} s: {one}" for one in wrong]
    print(f"signals: {ROUNDS} within {took:.1f} s")
    assert not found, "\n".join(found)
