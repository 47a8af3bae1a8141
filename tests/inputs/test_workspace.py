"""The projects of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.workspace import members, projects_of, root_of

if TYPE_CHECKING:
    from pathlib import Path

BUILT = '[build-system]\nrequires = []\n[project]\nname = "x"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a workspace of ``parts/one``, ``parts/two`` and itself; ``parts/old`` is excluded."""
    for name in ("parts/one", "parts/two", "parts/old", "parts/.git", "apart"):
        add(tmp_path / name, BUILT)
    add(tmp_path, f"{BUILT}{workspace('parts/*', exclude='parts/old')}")
    return tmp_path


def add(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)


def workspace(*patterns: str, exclude: str = "none") -> str:
    return f'[tool.uv.workspace]\nmembers = {[*patterns]}\nexclude = ["{exclude}"]\n'


def test_the_members_are_those_of_the_patterns_and_the_root(root: Path) -> None:
    assert members(root) == (root, root / "parts/one", root / "parts/two")
    assert members(root / "parts/one") == members(root)
    assert projects_of(Config(project=root, all_packages=True)) == members(root)
    assert projects_of(Config(project=root)) == (root,)


def test_what_is_not_built_is_left_out(root: Path) -> None:
    add(root, workspace("parts/*"))
    add(root / "parts/one", '[project]\nname = "one"\n')
    add(root / "parts/old", f"{BUILT}[tool.uv]\npackage = false\n")
    assert members(root) == (root / "parts/two",)
    add(root / "parts/one", '[project]\nname = "one"\n[tool.uv]\npackage = true\n')
    assert members(root) == (root / "parts/one", root / "parts/two")


def test_a_project_that_no_pattern_names_is_in_no_workspace(root: Path) -> None:
    assert root_of(root / "parts/one") == root
    assert root_of(root / "apart") is None
    with pytest.raises(AsamanError, match="no workspace") as caught:
        members(root / "apart")
    assert "[tool.uv.workspace]" in caught.value.hint


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (workspace("none*", "empty"), "empty: no pyproject.toml"),
        (workspace("../*"), "is not below"),
        (workspace("/etc"), "is not below"),
        ("[tool.uv.workspace]\nmembers = 1\n", "a list of patterns is required"),
        ('[tool.uv.workspace]\nmembers = ["apart"]\n', r"no project of this workspace has"),
    ],
)
def test_a_table_that_makes_no_sense_is_named(root: Path, table: str, said: str) -> None:
    (root / "empty").mkdir()
    add(root / "apart", '[project]\nname = "x"\n')
    add(root, table)
    with pytest.raises(AsamanError, match=said):
        members(root)
