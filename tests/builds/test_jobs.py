"""A build as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.builds.jobs import environment_of, job_of
from amrasaman_nox.config import processors
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.packages import Package
from amrasaman_nox.model import BuildEnvironment, Digest, LockedFile, Pin, Source

if TYPE_CHECKING:
    from amrasaman_nox.model import Interpreter

PIN = Pin(name="one", version="1.0")
SOURCE = Source(pin=PIN, filename="one-1.0.tar.gz", digest=Digest.of(b"sdist"))
FILES = tuple(
    LockedFile(filename=f"{name}-1.0-py3-none-any.whl", digest=Digest.of(name.encode()))
    for name in ("b", "a")
)


def test_the_world_of_builds_is_constant() -> None:
    assert environment_of(Config()) == BuildEnvironment()


def test_what_the_user_sets_on_purpose_is_in_the_world() -> None:
    config = Config(sde=1400000000, keep_debug_info=True, variables=(("B", "2"), ("A", "1")))
    world = environment_of(config)
    assert (world.source_date_epoch, world.source_times) == (1400000000, 1400000000)
    assert world.keep_debug_info
    assert world.temporary_names == "random"
    assert world.variables == (("A", "1"), ("B", "2"))


def test_temporary_names_are_constant_for_the_projects_that_are_named(
    interpreter: Interpreter,
) -> None:
    for names, expected in ((("One", "other"), "constant"), (("other",), "random")):
        config = Config(constant_temporary_names=names)
        job = job_of(SOURCE, interpreter, FILES, config=config, isolation="full")
        assert job.environment.temporary_names == expected


def test_the_order_of_the_locked_files_does_not_matter(interpreter: Interpreter) -> None:
    jobs = [
        job_of(SOURCE, interpreter, files, config=Config(), isolation="full")
        for files in (FILES, FILES[::-1])
    ]
    assert jobs[0] == jobs[1]
    assert jobs[0].key == jobs[1].key


def test_the_options_of_a_build_are_in_its_job(interpreter: Interpreter) -> None:
    config = Config(config_settings=(("a", "b"),), timeout=7)
    job = job_of(SOURCE, interpreter, FILES, config=config, isolation="none")
    assert (job.isolation, job.config_settings, job.limits) == (
        "none",
        (("a", "b"),),
        config.limits,
    )
    other = job_of(SOURCE, interpreter, FILES, config=Config(), isolation="none")
    assert job.key != other.key


def test_settings_of_one_project_are_in_its_job_and_in_no_other(interpreter: Interpreter) -> None:
    own = Package(
        name="one", variables=(("OWN", "1"),), config_settings=(("k", "v"),), build_processors=1
    )
    config = Config(
        packages=(own,),
        config_settings=(("One:one", "1"), ("other:two", "2")),
        variables=(("ALL", "1"), ("other:MORE", "2")),
    )
    job = job_of(SOURCE, interpreter, (), config=config, isolation="none")
    assert job.config_settings == (("one", "1"), ("k", "v"))
    assert job.environment.variables == (("ALL", "1"), ("OWN", "1"))
    assert job.environment.processors == 1


def test_all_builds_see_as_many_processors_as_the_user_says(interpreter: Interpreter) -> None:
    jobs = [
        job_of(SOURCE, interpreter, (), config=config, isolation="none")
        for config in (Config(), Config(build_processors=3), Config(build_processors="auto"))
    ]
    assert [job.environment.processors for job in jobs] == [2, 3, processors.available()]
    assert jobs[0].key != jobs[1].key
