"""Every variation takes effect where a build looks, and changes nothing else."""

from __future__ import annotations

import dataclasses
import json
import time
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox import view
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sources.store import Store
from amrasaman_nox.verification import originals, variations
from amrasaman_nox.verification.draw import Draw

from ..support import defects
from ..support.drawn import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sandbox.view import Isolation

Seen = dict[str, Any]
FULL = view.Isolation(rung="full")
NONE = view.Isolation(rung="none")


@pytest.fixture(scope="module", params=["full", "namespaces", "none"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    try:
        return choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def look(
    isolation: Isolation, interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[BuildEnvironment], Seen]]:
    """Return a function that tells what a build sees in an environment."""
    folder = tmp_path_factory.mktemp("probe")
    store = Store.open(folder / "cache")
    with defects.run_without_index(store, isolation, interpreter, folder / "wheels") as run:
        record = defects.first_build(run, "probe")
        original = originals.of_wheel(run, record, folder / "wheels" / record.wheel.filename)

        def seen(environment: BuildEnvironment) -> Seen:
            built = original.build(environment)
            assert isinstance(built, originals.Artefact), built
            with store.get(built.digest) as file, zipfile.ZipFile(file) as archive:  # type: ignore[union-attr]
                found: Seen = json.loads(archive.read("seen.json"))
                return found

        yield seen


@pytest.fixture(scope="module")
def usual(look: Callable[[BuildEnvironment], Seen]) -> Seen:
    return look(BuildEnvironment())


#: What each variation changes of what the probe sees.
EFFECTS = {
    "build-path": {"build path"},
    "environment-path": {"environment path"},
    "user": {"user"},
    "home": {"home"},
    "host-name": {"host name"},
    "time-zone": {"time zone"},
    "locale": {"locale"},
    "umask": {"umask"},
    "hash-seed": {"hash"},
    "directory-order": {"listing"},
    "source-times": {"source times"},
    "processors": {"processors", "make"},
    "clock": set(),
    "extra-variables": {"variables"},
    "address-layout": {"addresses"},
}


def test_every_variation_has_a_row_here() -> None:
    assert [row.name for row in variations.VARIATIONS] == list(EFFECTS)


@pytest.mark.parametrize("name", EFFECTS)
def test_a_variation_changes_what_it_says_and_nothing_else(
    name: str, look: Callable[[BuildEnvironment], Seen], usual: Seen, isolation: Isolation
) -> None:
    plan = variations.plan([name], variations.Machine.here(isolation), draw())
    if plan.not_varied:
        pytest.skip(plan.not_varied[0])
    seen = look(plan.varied(BuildEnvironment(), plan.variations))
    changed = {key for key in usual if key != "clock" and seen[key] != usual[key]}
    expected = EFFECTS[name]
    if isolation.rung == "none":
        # The home folder is beside the source; and the machine's processors can be seen.
        expected = expected | ({"home"} if name == "build-path" else set())
    assert changed == expected


def test_processors_are_told_in_every_way(
    look: Callable[[BuildEnvironment], Seen], usual: Seen, isolation: Isolation
) -> None:
    machine = variations.Machine.here(isolation)
    if machine.processors < 2:
        pytest.skip("the machine has only one processor")
    plan = variations.plan(["processors"], machine, draw())
    seen = look(plan.varied(BuildEnvironment(), plan.variations))
    told = slice(0, 3) if isolation.constant_paths else slice(1, 3)
    assert usual["processors"][told] == [2, 2, 2][told]
    assert seen["processors"][told] == [1, 1, 1][told]


@pytest.mark.parametrize(("number", "other"), [(1, 2), (2, 1), (16, 1)])
def test_the_rebuild_sees_another_number_of_processors(number: int, other: int) -> None:
    machine = variations.Machine(isolation=FULL, processors=16)
    plan = variations.plan(["processors"], machine, draw())
    assert plan.varied(BuildEnvironment(processors=number), plan.variations).processors == other


def test_folders_are_listed_in_the_order_of_creation_alone(
    look: Callable[[BuildEnvironment], Seen], usual: Seen, isolation: Isolation
) -> None:
    if not isolation.constant_paths:
        pytest.skip("without a sandbox listings depend on the file system")
    plan = variations.plan(["directory-order"], variations.Machine.here(isolation), draw())
    seen = look(plan.varied(BuildEnvironment(), plan.variations))
    assert sorted(usual["listing"][0]) in (usual["listing"][0], usual["listing"][0][::-1])
    assert seen["listing"][0] == usual["listing"][0][::-1]


def test_the_clock_moves_in_python_and_in_programs_and_monotonic_time_does_not(
    look: Callable[[BuildEnvironment], Seen], usual: Seen, isolation: Isolation
) -> None:
    machine = variations.Machine.here(isolation)
    if not machine.fake_clock:
        pytest.skip("libfaketime is not installed")
    plan = variations.plan(["clock"], machine, draw())
    seen = look(plan.varied(BuildEnvironment(), plan.variations))
    ahead = plan.varied(BuildEnvironment(), plan.variations).clock_offset
    assert ahead >= 398 * 86_400
    for way in (0, 1):
        assert ahead <= seen["clock"][way] - usual["clock"][way] < ahead + 3600
    assert seen["clock"][2] - usual["clock"][2] < 600


def test_a_clock_can_stand_still_in_any_time_zone(
    look: Callable[[BuildEnvironment], Seen], isolation: Isolation
) -> None:
    machine = variations.Machine.here(isolation)
    if not machine.fake_clock:
        pytest.skip("libfaketime is not installed")
    moment = int(time.time()) - 1_000_000
    still = dataclasses.replace(BuildEnvironment(), clock=moment)
    plan = variations.plan(["time-zone"], machine, draw())
    assert look(still)["clock"][:2] == [moment, moment]
    assert look(plan.varied(still, plan.variations))["clock"][:2] == [moment, moment]


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", variations.VARIATIONS, ids=lambda row: row.name)
def test_each_row_is_pure_and_varies_the_constant_world(row: variations.Variation) -> None:
    machine = variations.Machine(isolation=FULL, fake_clock=True)
    world = BuildEnvironment()
    drawn = draw()
    once, again = row.apply(world, machine, drawn), row.apply(world, machine, drawn)
    assert once == again
    assert once != world
    assert world == BuildEnvironment()


def test_without_a_sandbox_what_cannot_be_varied_is_said() -> None:
    plan = variations.plan((), variations.Machine(isolation=NONE, processors=1), draw())
    unvaried = {text.partition(":")[0] for text in plan.not_varied}
    assert unvaried == {
        *("environment-path", "user", "home", "host-name", "directory-order", "processors"),
        "clock",
    }
    assert all(text.partition(": ")[2] for text in plan.not_varied)
    assert set(plan.names) == set(EFFECTS) - unvaried


def test_all_that_can_be_is_varied_by_default() -> None:
    machine = variations.Machine(isolation=FULL, fake_clock=True)
    assert variations.plan((), machine, draw()).names == tuple(EFFECTS)
    assert variations.plan(["all"], machine, draw()).names == tuple(EFFECTS)
    assert not variations.plan((), machine, draw()).not_varied


def test_variations_that_are_named_come_in_the_order_of_the_table() -> None:
    plan = variations.plan(["umask", "build-path"], variations.Machine(isolation=FULL), draw())
    assert plan.names == ("build-path", "umask")


def test_an_unknown_variation_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(AsamanError, match='unknown variation: "moon-phase"') as caught:
        variations.plan(["moon-phase"], variations.Machine(isolation=FULL), draw())
    assert "build-path" in caught.value.hint
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        ((), ("POSIX",)),
        (("C", "C.utf8", "POSIX"), ("POSIX",)),
        (("C", "en_GB.utf8"), ("en_GB.utf8",)),
        (("de_DE", "en_GB.utf8", "tr_TR.UTF-8"), ("tr_TR.UTF-8",)),
        (("tr_TR.UTF-8", "de_DE.utf8", "en_US.utf8"), ("de_DE.utf8", "tr_TR.UTF-8")),
    ],
)
def test_the_locales_are_those_that_differ_most(
    installed: tuple[str, ...], taken: tuple[str, ...]
) -> None:
    assert variations.Machine(isolation=FULL, locales=installed).other_locales == taken


