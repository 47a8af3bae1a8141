"""What holds for single projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.packages import Archive, Package, names_in, of_table, pairs_of, replaced
from amrasaman_nox.errors import AsamanError


def test_a_table_sets_fields() -> None:
    table = {
        "config-settings": {"a": "1", "b": ["2", "3"]},
        "env": {"FLAG": "x"},
        "build-requirements": ["setuptools<80", "wheel"],
        "build-processors": 1,
        "python": "bin/python",
    }
    assert of_table("My_Project >=2,<3", table) == Package(
        name="my-project",
        specifier=">=2,<3",
        config_settings=(("a", "1"), ("b", "2"), ("b", "3")),
        variables=(("FLAG", "x"),),
        build_requirements=("setuptools<80", "wheel"),
        build_processors=1,
        python="bin/python",
    )


def test_a_path_of_an_interpreter_counts_from_the_settings() -> None:
    assert of_table("a", {"python": "bin/python"}).within(Path("/p")).python == "/p/bin/python"
    assert of_table("a", {"python": "/bin/python"}).within(Path("/p")).python == "/bin/python"
    assert of_table("a", {"python": "3.12"}).within(Path("/p")).python == "3.12"


def test_a_table_names_another_source_patches_and_requirements_that_replace_others() -> None:
    table = {
        "source": {"url": "https://x/a-2.zip", "sha256": "AB" * 32},
        "patches": [{"file": "p/a.patch", "sha256": "cd" * 32}],
        "replace-build-requirements": ["setuptools==68"],
        "only-binary": False,
    }
    package = of_table("a", table)
    assert package == Package(
        name="a",
        source=Archive("https://x/a-2.zip", "ab" * 32),
        patches=(Archive("p/a.patch", "cd" * 32),),
        replaced_requirements=("setuptools==68",),
    )
    assert package.within(Path("/project")).patches == (Archive("/project/p/a.patch", "cd" * 32),)


def test_a_requirement_takes_the_place_of_those_of_its_project() -> None:
    own = [Package(name="a", replaced_requirements=("Set_Tools==68", "other"))]
    assert replaced(own, ("set-tools>=40", "wheel", "set.tools[x]<50")) == (
        "Set_Tools==68",
        "wheel",
    )
    assert replaced(own, ("set_tools @ https://x/y", "-r x")) == ("Set_Tools==68", "-r x")
    assert replaced([], ("a>1", "a<3")) == ("a>1", "a<3")


@pytest.mark.parametrize(
    ("name", "table", "why"),
    [
        ("-", {}, "not a valid project name"),
        ("a ~ 1", {}, "not a valid project name"),
        ("a", {"patch": []}, "unknown key 'patch'; known keys: as-of, "),
        ("a", {"env": []}, "a: env: a table is required"),
        ("a", {"config-settings": {"k": 1}}, "k: a string, or a list of strings, is required"),
        ("a", {"build-requirements": "wheel"}, "a list of strings is required"),
        ("a", {"build-requirements": ["wheel @ https://x/y"]}, "not a name with a specifier"),
        ("a", {"build-requirements": ["!"]}, "not a name with a specifier"),
        ("a", {"source": "https://x/a.zip"}, "source: a table with the keys url and sha256"),
        ("a", {"source": {"url": "a.zip", "sha256": "0" * 64}}, "'a.zip' is not a URL"),
        ("a", {"source": {"url": "https://x", "sha256": "0"}}, "must be 64 hexadecimal digits"),
        ("a", {"patches": []}, "a list of tables with the keys file and sha256 is required"),
        ("a", {"patches": ["a.patch"]}, "a table with the keys file and sha256 is required"),
        ("a", {"patches": [{"file": 1, "sha256": ""}]}, "file and sha256 must be strings"),
        ("a", {"replace-build-requirements": "x"}, "a list of strings is required"),
        ("a", {"only-binary": "yes"}, "only-binary: true or false is required"),
        ("a>1", {"only-binary": True}, "it holds for all versions, write it below a"),
        ("a", {"python": 3.12}, "python: a version, a command or a path is required"),
        ("a", {"python": ""}, "python: a version, a command or a path is required"),
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
