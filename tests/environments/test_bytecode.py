from __future__ import annotations

import sysconfig

import pytest

from amrasaman_nox.environments import bytecode
from amrasaman_nox.sandbox.inside import precompile


def test_what_is_known_to_be_imported_is_named() -> None:
    found = bytecode.modules("setuptools", "hatchling.build")
    assert {"setuptools.build_meta", "setuptools.command.bdist_wheel"} <= set(found)


def test_of_a_project_that_nobody_knows_all_at_the_top_is_meant_and_the_backend() -> None:
    assert bytecode.modules("made-up", "made.up:backend") == ("*", "made.up")
    assert bytecode.modules("made-up", "") == ("*",)


@pytest.mark.parametrize("project", ["setuptools", "hatchling", "flit-core", "poetry-core"])
def test_most_of_what_is_listed_exists_whatever_the_version(project: str) -> None:
    listed = bytecode.modules(project, "")
    site = sysconfig.get_path("purelib")
    found = [name for name in listed if precompile.path_of(site, precompile.renamed(name))]
    assert len(found) >= len(listed) * 3 / 4 > 1