def test_variables_that_the_user_passes_on_purpose_stay() -> None:
    world = dataclasses.replace(BuildEnvironment(), variables=(("SHELL", "mine"),))
    plan = variations.plan(
        ["extra-variables", "processors"], variations.Machine(isolation=FULL), draw()
    )
    assert dict(plan.varied(world, plan.variations).variables)["SHELL"] == "mine"


def test_where_no_archive_can_hold_later_times_of_files_they_are_earlier() -> None:
    latest = 4_354_819_198
    world = dataclasses.replace(BuildEnvironment(), source_times=latest)
    plan = variations.plan(["source-times"], variations.Machine(isolation=FULL), draw())
    assert 999 < (latest - plan.varied(world, plan.variations).source_times) / 86_400 < 2001


#: What has one value only: it costs an environment, or no other one differs as much.
NOT_DRAWN = {"environment-path", "directory-order", "address-layout"}


@pytest.mark.parametrize("name", [name for name in EFFECTS if name not in NOT_DRAWN])
def test_every_value_that_can_be_another_one_is_drawn_from_the_seed(name: str) -> None:
    machine = variations.Machine(
        isolation=FULL, fake_clock=True, locales=("de_DE.utf8", "fr_FR.utf8", "tr_TR.utf8")
    )
    world, now = BuildEnvironment(), datetime.now(UTC)

    def varied(seed: str) -> BuildEnvironment:
        plan = variations.plan([name], machine, Draw(seed=seed, now=now))
        return plan.varied(world, plan.variations)

    worlds = [varied(str(seed)) for seed in range(50)]
    assert worlds == [varied(str(seed)) for seed in range(50)]
    assert len(set(worlds)) > 2
    assert world not in worlds


