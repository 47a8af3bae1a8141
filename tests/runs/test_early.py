"""Asking a backend and building in one start: the wheel is that of a build on its own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import builder
from amrasaman_nox.builds.hooks import HookFailed
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildEnvironment,
    BuildFailure,
    BuildJob,
    BuildRecord,
    Digest,
    Limits,
    Pin,
    Source,
)
from amrasaman_nox.sandbox import process
from amrasaman_nox.sandbox.inside import start
from amrasaman_nox.sandbox.ladder import choose

from ..sandbox.test_hostile import PROJECTS
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store

BACKEND = """
import os, sys, time
import wheel
def get_requires_for_build_wheel(config_settings=None):
    {asking}
    return {asked}
def build_wheel(folder, config_settings=None, metadata_directory=None):
    found = sorted(
        os.path.join(at, name)
        for top in (".", "/tmp", "/dev/shm", os.environ["HOME"], folder)
        for at, folders, files in os.walk(top)
        for name in files + folders
    )
    {building}
    return wheel.make(folder, "\\n".join(found))
"""
LEAVES = """
    for place in (".", "/tmp", "/dev/shm", os.environ["HOME"], "/build/output"):
        os.makedirs(os.path.join(place, "left", "deep"))
        os.symlink("/nowhere", os.path.join(place, "left", "link"))
        open(os.path.join(place, "left.txt"), "w").close()
    open("backend.py", "a").write("changed")
    os.unlink("wheel.py")
"""


@pytest.fixture(params=["full", "namespaces"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    try:
        return choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))


class Bench:
    def __init__(self, store: Store, isolation: Isolation, interpreter: Interpreter) -> None:
        self.store, self.isolation, self.interpreter = store, isolation, interpreter

    def job(
        self, asking: str = "pass", asked: str = "[]", building: str = "pass", **limits: float
    ) -> BuildJob:
        backend = BACKEND.format(asking=asking, asked=asked, building=building)
        files: dict[str, bytes | str] = {
            "backend.py": backend,
            "wheel.py": (PROJECTS / "wheel.py").read_bytes(),
        }
        sdist = make_sdist(
            "hostile", "1.0", files, requires=(), backend="backend", backend_path="."
        )
        digest = Digest.of(sdist)
        self.store.add([sdist], digest)
        pin = Pin(name="hostile", version="1.0", digests=(digest,))
        return BuildJob(
            source=Source(pin=pin, filename="hostile-1.0.tar.gz", digest=digest),
            requirements=(),
            interpreter=self.interpreter,
            environment=BuildEnvironment(),
            isolation=self.isolation.rung,
            limits=replace(Limits(), **limits),  # type: ignore[arg-type]
        )

    def early(self, job: BuildJob, *known: str) -> tuple[tuple[str, ...], BuildRecord | None]:
        asked = builder.ask_and_build(job, known, store=self.store, isolation=self.isolation)
        return asked.requirements, asked.record

    def alone(self, job: BuildJob) -> BuildRecord:
        built = builder.build_wheel(job, store=self.store, isolation=self.isolation)
        assert isinstance(built, BuildRecord), built
        return built


@pytest.fixture
def bench(store: Store, isolation: Isolation, interpreter: Interpreter) -> Bench:
    return Bench(store, isolation, interpreter)


@pytest.mark.parametrize("asking", ["pass", LEAVES, "sys.modules.clear()", "print('Error: x')"])
def test_the_wheel_is_that_of_a_build_on_its_own(
    bench: Bench, asking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, run = [], process.run
    monkeypatch.setattr(process, "run", lambda *given: starts.append(given) or run(*given))
    job = bench.job(asking)
    asked, early = bench.early(job)
    assert (asked, len(starts)) == ((), 1)
    assert isinstance(early, BuildRecord), early
    assert early.wheel == bench.alone(job).wheel
    assert early.key == job.key


def test_what_is_known_to_be_required_does_not_keep_from_building(bench: Bench) -> None:
    asked, early = bench.early(bench.job(asked="['one', 'two']"), "two", "one", "three")
    assert asked == ("one", "two")
    assert isinstance(early, BuildRecord)


def test_nothing_is_built_where_more_is_required(bench: Bench) -> None:
    job = bench.job(asked="['more']", building="raise SystemExit('it was built')")
    assert bench.early(job, "known") == (("more",), None)


@pytest.mark.parametrize("answer", ["'text'", "None", "[1]", "['a', ['b']]"])
def test_an_answer_that_is_no_list_of_requirements_builds_nothing(
    bench: Bench, answer: str
) -> None:
    with pytest.raises(HookFailed) as caught:
        bench.early(bench.job(asked=answer, building="raise SystemExit('it was built')"))
    assert caught.value.hook == "get_requires_for_build_wheel"


@pytest.mark.parametrize(
    ("asking", "said"),
    [
        ("raise ValueError('not today')", "ValueError: not today"),
        ("os.kill(os.getpid(), 9)", "killed by signal 9"),
        ("sys.exit(7)", "exit status 7"),
    ],
)
def test_a_first_hook_that_fails_is_named(bench: Bench, asking: str, said: str) -> None:
    with pytest.raises(HookFailed) as caught:
        bench.early(bench.job(asking))
    assert caught.value.hook == "get_requires_for_build_wheel"
    assert said in caught.value.reason


@pytest.mark.parametrize("end", ["os._exit(7)", "os.kill(os.getpid(), 9)", "time.sleep(60)"])
def test_a_first_hook_that_fails_behind_its_answer_is_no_success(bench: Bench, end: str) -> None:
    asking = f"__import__('atexit').register(lambda: {end})"
    with pytest.raises(HookFailed) as caught:
        bench.early(bench.job(asking, asked="['more']", silence=2.0))
    assert caught.value.hook == "get_requires_for_build_wheel"


@pytest.mark.parametrize(
    "building", ["raise ValueError('not today')", "sys.exit(7)", "os._exit(0)"]
)
def test_a_build_that_fails_is_left_to_one_on_its_own(bench: Bench, building: str) -> None:
    asked, early = bench.early(bench.job(asked="['one']", building=building), "one")
    assert (asked, early) == (("one",), None)


LATE = """
    import atexit, threading
    def late(what):
        time.sleep(0.2)
        print(what, flush=True)
    threading.Thread(target=late, args=("a thread's end",)).start()
    atexit.register(late, "a registered end")
