"""One rebuild where nothing is wrong; every cause, each confirmed, where something is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    Artefact,
    BuildEnvironment,
    BuildFailure,
    Comparison,
    Difference,
    Digest,
    Member,
    Verdict,
)
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sandbox.view import Isolation
from amrasaman_nox.verification import rebuild, variations, verify
from amrasaman_nox.verification.rebuild import Original
from tests.support.differences import changed, rows

from ..evaluation.defects import judge
from ..support import defects
from ..support.drawn import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sources.store import Store
    from amrasaman_nox.verification.steps import Tell

MACHINE = variations.Machine(
    isolation=Isolation(rung="full"), locales=("de_DE.utf8",), fake_clock=True
)
STARTED = datetime(2025, 4, 3, 4, 57, 3, tzinfo=UTC)
#: When a build without libfaketime takes place, in seconds since 1970; each later than the last.
TIMES = itertools.count(int(STARTED.timestamp()) + 60, 7)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nothing wait, and count what would."""
    waited: list[float] = []
    monkeypatch.setattr(rebuild.time, "sleep", waited.append)
    return waited


def now(world: BuildEnvironment) -> int:
    return (next(TIMES) if world.clock is None else world.clock) + world.clock_offset


@dataclass
class Project:
    """A build that is a function: what its members hold, by what it sees; and what it was asked."""

    members: Callable[[BuildEnvironment], dict[str, object]]
    first: BuildEnvironment = field(default_factory=BuildEnvironment)
    built: list[BuildEnvironment] = field(default_factory=list)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    ordered: bool = False

    def build(self, world: BuildEnvironment) -> Artefact | BuildFailure:
        self.built.append(world)
        try:
            texts = {name: str(value) for name, value in self.members(world).items()}
        except OSError as error:
            return BuildFailure(name="a", version="1", stage="build_wheel", reason=str(error))
        members = tuple(
            Member(name=name, sha256=Digest.of(text.encode()).value, size=len(text))
            for name, text in texts.items()
        )
        digest = Digest.of(repr(texts).encode())
        self.texts[digest.value] = texts
        return Artefact(filename="a-1-py3-none-any.whl", digest=digest, members=members)

    def compare(self, ours: Artefact, theirs: Artefact) -> tuple[Difference, ...]:
        left, right = self.texts[ours.digest.value], self.texts[theirs.digest.value]
        return tuple(
            Difference(
                kind="text",
                member=name,
                changes=changed("line", ours=str(left.get(name)), theirs=str(right.get(name))),
                rows=rows(f"-{left.get(name)}\n+{right.get(name)}"),
                reordered="words" if self.ordered else "",
            )
            for name in sorted({*left, *right})
            if left.get(name) != right.get(name)
        )

    def rebuilt(
        self,
        *names: str,
        machine: variations.Machine = MACHINE,
        started: datetime | None = STARTED,
        finished: datetime | None = None,
        tell: Tell = lambda step, known: None,
    ) -> Comparison:
        first = self.build(self.first)
        assert isinstance(first, Artefact)
        self.built.clear()
        original = Original(
            name="a",
            version="1",
            first=first,
            environment=self.first,
            started=started,
            finished=finished,
            build=self.build,
            compare=self.compare,
        )
        plan = variations.plan(names, machine, draw(STARTED))
        return rebuild.rebuild(original, plan, tell).comparison


def causes(comparison: Comparison) -> list[tuple[str, str]]:
    return [(cause.variation, cause.member) for cause in comparison.causes]


# --- how much work there is ----------------------------------------------------------------------


def test_where_nothing_is_wrong_there_is_one_rebuild_with_everything_varied() -> None:
    project = Project(lambda world: {"a.py": 1})
    comparison = project.rebuilt()
    assert comparison.verdict is Verdict.IDENTICAL
    assert (comparison.differences, comparison.causes) == ((), ())
    assert comparison.varied == tuple(row.name for row in variations.VARIATIONS)
    (world,) = project.built
    usual = BuildEnvironment()
    for name in ("build_path", "user", "home", "locale", "umask", "hash_seed", "clock_offset"):
        assert getattr(world, name) != getattr(usual, name)


