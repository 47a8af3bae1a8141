"""Asking a backend and building in one start: the wheel is that of a build on its own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import builder, sandbox
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

from ..support.projects import make_sdist
from .test_hostile import PROJECTS

if TYPE_CHECKING:
    from amrasaman_nox.model import Interpreter
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
def isolation(request: pytest.FixtureRequest) -> sandbox.Isolation:
    try:
        return sandbox.choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))


class Bench:
    def __init__(
        self, store: Store, isolation: sandbox.Isolation, interpreter: Interpreter
    ) -> None:
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

    def early(
        self, job: BuildJob, *known: str
    ) -> tuple[tuple[str, ...], BuildRecord | BuildFailure | None]:
        return builder.ask_and_build(job, known, store=self.store, isolation=self.isolation)

    def alone(self, job: BuildJob) -> BuildRecord:
        built = builder.build_wheel(job, store=self.store, isolation=self.isolation)
        assert isinstance(built, BuildRecord), built
        return built


@pytest.fixture
def bench(store: Store, isolation: sandbox.Isolation, interpreter: Interpreter) -> Bench:
    return Bench(store, isolation, interpreter)


@pytest.mark.parametrize("asking", ["pass", LEAVES, "sys.modules.clear()"])
def test_the_wheel_is_that_of_a_build_on_its_own(bench: Bench, asking: str) -> None:
    job = bench.job(asking)
    asked, early = bench.early(job)
    assert asked == ()
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


@pytest.mark.parametrize("building", ["raise ValueError('not today')", "sys.exit(7)"])
def test_a_second_hook_that_fails_is_named_and_the_answer_of_the_first_is_kept(
    bench: Bench, building: str
) -> None:
    asked, early = bench.early(bench.job(asked="['one']", building=building), "one")
    assert asked == ("one",)
    assert isinstance(early, BuildFailure)
    assert early.stage == "build_wheel"
    assert early.log_path


def test_a_limit_is_put_down_to_the_hook_that_passed_it(bench: Bench) -> None:
    started = time.monotonic()
    with pytest.raises(HookFailed) as caught:
        bench.early(bench.job("time.sleep(60)", silence=1.0))
    assert caught.value.hook == "get_requires_for_build_wheel"
    _, early = bench.early(bench.job(building="time.sleep(60)", silence=1.0))
    assert isinstance(early, BuildFailure)
    assert (early.stage, early.reason[:13]) == ("build_wheel", "limit passed:")
    assert early.hint == "if the build is sound, give it more: --silence-timeout SECONDS"
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", ["control", "following"])
def test_the_answers_of_both_hooks_are_read_with_care(bench: Bench, name: str) -> None:
    spoil = f"""
    def late():
        path = "/build/{name}/output.json"
        if os.path.lexists(path): os.unlink(path)
        os.symlink("/etc/hostname", path)
    late() if "{name}" == "control" else __import__("atexit").register(late)
"""
    job = bench.job(building=spoil)
    if name == "control":
        with pytest.raises(HookFailed) as caught:
            bench.early(job)
        assert "gave no answer" in caught.value.reason
    else:
        _, early = bench.early(job)
        assert isinstance(early, BuildFailure)
        assert "gave no answer" in early.reason


def test_without_a_constant_path_nothing_is_built_early(
    store: Store, interpreter: Interpreter
) -> None:
    bench = Bench(store, sandbox.choose("none"), interpreter)
    assert bench.early(bench.job(asked="['one']"), "one") == (("one",), None)