"""


@pytest.mark.parametrize("building", ["sys.stdout.close()", "sys.stdout = sys.stderr = None", LATE])
def test_a_build_ends_as_its_interpreter_does(bench: Bench, building: str) -> None:
    job = bench.job(building=building)
    bench.alone(job)
    (log,) = (bench.store.root / "logs").iterdir()
    late = [line for line in log.read_text().splitlines() if line.endswith("end")]
    assert late == (["a thread's end", "a registered end"] if building == LATE else [])


KEPT = """
    class Kept:
        def __del__(self, write=os.write):
            write(1, b"taken apart at the end")
    sys.kept = Kept()
"""


@pytest.mark.parametrize("building", [KEPT, KEPT + "    raise ValueError('not today')"])
def test_only_a_hook_that_fails_has_its_modules_taken_apart(bench: Bench, building: str) -> None:
    job = bench.job(building=building)
    built = builder.build_wheel(job, store=bench.store, isolation=bench.isolation)
    (log,) = (bench.store.root / "logs").iterdir()
    failed = "ValueError" in building
    assert isinstance(built, BuildFailure) == ("taken apart" in log.read_text()) == failed


@pytest.mark.slow
def test_a_limit_is_that_of_each_hook(bench: Bench) -> None:
    started = time.monotonic()
    with pytest.raises(HookFailed) as caught:
        bench.early(bench.job("time.sleep(60)", silence=1.0))
    assert caught.value.hook == "get_requires_for_build_wheel"
    assert bench.early(bench.job(building="time.sleep(60)", silence=1.0)) == ((), None)
    assert time.monotonic() - started < 30
    job = bench.job("time.sleep(2)", building="time.sleep(2)", time=3.5)
    assert bench.early(job) == ((), None)
    bench.alone(job)


FORKS = """
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (0, 1, 2): os.close(number)
            time.sleep(20)
        os._exit(0)
    os.wait()
"""


def test_what_the_first_hook_leaves_running_is_beside_no_build(bench: Bench) -> None:
    job = bench.job(FORKS)
    assert bench.early(job) == ((), None)


OBJECTS = """
    import ctypes
    made = ctypes.CDLL(None).{call}
    assert made >= 0
"""


@pytest.mark.parametrize(
    "call", ["shmget(0, 4096, 0o1600)", "semget(7, 1, 0o1600)", "msgget(7, 0o1600)"]
)
def test_what_the_first_hook_leaves_in_the_kernel_is_beside_no_build(
    bench: Bench, call: str
) -> None:
    job = bench.job(OBJECTS.format(call=call))
    assert bench.early(job) == ((), None)
    # It is seen in the start in which it was made, and in no other one.
    table = f"/proc/sysvipc/{call[:3]}"
    building = f"assert len(open('{table}').readlines()) == 1"
    bench.alone(bench.job(building=building))


def test_nothing_is_built_early_where_system_calls_are_not_filtered(
    store: Store, isolation: Isolation, interpreter: Interpreter
) -> None:
    # The first hook could leave a key for the second one.
    bench = Bench(store, replace(isolation, filtered=False), interpreter)
    assert bench.early(bench.job(asked="['one']"), "one") == (("one",), None)


def test_folders_that_a_backend_makes_when_it_is_imported_keep_from_building() -> None:
    assert start.is_unused([str(PROJECTS.parent / "none")]) is False
    assert start.is_unused([str(PROJECTS)]) is False
    assert start.is_unused([]) is True


@pytest.mark.parametrize("name", ["control", "following"])
def test_the_answers_of_both_hooks_are_read_with_care(bench: Bench, name: str) -> None:
    spoil = f"""
    def late():
        path = "/build/{name}/output.json"
        if os.path.lexists(path): os.unlink(path)
        os.symlink("/etc/hostname", path)
    late() if "{name}" == "control" else __import__("atexit").register(late)
"""
    # A first hook whose answer cannot be read is asked again, by itself.
    assert bench.early(bench.job(building=spoil)) == ((), None)


def test_many_requirements_are_no_fault_of_the_isolation(bench: Bench) -> None:
    asked, early = bench.early(bench.job(asked="['one']"), *["one"] * 20_000)
    assert asked == ("one",)
    assert isinstance(early, BuildRecord)


def test_without_a_constant_path_nothing_is_built_early(
    store: Store, interpreter: Interpreter
) -> None:
    bench = Bench(store, choose("none"), interpreter)
    assert bench.early(bench.job(asked="['one']"), "one") == (("one",), None)
