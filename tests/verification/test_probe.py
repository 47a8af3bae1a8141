"""Nothing is listed as varied that builds do not see varied."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildEnvironment, BuildFailure, Verdict
from amrasaman_nox.sandbox.inside import probe as inside
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sandbox.view import Isolation
from amrasaman_nox.verification import probe, variations, verify

from ..support import defects
from ..support.drawn import draw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sources.store import Store

MACHINE = variations.Machine(isolation=Isolation(rung="full"), fake_clock=True)
FAILURE = BuildFailure(name="amrasaman-probe", version="1.0", stage="build_wheel", reason="no luck")


def looks(world: BuildEnvironment) -> dict[str, list[Any]]:
    """Return what a build sees where everything takes effect."""
    facts = {
        "build-path": world.build_path,
        "environment-path": world.environment_path,
        "user": world.uid,
        "home": world.home,
        "host-name": world.host_name,
        "time-zone": world.time_zone,
        "locale": world.locale,
        "umask": world.umask,
        "hash-seed": world.hash_seed,
        "directory-order": world.directory_order,
        "source-times": world.source_times,
        "processors": world.processors,
        "clock": world.clock_offset,
        "extra-variables": len(world.variables),
        "address-layout": world.random_addresses,
    }
    return {name: [fact, str(fact)] for name, fact in facts.items()}


def test_the_probe_looks_at_every_variation_and_at_nothing_else() -> None:
    assert list(inside.SIGHTS) == [row.name for row in variations.VARIATIONS]


def test_what_takes_effect_is_varied() -> None:
    plan = variations.plan((), MACHINE, draw())
    assert probe.unseen(plan, BuildEnvironment(), looks) == {}


@pytest.mark.parametrize("name", [row.name for row in variations.VARIATIONS])
def test_what_builds_see_as_before_is_not_varied(name: str) -> None:
    def half(world: BuildEnvironment) -> dict[str, list[Any]]:
        seen = looks(world)
        return {**seen, name: [seen[name][0], "as ever"]}

    plan = variations.plan((), MACHINE, draw())
    reasons = probe.unseen(plan, BuildEnvironment(), half)
    assert list(reasons) == [name]
    assert "builds still see" in reasons[name]
    left = plan.without(reasons)
    assert name not in left.names
    assert len(left.names) == len(plan.names) - 1
    assert left.not_varied == (f"{name}: {reasons[name]}",)


def test_a_variation_under_which_no_build_works_is_found_among_all() -> None:
    def fails(world: BuildEnvironment) -> dict[str, list[Any]] | BuildFailure:
        return FAILURE if world.clock_offset else looks(world)

    reasons = probe.unseen(variations.plan((), MACHINE, draw()), BuildEnvironment(), fails)
    assert reasons == {"clock": "a test build fails with it: no luck"}


def test_where_no_build_works_nothing_is_varied() -> None:
    plan = variations.plan((), MACHINE, draw())
    reasons = probe.unseen(plan, BuildEnvironment(), lambda world: FAILURE)
    assert plan.without(reasons).names == ()


def test_a_clock_that_is_not_seen_is_not_held_still_either() -> None:
    def stuck(world: BuildEnvironment) -> dict[str, list[Any]]:
        return {**looks(world), "clock": [2026]}

    plan = variations.plan(["umask"], MACHINE, draw())
    left = plan.without(probe.unseen(plan, BuildEnvironment(), stuck))
    assert left.names == ("umask",)
    assert not left.machine.fake_clock
    assert left.not_varied == ()


def test_the_source_of_the_probe_is_the_same_every_time() -> None:
    assert probe._sdist() == probe._sdist()


# --- for real ------------------------------------------------------------------------------------


@pytest.fixture(params=["full", "namespaces", "none"])
def run(
    request: pytest.FixtureRequest, store: Store, interpreter: Interpreter, tmp_path: Path
) -> Iterator[Run]:
    try:
        isolation = choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))
    with defects.run_without_index(store, isolation, interpreter, tmp_path / "wheels") as opened:
        yield opened


def plan_of(run: Run, *names: str) -> variations.Plan:
    return variations.plan(names, variations.Machine.here(run.isolation), draw())


def test_every_variation_proves_itself_on_this_machine(run: Run) -> None:
    plan = plan_of(run)
    assert probe.proved(run, plan) == plan


@pytest.fixture
def without_effect(run: Run, tmp_path: Path) -> Run:
    """A run whose libfaketime is a library that changes no clock."""
    library = tmp_path / "libfaketime.so.1"
    shutil.copy(shutil.which("true") or "", library)
    isolation = dataclasses.replace(run.isolation, clock=str(library))
    return dataclasses.replace(run, isolation=isolation)


def test_a_library_without_effect_varies_no_clock(without_effect: Run) -> None:
    plan = probe.proved(without_effect, plan_of(without_effect, "clock", "umask"))
    assert plan.names == ("umask",)
    assert plan.not_varied[0].startswith("clock: builds still see 20")


@pytest.mark.sandbox
@pytest.mark.parametrize("names", [("clock",), ()], ids=["the clock alone", "everything"])
@pytest.mark.parametrize("run", ["full"], indirect=True)
def test_a_date_in_a_wheel_is_found_as_the_time_of_the_build(
    names: tuple[str, ...], run: Run
) -> None:
    record = defects.first_build(run, "date-of-build")
    comparison = verify.verify_record(run, record, probe.proved(run, plan_of(run, *names)))
    assert comparison.verdict is Verdict.DIFFERENT
    assert [(one.variation, one.explanation) for one in comparison.causes] == [
        ("clock", "build-time")
    ]