@pytest.mark.parametrize("name", sorted(NOT_DRAWN))
def test_what_is_not_drawn_is_the_same_for_every_seed(name: str) -> None:
    machine, now = variations.Machine(isolation=FULL), datetime.now(UTC)
    plans = [variations.plan([name], machine, Draw(seed=seed, now=now)) for seed in "abc"]
    assert len({plan.varied(BuildEnvironment(), plan.variations) for plan in plans}) == 1


def test_for_thousands_of_seeds_every_value_is_one_that_a_machine_can_give() -> None:
    machine, world = variations.Machine(isolation=FULL, fake_clock=True), BuildEnvironment()
    now = datetime.now(UTC)
    for seed in range(3000):
        plan = variations.plan((), machine, Draw(seed=str(seed), now=now))
        varied = plan.varied(world, plan.variations)
        assert 2_000 <= varied.uid < 60_000
        assert varied.umask & 0o700 == 0
        # Others than the owner read another mode of a folder, and of a file.
        assert 0o777 & ~varied.umask != 0o755
        assert 0o666 & ~varied.umask not in (0o644, 0o666)
        assert 0 <= varied.hash_seed < 2**32
        assert varied.hash_seed != world.hash_seed
        assert len(varied.build_path) > len(world.build_path)
        assert 30 < int(dict(varied.variables)["COLUMNS"]) < 60


def test_the_varied_values_can_be_named() -> None:
    plan = variations.plan(["umask", "user"], variations.Machine(isolation=FULL), draw())
    values = dict(plan.values(BuildEnvironment()))
    varied = plan.varied(BuildEnvironment(), plan.variations)
    assert values == {
        "umask": f"{varied.umask:03o}",
        "user": varied.user,
        "uid": str(varied.uid),
    }


def test_a_fixed_clock_is_varied_to_the_same_moment() -> None:
    drawn = draw()
    machine = variations.Machine(isolation=FULL, fake_clock=True)
    plan = variations.plan(["clock"], machine, drawn)
    running = plan.varied(BuildEnvironment(), plan.variations)
    still = dataclasses.replace(BuildEnvironment(), clock=1_000_000_000)
    varied = plan.varied(still, plan.variations)
    assert 1_000_000_000 + varied.clock_offset == int(drawn.now.timestamp()) + running.clock_offset


def test_the_configuration_takes_the_names() -> None:
    assert Config(vary=list(EFFECTS)).vary == tuple(EFFECTS)  # type: ignore[arg-type]
