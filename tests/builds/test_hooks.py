"""The build frontend: what it asks for, as the sandbox shows it."""

from __future__ import annotations

import json
import os

import pytest

from amrasaman_nox.builds import hooks


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "_PYPROJECT_HOOKS_BACKEND_PATH_JSON",
            json.dumps(["/host/source", "/host/source/own"]),
            json.dumps(["/seen/source", "/seen/source/own"]),
        ),
        (
            "_PYPROJECT_HOOKS_BACKEND_PATH",
            os.pathsep.join(["/host/source", "/host/source/own"]),
            os.pathsep.join(["/seen/source", "/seen/source/own"]),
        ),
    ],
    ids=["since-1.3", "before-1.3"],
)
def test_an_in_tree_backend_is_where_the_hook_sees_it_whichever_way_the_frontend_says_it(
    name: str, before: str, after: str
) -> None:
    backend = {"_PYPROJECT_HOOKS_BUILD_BACKEND": "own"}
    found = hooks.backend_variables(
        {**backend, name: before}, lambda path: path.replace("/host", "/seen")
    )
    assert found == {**backend, name: after}
