"""How a recipe follows from what a published wheel shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Difference, Digest, LockedFile
from amrasaman_nox.verification import recipe
from amrasaman_nox.verification.evidence import MARKS, Evidence, Mark
from amrasaman_nox.verification.recipe import Outcome, Recipe, infer
from tests.support.differences import changed

INFO = "demo-1.0.dist-info"
UPLOADED = datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)


def setuptools_at(version: str, *marks: str) -> Evidence:
    return Evidence(
        generator=f"setuptools ({version})",
        backend="setuptools",
        version=version,
        marks=frozenset(marks),
    )


def made_by_wheel(version: str, *marks: str) -> Evidence:
    return Evidence(
        generator=f"bdist_wheel ({version})",
        backend="wheel",
        version=version,
        marks=frozenset(marks),
        uploaded=UPLOADED,
    )


def test_the_generator_is_pinned_as_of_the_upload() -> None:
    found = infer(replace(setuptools_at("80.9.0"), uploaded=UPLOADED), ("setuptools>=61",), None)
    assert found.requires == ("setuptools>=61",)
    assert found.overrides == ("setuptools==80.9.0",)
    assert found.as_of == UPLOADED
    assert found.constraints == ()


def test_the_generator_goes_before_a_bound_that_contradicts_it() -> None:
    found = infer(setuptools_at("80.9.0"), ("setuptools<70",), None)
    assert found.overrides == ("setuptools==80.9.0",)
    assert any("overridden" in step for step in found.steps)


@pytest.mark.parametrize(
    ("backend", "required"), [("uv-build", "uv_build>=0.7.3,<0.8"), ("setuptools", "setuptools")]
)
def test_the_version_of_the_generator_counts_whatever_its_upload(
    backend: str, required: str
) -> None:
    evidence = Evidence(generator="x", backend=backend, version="0.7.3", uploaded=UPLOADED)
    found = infer(evidence, (required,), None)
    assert found.overrides == (f"{backend}==0.7.3",)
    assert found.exact() == (backend,)
    assert found.requires == (required,)
    assert replace(found, overrides=("wheel<1",)).exact() == ()


def test_an_undeclared_wheel_is_added() -> None:
    found = infer(made_by_wheel("0.37.1"), ("setuptools>=40.8.0",), None)
    assert found.requires == ("setuptools>=40.8.0", "wheel")
    assert found.overrides == ("wheel==0.37.1",)
    assert found.constraints == ("setuptools<70.1",)


@pytest.mark.parametrize("mark", [one for one in MARKS if one.means.startswith("setuptools")])
def test_marks_bound_setuptools(mark: Mark) -> None:
    found = infer(made_by_wheel("0.37.1", mark.name), ("setuptools", "wheel"), None)
    assert mark.means in found.constraints
    assert any(mark.means in step for step in found.steps)


@pytest.mark.parametrize(
    ("version", "mark", "requires", "constraints"),
    [
        ("75.1.0", "requirements-in-parentheses", ("setuptools", "wheel"), ("wheel<0.41.1",)),
        ("75.1.0", "requirements-without-spaces", ("setuptools", "wheel"), ("wheel>=0.44",)),
        # From here on setuptools writes the metadata itself.
        ("75.6.0", "requirements-without-spaces", ("setuptools",), ()),
    ],
)
def test_a_stray_wheel_is_taken_where_its_marks_are(
    version: str, mark: str, requires: tuple[str, ...], constraints: tuple[str, ...]
) -> None:
    found = infer(setuptools_at(version, mark), ("setuptools",), None)
    assert (found.requires, found.constraints) == (requires, constraints)


def test_nothing_is_pinned_where_the_sdist_holds_its_backend() -> None:
    found = infer(setuptools_at("80.9.0"), (), None, own_backend=True)
    assert (found.requires, found.overrides) == ((), ())


# Fallbacks


def outcome(*differences: Difference, unresolved: bool = False, **changes: object) -> Outcome:
    base = Recipe(requires=("setuptools",), overrides=("wheel==0.37.1",), as_of=UPLOADED)
    return Outcome(
        recipe=replace(base, **changes),  # type: ignore[arg-type]
        differences=differences,
        unresolved=unresolved,
    )


TAGS = Difference(kind="metadata", member=f"{INFO}/WHEEL", changes=changed("Tag"))
FIELD = Difference(kind="metadata", member=f"{INFO}/METADATA", changes=changed("Summary"))
MODULE = Difference(kind="text", member="demo/date.py", changes=changed("line"))


def tried(evidence: Evidence, done: Outcome) -> tuple[Recipe, ...]:
    return recipe.fallbacks(evidence, done)


def test_without_a_solution_the_pins_are_let_go() -> None:
    (first, *_) = tried(made_by_wheel("0.37.1"), outcome(unresolved=True))
    assert (first.overrides, first.constraints) == ((), ())
    assert not any(one.overrides == () for one in tried(made_by_wheel("0.37.1"), outcome()))


def test_cmake_comes_from_the_index_for_its_backend() -> None:
    found = tried(Evidence(backend="scikit-build-core"), outcome(MODULE))
    assert found[0].requires == ("setuptools", "cmake", "ninja")


def test_a_wheel_for_both_pythons_is_built_so() -> None:
    both = replace(made_by_wheel("0.37.1"), tags=("py2-none-any", "py3-none-any"))
    found = tried(both, outcome(TAGS))
    assert {one.settings[0] for one in found if one.settings} == {
        ("--build-option", "--universal"),
        ("--global-option", "--universal"),
    }
    assert not any(one.settings for one in tried(both, outcome(FIELD)))


def test_the_time_of_the_build_is_the_epoch_where_generated_members_differ() -> None:
    evidence = replace(made_by_wheel("0.40.0"), info_time=1683356880)
    assert 1683356880 in [one.source_date_epoch for one in tried(evidence, outcome(MODULE))]
    assert 1683356880 not in [one.source_date_epoch for one in tried(evidence, outcome(FIELD))]


def test_fallbacks_are_bounded_and_none_is_the_first_recipe() -> None:
    evidence = replace(
        made_by_wheel("0.34.2"),
        tags=("py2-none-any", "py3-none-any"),
        info_time=1683356880,
    )
    done = outcome(TAGS, MODULE, FIELD)
    found = tried(evidence, done)
    assert 3 <= len(found) <= recipe.MOST_ATTEMPTS - 1
    assert done.recipe not in found
    assert len(set(found)) == len(found)
    assert all(len(one.steps) > len(done.recipe.steps) for one in found)


# Writing down


@pytest.mark.parametrize(
    "one",
    [
        Recipe(),
        Recipe(
            generator="hatchling 1.27.0",
            requires=("hatchling>=1.26", 'tomli; python_version < "3.11"'),
            overrides=("hatchling==1.27.0",),
            constraints=("setuptools<62.2",),
            as_of=UPLOADED,
            source_date_epoch=1580601600,
            umask=0o002,
            settings=(("--build-option", "--universal"), ("--build-option", "a=b")),
            files=(LockedFile(filename="a-1-py3-none-any.whl", digest=Digest.of(b"a")),),
            steps=("Generator says hatchling 1.27.0: hatchling 1.27.0",),
        ),
    ],
)
def test_a_recipe_that_is_written_down_reads_back(one: Recipe) -> None:
    pairs = one.pairs()
    assert all(isinstance(part, str) for pair in pairs for part in pair)
    assert Recipe.parse((("python", "cpython 3.11.7"), *pairs, ("packing", "x"))) == one


@pytest.mark.parametrize(
    "pair", [("source-date-epoch", "soon"), ("umask", "9"), ("as-of", "May"), ("file", "a b")]
)
def test_a_malformed_recipe_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(AsamanError):
        Recipe.parse((pair,))
