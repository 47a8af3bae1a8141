"""What holds for single projects."""

from __future__ import annotations

from typing import Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.packages import Package, names_in, of_table, pairs_of
from amrasaman_nox.errors import AsamanError


def test_a_table_sets_fields() -> None:
    table = {
        "config-settings": {"a": "1", "b": ["2", "3"]},
        "env": {"FLAG": "x"},
        "build-requirements": ["setuptools<80", "wheel"],
        "build-processors": 1,
    }
    assert of_table("My_Project >=2,<3", table) == Package(
        name="my-project",
        specifier=">=2,<3",
        config_settings=(("a", "1"), ("b", "2"), ("b", "3")),
        variables=(("FLAG", "x"),),
        build_requirements=("setuptools<80", "wheel"),
        build_processors=1,
    )


@pytest.mark.parametrize(
    ("name", "table", "why"),
    [
        ("-", {}, "not a valid project name"),
        ("a ~ 1", {}, "not a valid project name"),
        ("a", {"patch": []}, "unknown key 'patch'; known keys: as-of, config-settings"),
        ("a", {"env": []}, "a: env: a table is required"),
        ("a", {"config-settings": {"k": 1}}, "k: a string, or a list of strings, is required"),
        ("a", {"build-requirements": "wheel"}, "a list of strings is required"),
        ("a", {"build-requirements": ["wheel @ https://x/y"]}, "not a name with a specifier"),
        ("a", {"build-requirements": ["!"]}, "not a name with a specifier"),
        ("a", {"build-processors": 0}, "auto, or a whole number from 1 to 1024, is required"),
        ("a", {"build-processors": True}, "auto, or a whole number from 1 to 1024, is required"),
    ],
)
def test_what_is_wrong_is_named(name: str, table: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        of_table(name, table)


def test_settings_hold_for_their_versions_alone() -> None:
    package = of_table("a>=2", {"build-processors": 1})
    config = Config(packages=(package,))
    assert config.for_release("a", "2.0rc1.post1") == ()
    assert config.for_release("a", "2.1") == (package,)
    assert config.for_release("b", "2.1") == ()


def test_a_setting_of_one_project_begins_with_its_name() -> None:
    pairs = (("all", "1"), ("My_A:one", "2"), ("b:two", "3"), ("--opt:x", "4"))
    assert pairs_of(pairs, "my-a") == (("all", "1"), ("one", "2"), ("--opt:x", "4"))
    assert pairs_of(pairs, "") == (("all", "1"), ("--opt:x", "4"))
    assert names_in(pairs) == ("my-a", "b")


def test_packages_are_settings_of_projects() -> None:
    with pytest.raises(AsamanError, match="settings of projects are required"):
        Config(packages=("a",))  # type: ignore[arg-type]
