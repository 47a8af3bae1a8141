"""Which variations a difference speaks of."""

from __future__ import annotations

import pytest

from amrasaman_nox.model import BuildEnvironment, Difference
from amrasaman_nox.sandbox.view import Isolation
from amrasaman_nox.verification import likely, variations
from tests.support.differences import changed, rows
from tests.support.drawn import draw

MACHINE = variations.Machine(
    isolation=Isolation(rung="full"), locales=("de_DE.utf8",), fake_clock=True
)
PLAN = variations.plan((), MACHINE, draw())
VALUES = dict(PLAN.values(BuildEnvironment()))
VARIABLES = dict(PLAN.varied(BuildEnvironment(), PLAN.variations).variables)


def text(ours: str, theirs: str, *, kind: str = "text", reordered: str = "") -> Difference:
    return Difference(
        kind=kind,
        member="a.py",
        changes=changed("line", ours=ours, theirs=theirs),
        rows=rows(f"-{ours}\n+{theirs}"),
        reordered=reordered,
    )


def shown(*differences: Difference) -> list[str]:
    return [one.name for one in likely.shown(differences, BuildEnvironment(), PLAN)]


@pytest.mark.parametrize(
    ("theirs", "first"),
    [
        (f"in {VALUES['build_path']}/a.c", "build-path"),
        (f"#!{VALUES['environment_path']}/bin/python", "environment-path"),
        (f"at {VALUES['home']}/.cache", "home"),
        (f"by {VALUES['user']}", "user"),
        (f"on {VALUES['host_name']}", "host-name"),
        ("in de_DE.utf8", "locale"),
        (VALUES["time_zone"], "time-zone"),
        (VARIABLES["BUILD_TAG"], "extra-variables"),
    ],
)
def test_a_value_that_a_variation_brings_in_names_it(theirs: str, first: str) -> None:
    assert shown(text("as ever", theirs))[0] == first


def test_a_text_that_has_none_of_the_values_names_nothing() -> None:
    assert shown(text("2 ed 11", "1 4711 47 dumb")) == []


def test_what_follows_in_record_names_nothing() -> None:
    assert shown(text("a", f"on {VALUES['host_name']}", kind="record")) == []


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (
            text("a b", "b a", reordered="words"),
            ["hash-seed", "directory-order", "locale", "processors"],
        ),
        (text("12:30", "22:30"), ["clock", "time-zone", "source-times"]),
        (Difference(kind="executable-bit", member="a"), ["umask"]),
        (Difference(kind="elf", member="a.so"), ["build-path", "environment-path"]),
        (text("one", "two"), []),
    ],
)
def test_what_a_difference_looks_like_names_variations(
    difference: Difference, expected: list[str]
) -> None:
    assert [one.name for one in likely.fitting((difference,), PLAN)] == expected


def test_what_is_not_varied_is_not_named() -> None:
    plan = variations.plan(("locale",), MACHINE, draw())
    found = likely.fitting((text("a b", "b a", reordered="words"),), plan)
    assert [one.name for one in found] == ["locale"]