def test_one_cause_is_found_by_halves_and_confirmed_alone() -> None:
    project = Project(lambda world: {"a.py": world.hash_seed})
    comparison = project.rebuilt()
    assert causes(comparison) == [("hash-seed", "a.py")]
    assert comparison.verdict is Verdict.DIFFERENT
    usual = replace(BuildEnvironment(), clock=int(STARTED.timestamp()))
    drawn = draw().number("hash seed", 1, 2**32 - 1)
    assert replace(usual, hash_seed=drawn) in project.built
    assert usual in project.built
    # All, the same again, memory elsewhere, and halves.
    assert len(project.built) <= 1 + 1 + 4 + 2 * 4 + 1


def test_a_value_that_shows_is_tried_first_and_ends_the_search() -> None:
    project = Project(lambda world: {"a.py": f"built in {world.build_path} by {world.uid}"})
    assert causes(project.rebuilt("build-path", "locale", "umask")) == [("build-path", "a.py")]
    # All, nothing varied, and that alone.
    assert len(project.built) == 3


def test_a_value_that_shows_hides_no_other_cause() -> None:
    project = Project(lambda world: {"a.py": world.build_path, "b.py": world.umask})
    assert causes(project.rebuilt()) == [("umask", "b.py"), ("build-path", "a.py")]


def test_a_value_that_shows_hides_no_dependence_on_addresses() -> None:
    draws = itertools.count()
    project = Project(lambda world: {"a.py": placed(world, draws), "b.py": world.build_path})
    assert causes(project.rebuilt()) == [("address-layout", "a.py"), ("build-path", "b.py")]


def test_what_is_not_at_hand_by_its_value_is_found_by_the_look_of_it() -> None:
    items = {"one": 1, "two": 2}
    project = Project(lambda world: {"a.py": " ".join(sorted(items, reverse=world.hash_seed > 0))})
    project.ordered = True
    assert causes(project.rebuilt()) == [("hash-seed", "a.py")]
    # All, nothing varied, four layouts of memory, and that alone.
    assert len(project.built) == 7


def test_each_build_of_the_search_is_told_and_what_is_known_before_it() -> None:
    told: list[tuple[str, Comparison | None]] = []
    project = Project(lambda world: {"a.py": world.umask, "b.py": world.uid})
    comparison = project.rebuilt(tell=lambda *step: told.append(step))
    # The first rebuild is no search.
    assert len(told) == len(project.built) - 1
    steps = [step for step, _ in told]
    assert steps[0] == "searching for the cause: build 1 of about 6"
    assert all(step.startswith("searching for the cause: build ") for step in steps)
    known = [each for _, each in told if each is not None]
    assert len(known) == len(told)
    assert {each.verdict for each in known} == {Verdict.DIFFERENT}
    assert [len(each.causes) for each in known] == sorted(len(each.causes) for each in known)
    assert known[0].differences == comparison.differences
    assert known[0].causes == ()
    assert {cause.variation for cause in known[-1].causes} <= {"user", "umask"}


def test_the_search_for_a_variation_that_breaks_the_build_is_told() -> None:
    told: list[str] = []
    project = Project(failing(lambda world: world.umask != 0o022))
    project.rebuilt(tell=lambda step, known: told.append(step))
    assert told[0] == "looking for the variation that breaks the build: build 1 of about 1"
    assert len(told) == len(project.built) - 1


def test_nothing_is_told_where_nothing_differs() -> None:
    told: list[str] = []
    Project(lambda world: {"a.py": 1}).rebuilt(tell=lambda step, known: told.append(step))
    assert told == []


