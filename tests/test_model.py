"""What values say of themselves holds: stages and states are those that are produced."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import BuildFailure, BuildJob, Event
from amrasaman_nox.reports.progress import STAGES

from .support import house

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a hook's name is made of where it is not written as a whole.
_KINDS = ("wheel", "sdist")


def documented(thing: type) -> set[str]:
    return set(re.findall(r"``(\w+)``", inspect.getdoc(thing) or "")) - {"stage", "state"}


def calls() -> Iterator[tuple[ast.Module, ast.Call]]:
    for module in house.modules():
        tree = house.tree(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield tree, node


def values(node: ast.AST, tree: ast.Module) -> set[str]:
    """Return the texts that an expression can be, as far as the module says."""
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.JoinedStr(values=[ast.Constant(value=str() as start), _]):
            return {f"{start}{kind}" for kind in _KINDS}
        case ast.IfExp(body=one, orelse=other):
            return values(one, tree) | values(other, tree)
        case ast.Name(id=name):
            return {text for value in assigned(name, tree) for text in values(value, tree)}
    return set()


def assigned(name: str, tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what is assigned to *name* anywhere in a module."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            else:
                pairs = [(target, node.value)]
            for one, value in pairs:
                if isinstance(one, ast.Name) and one.id == name:
                    yield value


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def given(name: str, keyword: str, position: int | None = None) -> set[str]:
    """Return what calls of *name* give for an argument."""
    found: set[str] = set()
    for tree, call in calls():
        if name_of(call) == name:
            arguments = [each.value for each in call.keywords if each.arg == keyword]
            if position is not None:
                arguments += call.args[position : position + 1]
            found |= {text for each in arguments for text in values(each, tree)}
    return found


def test_a_failure_has_a_stage_that_is_documented_and_each_of_them_occurs() -> None:
    stages = given("of", "stage") | given("of_error", "stage", 1) | given("failure_of", "stage", 1)
    hooks = given("HookFailed", "hook")
    assert stages
    assert stages | hooks == documented(BuildFailure)


@pytest.mark.parametrize(
    # A failure makes itself: by BuildFailure.of, and of_error.
    ("value", "modules"),
    [(BuildFailure, []), (BuildJob, ["builds.jobs", "verification.claims"])],
)
def test_a_value_is_made_in_one_place(value: type, modules: list[str]) -> None:
    assert [each for each in house.modules() if _calls(each, value.__name__)] == modules


def _calls(module: str, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and name_of(node) == name
        for node in ast.walk(house.tree(module))
    )


@pytest.mark.parametrize("field", ["stage", "state"])
def test_an_event_has_stages_and_states_that_are_documented(field: str) -> None:
    assert given("Event", field) <= documented(Event)


def test_each_documented_stage_and_state_of_an_event_occurs() -> None:
    stages = given("Event", "stage")
    assert stages | given("Event", "state") == documented(Event)
    assert stages - {"note", "warning"} == set(STAGES)
