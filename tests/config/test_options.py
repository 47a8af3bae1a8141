"""The table of options, and the keys of the configuration file."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config import options
from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.options import OPTIONS
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from amrasaman_nox.config.commands import Command


def test_every_option_sets_a_field_of_the_configuration() -> None:
    known = {each.name for each in fields(Config)} | {""}
    assert {option.field for option in OPTIONS} <= known


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.session)
def test_no_two_options_of_a_command_share_a_name(command: Command) -> None:
    mine = [option for option in OPTIONS if command.session in option.commands]
    names = [option.name for option in mine] + [option.short for option in mine if option.short]
    assert len(names) == len(set(names))


def test_the_keys_of_the_configuration_file_are_unambiguous() -> None:
    names = [option.name for option in OPTIONS if option.key]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ({}, {}),
        ({"requirement": "r.txt", "jobs": 2}, {"requirement": "r.txt", "jobs": 2}),
        ({"only-binary": ["uv"]}, {"only_binary": ("uv",)}),
        ({"max-log": "2G", "max-disk": 10}, {"max_log": 2 << 30, "max_disk": 10}),
        ({"timeout": 10, "silence-timeout": 1.5}, {"timeout": 10, "silence_timeout": 1.5}),
        ({"as-of": date(2025, 4, 3)}, {"as_of": date(2025, 4, 3)}),
        ({"as-of": "now"}, {"as_of": "now"}),
        (
            {"packages": {"a": {"as-of": date(2025, 4, 3)}, "b": {"as-of": "now"}}},
            {"as_of_packages": (("a", date(2025, 4, 3)), ("b", "now"))},
        ),
        ({"config-setting": ["a=b"]}, {"config_settings": (("a", "b"),)}),
        ({"vary": ["all"]}, {"vary": ()}),
        ({"skip": ["a"], "keep-debug-info": False}, {"skip": ("a",), "keep_debug_info": False}),
    ],
)
def test_keys_of_the_file_become_fields(table: dict[str, Any], values: dict[str, Any]) -> None:
    assert options.from_toml(table, "pyproject.toml") == values
    Config(**values)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"output": 3}, "a string"),
        ({"jobs": "4"}, "a whole number"),
        ({"jobs": True}, "a whole number"),
        ({"build-processors": True}, "a whole number"),
        ({"timeout": "4"}, "a number"),
        ({"timeout": False}, "a number"),
        ({"quiet": "yes"}, "true or false"),
        ({"quiet": 1}, "true or false"),
        ({"only-binary": "uv"}, "a list of strings"),
        ({"only-binary": [1]}, "a list of strings"),
        ({"config-setting": ["a"]}, "KEY=VALUE"),
        ({"config-setting": {"a": "b"}}, "a list of strings"),
        ({"max-log": "much"}, "not a size"),
        ({"max-log": True}, "a whole number"),
        ({"as-of": 3}, "a date"),
        ({"packages": 3}, "a table of a project is required"),
        ({"packages": {"a": 3}}, "a: a table of a project is required"),
        (
            {"packages": {"a": {"asof": "now"}}},
            "a: unknown key 'asof'; known keys: as-of, ",
        ),
        ({"packages": {"a": {"as-of": 3}}}, "a date"),
        ({"wheels": "w"}, "unknown key"),
        ({"help": True}, "unknown key"),
        ({"no-hash": True}, "unknown key"),
        ({"tool": {}}, "unknown key"),
    ],
)
def test_a_bad_key_is_refused_with_the_file_and_its_name(table: dict[str, Any], said: str) -> None:
    with pytest.raises(AsamanError) as caught:
        options.from_toml(table, "the/pyproject.toml")
    (key,) = table
    assert caught.value.what == f"the/pyproject.toml: [tool.amrasaman] {key}"
    assert said in caught.value.why


@pytest.mark.parametrize(
    ("key", "near"), [("requirements", "requirement"), ("index_url", "index-url")]
)
def test_a_near_miss_of_a_key_is_suggested(key: str, near: str) -> None:
    with pytest.raises(AsamanError) as caught:
        options.from_toml({key: "x"}, "pyproject.toml")
    assert caught.value.hint == f"did you mean {near}?"


def test_all_bad_keys_are_named_at_once() -> None:
    with pytest.raises(AsamanError) as caught:
        options.from_toml({"x": 1, "jobs": "1"}, "pyproject.toml")
    assert sum(line.startswith("error: ") for line in caught.value.lines()) == 2
