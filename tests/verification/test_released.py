"""A project's tree against its release on an index that is made here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ..support.repositories import NEEDS_GIT, git

if TYPE_CHECKING:
    from ..support.bench import Bench
    from ..support.index import LocalIndex

pytestmark = NEEDS_GIT


@pytest.fixture
def tree(bench: Bench, index: LocalIndex) -> Bench:
    """A project in a repository, and an index with its build backend alone."""
    index.add_installed("flit_core")
    bench.index_url = index.url
    bench.write(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"',
        '[project]\nname = "mini-released"\nversion = "3.0"\ndescription = "Here"',
        name="pyproject.toml",
    )
    bench.write('"""Here."""', name="mini_released.py")
    bench.write("home/", "wheels/", name=".gitignore")
    git(bench.folder, "init", "-q")
    git(bench.folder, "add", "-A")
    git(bench.folder, "commit", "-q", "-m", "x")
    return bench


def test_what_the_index_lacks_is_said_with_the_tag_to_check_out(tree: Bench) -> None:
    done = tree.asaman("verify", "--against", "published")
    assert done.returncode == 2
    assert "error: mini-released==3.0: the index has no sdist of it" in done.stderr
    assert "git switch" in done.stderr


@pytest.mark.slow
def test_the_release_is_compared_with_the_tree(tree: Bench, index: LocalIndex) -> None:
    assert tree.asaman().returncode == 0
    for path in tree.wheels.iterdir():
        if path.name.endswith((".whl", ".tar.gz")):
            index.add(path.read_bytes(), path.name, uploaded=datetime.now(UTC))
    done = tree.asaman("verify", "--against", "published", "--json", "v.json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tree.folder / "v.json").read_text())["comparisons"]
    sdist, wheel = found
    assert (sdist["verdict"], sdist["wheel"]) == ("identical", "mini_released-3.0.tar.gz")
    assert wheel["verdict"] in ("identical", "equivalent")
    tree.write('"""Here."""', "CHANGED = True", name="mini_released.py")
    done = tree.asaman("verify", "--against", "published", "--json", "v.json")
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tree.folder / "v.json").read_text())["comparisons"]
    assert found[0]["verdict"] == "different"
    assert found[0]["reason"].startswith("mini_released.py")