@pytest.mark.parametrize("row", variations.VARIATIONS, ids=lambda row: row.name)
def test_each_variation_is_named_where_it_alone_matters(row: variations.Variation) -> None:
    usual = BuildEnvironment()
    changed = [
        name
        for name in BuildEnvironment.__slots__
        if getattr(row.apply(usual, MACHINE, draw(STARTED)), name) != getattr(usual, name)
    ]

    def members(world: BuildEnvironment) -> dict[str, object]:
        if row.name == "clock":
            return {"a.py": now(world) // 86_400}
        if row.name in ("processors", "extra-variables"):
            return {"a.py": sorted(name for name, _ in world.variables if name in _own(row))}
        return {"a.py": [getattr(world, name) for name in changed]}

    comparison = Project(members).rebuilt()
    assert causes(comparison) == [(row.name, "a.py")]


def _own(row: variations.Variation) -> set[str]:
    return {name for name, _ in row.apply(BuildEnvironment(), MACHINE, draw(STARTED)).variables}


# --- several causes ------------------------------------------------------------------------------


def test_independent_causes_are_all_found_the_most_particular_first() -> None:
    project = Project(
        lambda world: {"a.py": now(world), "b.py": world.hash_seed, "c.py": world.home}
    )
    assert causes(project.rebuilt()) == [("clock", "a.py"), ("hash-seed", "b.py"), ("home", "c.py")]


def test_independent_causes_in_one_member_are_all_found() -> None:
    project = Project(lambda world: {"a.py": (now(world), world.hash_seed)})
    assert causes(project.rebuilt()) == [("clock", "a.py"), ("hash-seed", "a.py")]


def test_what_is_random_does_not_hide_what_depends_on_the_surroundings() -> None:
    fresh = itertools.count()
    project = Project(lambda world: {"a.py": next(fresh), "b.py": world.user, "c.py": 1})
    comparison = project.rebuilt()
    assert causes(comparison) == [("random", "a.py"), ("user", "b.py")]
    assert [one.member for one in comparison.differences] == ["a.py", "b.py"]


def test_what_is_random_alone_takes_four_builds() -> None:
    fresh = itertools.count()
    project = Project(lambda world: {"a.py": next(fresh), "x-1.dist-info/RECORD": next(fresh)})
    assert {name for name, _ in causes(project.rebuilt())} == {"random"}
    assert len(project.built) == 4


def test_variations_that_matter_only_together_are_named_together() -> None:
    project = Project(
        lambda world: {"a.py": world.umask != 0o022 and world.home != "/build/home" and "both"}
    )
    assert causes(project.rebuilt()) == [("home+umask", "a.py")]


def test_added_and_missing_members_have_a_cause() -> None:
    project = Project(
        lambda world: {"a.py": 1} if world.locale == "C.UTF-8" else {"a.py": 1, "b.py": 2}
    )
    assert causes(project.rebuilt()) == [("locale", "b.py")]


# --- the clock -----------------------------------------------------------------------------------


def test_a_clock_is_not_called_random_where_it_can_be_held_still() -> None:
    comparison = Project(lambda world: {"a.py": now(world)}).rebuilt()
    assert causes(comparison) == [("clock", "a.py")]
    assert comparison.causes[0].explanation == "build-time"


def test_a_clock_that_nobody_asked_to_vary_is_named_all_the_same() -> None:
    comparison = Project(lambda world: {"a.py": now(world)}).rebuilt("umask")
    assert causes(comparison) == [("clock", "a.py")]
    assert comparison.varied == ("umask",)


def test_fractions_of_a_second_are_the_clock_s_too() -> None:
    project = Project(lambda world: {"a.py": world.clock is None and now(world)})
    assert causes(project.rebuilt()) == [("clock", "a.py")]


def test_without_libfaketime_what_could_not_be_held_still_is_said(pauses: list[float]) -> None:
    machine = replace(MACHINE, fake_clock=False)
    comparison = Project(lambda world: {"a.py": now(world)}).rebuilt(machine=machine)
    assert causes(comparison) == [("random", "a.py")]
    assert "the clock could not be fixed (libfaketime is not installed)" in comparison.reason
    assert sum(pauses) >= 2


def test_without_libfaketime_a_pause_keeps_two_builds_out_of_one_second(
    pauses: list[float],
) -> None:
    machine = replace(MACHINE, fake_clock=False)
    assert Project(lambda world: {"a.py": 1}).rebuilt(machine=machine).verdict == "identical"
    assert pauses == [2.0]


@pytest.mark.parametrize(
    ("ago", "least", "most"),
    [(60, None, None), (2, None, None), (1, 0.5, 1.0), (0, 1.5, 2.0), (-9, 2.0, 2.0)],
)
def test_the_pause_is_what_is_left_of_two_seconds_since_the_first_build(
    ago: int, least: float | None, most: float, pauses: list[float]
) -> None:
    machine = replace(MACHINE, fake_clock=False)
    finished = datetime.now(UTC) - timedelta(seconds=ago)
    Project(lambda world: {"a.py": 1}).rebuilt(machine=machine, finished=finished)
    if least is None:
        assert pauses == []
    else:
        (pause,) = pauses
        assert least <= pause <= most


def test_with_libfaketime_there_is_no_pause(pauses: list[float]) -> None:
    Project(lambda world: {"a.py": 1}).rebuilt()
    assert pauses == []


def test_a_build_that_does_not_run_under_a_fixed_clock_is_built_without() -> None:
    def members(world: BuildEnvironment) -> dict[str, object]:
        if world.clock is not None:
            raise OSError("time does not pass")
        return {"a.py": world.user}

    assert causes(Project(members).rebuilt()) == [("user", "a.py")]


def test_a_difference_that_comes_and_goes_is_different_and_never_tried_until_it_is_gone() -> None:
    count = itertools.count()
    project = Project(lambda world: {"a.py": next(count) == 1})
    comparison = project.rebuilt()
    assert comparison.verdict is Verdict.DIFFERENT
    assert causes(comparison) == [("random", "a.py")]


# --- addresses -----------------------------------------------------------------------------------


def placed(world: BuildEnvironment, draws: Iterator[int]) -> object:
    """Return what a build makes of its addresses, which everything that is varied moves."""
    if world.random_addresses:
        return next(draws)
    return (world.home, world.locale, world.build_path, world.clock is None, world.clock_offset)


def test_what_depends_on_addresses_is_blamed_on_nothing_else() -> None:
    draws = itertools.count()
    project = Project(lambda world: {"a.py": placed(world, draws)})
    comparison = project.rebuilt()
    assert causes(comparison) == [("address-layout", "a.py")]
    assert comparison.causes[0].explanation == "address-layout"


def test_other_causes_are_found_beside_addresses() -> None:
    draws = itertools.count()
    project = Project(lambda world: {"a.py": placed(world, draws), "b.py": world.hash_seed})
    assert causes(project.rebuilt()) == [("address-layout", "a.py"), ("hash-seed", "b.py")]


@pytest.mark.parametrize("alike", [0, 1, 3])
def test_a_layout_that_is_the_same_by_chance_is_tried_again(alike: int) -> None:
    still = (BuildEnvironment().home, "C.UTF-8", "/build/source", False, 0)
    draws = iter([7, *[still] * alike, 8, 9])
    project = Project(lambda world: {"a.py": placed(world, draws)})  # type: ignore[arg-type]
    assert causes(project.rebuilt()) == [("address-layout", "a.py")]


def test_where_addresses_cannot_be_fixed_what_depends_on_them_is_random() -> None:
    draws = itertools.count()
    machine = replace(MACHINE, isolation=Isolation(rung="full", fixed_addresses=False))
    comparison = Project(lambda world: {"a.py": next(draws)}).rebuilt(machine=machine)
    assert causes(comparison) == [("random", "a.py")]
    assert comparison.not_varied == ("address-layout: it cannot be kept constant here",)


# --- builds that fail ----------------------------------------------------------------------------


def failing(holds: Callable[[BuildEnvironment], bool]) -> Callable[[BuildEnvironment], dict]:  # type: ignore[type-arg]
    def members(world: BuildEnvironment) -> dict[str, object]:
        if holds(world):
            raise OSError("no such luck")
        return {"a.py": 1}

    return members


def varies(row: variations.Variation, world: BuildEnvironment) -> bool:
    """Return whether *row* is among what *world* was varied by."""
    if row.name in ("processors", "extra-variables"):
        return bool(_own(row) & set(dict(world.variables)))
    changed = row.apply(BuildEnvironment(), MACHINE, draw(STARTED))
    return any(
        getattr(world, name) != getattr(BuildEnvironment(), name)
        for name in BuildEnvironment.__slots__
        if getattr(changed, name) != getattr(BuildEnvironment(), name)
    )


@pytest.mark.parametrize("row", variations.VARIATIONS, ids=lambda row: row.name)
def test_a_variation_under_which_the_build_fails_is_left_out_and_named(
    row: variations.Variation,
) -> None:
    project = Project(failing(lambda world: varies(row, world)))
    comparison = project.rebuilt()
    assert comparison.verdict is Verdict.IDENTICAL
    assert set(comparison.varied) == {each.name for each in variations.VARIATIONS} - {row.name}
    (reason,) = comparison.not_varied
    assert reason.startswith(f"{row.name}: the build fails ")
    assert reason.endswith(": no such luck")
    (cause,) = comparison.causes
    assert (cause.variation, cause.explanation) == (row.name, "fails-when-varied")


def test_a_build_that_fails_in_another_locale_costs_one_more_build() -> None:
    machine = replace(MACHINE, locales=("C",))
    project = Project(failing(lambda world: world.locale == "POSIX"))
    comparison = project.rebuilt(machine=machine)
    assert comparison.not_varied == ("locale: the build fails in an ASCII locale: no such luck",)
    assert len(project.built) == 2


def test_all_variations_under_which_a_build_fails_are_left_out() -> None:
    project = Project(failing(lambda world: world.umask != 0o022 or world.user != "builder"))
    comparison = project.rebuilt()
    assert comparison.verdict is Verdict.IDENTICAL
    assert [text.partition(":")[0] for text in comparison.not_varied] == ["user", "umask"]


def test_of_variations_under_which_a_build_fails_only_together_one_is_left_out() -> None:
    project = Project(failing(lambda world: world.umask != 0o022 and world.user != "builder"))
    comparison = project.rebuilt()
    assert comparison.verdict is Verdict.IDENTICAL
    assert len(comparison.not_varied) == 1


def test_what_differs_beside_a_variation_that_breaks_the_build_is_found() -> None:
    def members(world: BuildEnvironment) -> dict[str, object]:
        if world.locale != "C.UTF-8":
            raise OSError("no such luck")
        return {"a.py": world.hash_seed}

    comparison = Project(members).rebuilt()
    assert comparison.verdict is Verdict.DIFFERENT
    assert [(one.variation, one.explanation) for one in comparison.causes] == [
        ("hash-seed", "hash-order"),
        ("locale", "fails-when-varied"),
    ]


def test_a_build_that_fails_with_nothing_varied_says_so() -> None:
    count = itertools.count()
    comparison = Project(failing(lambda world: next(count) > 0)).rebuilt()
    assert comparison.verdict is Verdict.FAILED
    assert comparison.reason.startswith("the rebuild failed (nothing varied)")


# --- seeded defects, built for real --------------------------------------------------------------


@pytest.fixture(scope="module")
def plan() -> variations.Plan:
    try:
        isolation = choose("full")
    except AsamanError as error:
        pytest.skip(str(error))
    return variations.plan((), variations.Machine.here(isolation), draw())


@pytest.fixture
def run(
    store: Store, plan: variations.Plan, interpreter: Interpreter, tmp_path: Path
) -> Iterator[Run]:
    with defects.run_without_index(
        store, plan.machine.isolation, interpreter, tmp_path / "wheels"
    ) as opened:
        yield opened


#: One of each kind is quick enough for every run.
_QUICK = {"time-of-build", "hash-order", "random-and-host", "fails-elsewhere", "zip-order"}


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "defect",
    [
        pytest.param(one, id=one.name, marks=[] if one.name in _QUICK else pytest.mark.slow)
        for one in defects.DEFECTS
    ],
)
def test_a_seeded_defect_is_found_and_its_cause_named(
    defect: defects.Defect, run: Run, plan: variations.Plan
) -> None:
    lacks = defects.missing(defect.needs, plan.machine)
    if lacks:
        pytest.skip(f"this machine lacks {lacks}")
    record = defects.first_build(run, defect.name)
    before = {path: path.read_bytes() for path in run.config.output.iterdir()}
    comparison = verify.verify_record(run, record, plan)
    assert judge(defect, comparison, record.passes) == "yes", comparison
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.sandbox
def test_constant_temporary_names_are_recorded_and_told(run: Run, plan: variations.Plan) -> None:
    """Where a user asks for them, a random build folder is the same."""
    name = "random-build-folder"
    config = replace(run.config, constant_temporary_names=(name,))
    record = defects.first_build(replace(run, config=config), name)
    assert record.environment is not None
    assert record.environment.temporary_names == "constant"
    comparison = verify.verify_record(run, record, plan)
    assert comparison.verdict is Verdict.IDENTICAL
    (told,) = [text for text in comparison.not_varied if text.startswith("temporary-names: ")]
    assert "--constant-temporary-names" in told


@pytest.mark.sandbox
@pytest.mark.parametrize("name", defects.CLEAN)
def test_a_clean_project_raises_no_alarm(name: str, run: Run, plan: variations.Plan) -> None:
    comparison = verify.verify_record(run, defects.first_build(run, name), plan)
    assert comparison.verdict is Verdict.IDENTICAL, comparison
    assert not (run.config.output / "different").exists()
