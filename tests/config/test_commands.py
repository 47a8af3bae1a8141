"""The table of commands: what follows from a row."""

from __future__ import annotations

import inspect
import tomllib
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import amrasaman_nox
from amrasaman_nox.config.commands import COMMANDS, WORDS, Command, by_session, sessions_that
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.help import help_text
from amrasaman_nox.config.options import OPTIONS

each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.session)


@each_command
def test_the_work_of_a_command_is_a_function_that_takes_a_configuration(command: Command) -> None:
    module, _, name = command.work.partition(":")
    work = getattr(import_module(f"amrasaman_nox.{module}"), name)
    first, second, *others = inspect.signature(work).parameters.values()
    assert (first.name, first.annotation) == ("config", "Config")
    assert (second.name, second.kind) == ("notify", second.KEYWORD_ONLY)
    assert all(other.kind == other.KEYWORD_ONLY and other.default is None for other in others)
    assert inspect.signature(work).return_annotation == "Report"


@each_command
def test_a_command_is_listed_in_the_help_of_the_first(command: Command) -> None:
    lines = help_text(COMMANDS[0], "asaman").splitlines()
    assert [command.word, command.summary] in [line.split(maxsplit=1) for line in lines]


@each_command
def test_a_session_of_a_command_is_public(command: Command) -> None:
    assert command.session in amrasaman_nox.__all__
    function = getattr(amrasaman_nox, command.session)
    assert (function.__name__, function.__doc__) == (command.session, command.summary)


@each_command
def test_an_argument_sets_a_field(command: Command) -> None:
    known = {"file", *(each.name for each in fields(Config))}
    assert {argument.field for argument in command.arguments} <= known
    assert all(argument.metavar in help_text(command) for argument in command.arguments)


def test_the_word_behind_asaman_is_that_of_the_table() -> None:
    assert [WORDS[command.word] for command in COMMANDS] == list(COMMANDS)


def test_no_two_commands_share_a_name() -> None:
    for names in ([one.session for one in COMMANDS], [one.word for one in COMMANDS]):
        assert len(names) == len(set(names))


def test_options_name_sessions_that_there_are() -> None:
    known = {command.session for command in COMMANDS}
    assert all(option.commands and option.commands <= known for option in OPTIONS)
    assert sessions_that() == known


def test_the_console_scripts_are_those_of_the_table() -> None:
    content = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    scripts = tomllib.loads(content)["project"]["scripts"]
    assert set(scripts) == {command.script for command in COMMANDS if command.script}


def test_a_command_is_found_by_its_session() -> None:
    assert by_session("verify").word == "verify"
