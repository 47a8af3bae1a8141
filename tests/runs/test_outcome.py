"""What became of the sources of a run."""

from __future__ import annotations

from dataclasses import replace

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.packages import Package
from amrasaman_nox.model import BuildFailure, BuildOutcome, Modified, Pin
from amrasaman_nox.runs.outcome import Done, done_records, joined, with_settings
from tests.reports.examples import record

FAILURE = BuildFailure(name="c", version="1", stage="build", reason="it broke")


def test_outcomes_are_joined_in_order() -> None:
    first = BuildOutcome(records=(record("a"),), kept=frozenset({"k"}), notes=("one",))
    second = BuildOutcome(records=(record("b"),), failures=(FAILURE,), notes=("two",))
    left_out = ((Pin(name="d", version="1"), "its marker is false"),)
    found = joined(first, second, left_out)
    assert [each.name for each in found.records] == ["a", "b"]
    assert (found.failures, found.kept, found.notes) == ((FAILURE,), {"k"}, ("one", "two"))
    assert found.left_out == left_out


def test_the_records_are_those_of_sources_that_were_built() -> None:
    done = (Done(record=record("a")), Done(failure=FAILURE), Done(record=record("b")))
    assert [each.name for each in done_records(done)] == ["a", "b"]


def test_settings_that_match_nothing_are_said() -> None:
    config = Config(
        config_settings=(("all", "1"), ("a:one", "1"), ("b:two", "2")),
        packages=(Package(name="c"), Package(name="a")),
    )
    found = with_settings(BuildOutcome(), config, {"a"})
    assert found.notes == (
        "the settings of b match nothing that is built",
        "the settings of c match nothing that is built",
    )


def test_settings_of_other_versions_and_modified_sources_are_said() -> None:
    built = record("a")
    change = Modified(pinned=built.source.digest, patches=(("x.patch", built.source.digest),))
    changed = replace(built, source=replace(built.source, modified=change))
    packages = (Package(name="a", specifier=">=99"), Package(name="a", specifier="<99"))
    found = with_settings(BuildOutcome(records=(changed,)), Config(packages=packages), {"a"})
    assert found.notes == (
        f"a=={built.version}: modified source: patched with x.patch",
        "the settings of a>=99 match nothing that is built",
    )
