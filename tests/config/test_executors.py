"""The table of executors: what follows from a row."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.executors import EXECUTORS, NAMES, Executor
from amrasaman_nox.config.help import help_text
from amrasaman_nox.errors import AsamanError

each_executor = pytest.mark.parametrize("executor", EXECUTORS, ids=lambda each: each.name)


@each_executor
def test_a_row_names_a_function_that_takes_a_configuration(executor: Executor) -> None:
    module, _, name = executor.opens.partition(":")
    opens = inspect.unwrap(getattr(import_module(f"amrasaman_nox.{module}"), name))
    (parameter,) = inspect.signature(opens).parameters.values()
    assert (parameter.name, parameter.annotation) == ("config", "Config")
    assert inspect.signature(opens).return_annotation == "Iterator[Workers]"


@each_executor
def test_an_executor_is_in_the_help(executor: Executor) -> None:
    lines = " ".join(help_text(COMMANDS[0], whole=True).split())
    assert executor.where in lines
    assert "|".join(NAMES) in lines


@each_executor
def test_a_scheduler_is_asked_for_where_one_is_needed(executor: Executor) -> None:
    assert Config(executor=executor.name, scheduler="HOST:1").executor == executor.name
    if not executor.scheduler:
        assert Config(executor=executor.name).scheduler is None
        return
    with pytest.raises(AsamanError, match=f"executor {executor.name}: requires a scheduler"):
        Config(executor=executor.name)


def test_an_executor_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(AsamanError, match=f"'ray' is not one of {', '.join(NAMES)}"):
        Config(executor="ray")
