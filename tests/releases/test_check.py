"""The check before a release, through the console script and through nox."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.releases.check import check

from ..support.repositories import NEEDS_GIT, git

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.bench import Bench

pytestmark = NEEDS_GIT

PYPROJECT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"

[project]
name = "mini-here"
version = "3.0"
description = "Here"
readme = "README.md"
requires-python = ">=3.11"

[tool.amrasaman]
index-url = "{bench.index_url}"
cache-dir = "{bench.cache}"
"""


@pytest.fixture
def release(bench: Bench) -> Bench:
    """A project that is ready for a release."""
    bench.write(PYPROJECT.format(bench=bench), name="pyproject.toml")
    bench.write('"""Here."""', name="mini_here.py")
    bench.write("# Here", name="README.md")
    bench.write("import amrasaman_nox", "amrasaman_nox.register()", name="noxfile.py")
    bench.write("home/", "wheels/", ".nox/", "__pycache__/", name=".gitignore")
    git(bench.folder, "init", "-q")
    git(bench.folder, "add", "-A")
    git(bench.folder, "commit", "-q", "-m", "x")
    git(bench.folder, "tag", "v3.0")
    return bench


def test_what_is_allowed_is_no_failure(release: Bench) -> None:
    done = release.run("asaman", "check", "--json", "found.json")
    assert done.returncode == 1, done.stderr
    assert "left-out: the sdist lacks tracked file noxfile.py. Fix: " in done.stdout
    assert "1 to fix" in done.stdout
    found = json.loads((release.folder / "found.json").read_text())["findings"]
    assert [one["check"] for one in found] == ["left-out"]
    (release.folder / "found.json").unlink()
    done = release.run("asaman", "check", "--allow", "left-out")
    assert done.returncode == 0, done.stdout + done.stderr
    nox = [sys.executable, "-m", "nox", "-s", "release_check", "--", "--allow-findings", "left-out"]
    done = subprocess.run(
        nox,
        cwd=release.folder,
        env=release.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_check_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    config = Config(project=tmp_path, allow_findings=("tags",))
    with pytest.raises(AsamanError, match="--allow tags: no such check") as caught:
        check(config, notify=lambda event: None)
    assert "left-out" in caught.value.hint
