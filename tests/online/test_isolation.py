"""Real sources, pure and compiled: the same wheels on every rung, whoever builds."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sandbox.ladder import choose

from ..support.bench import Bench

pytestmark = [pytest.mark.online, pytest.mark.slow]

PINS = (
    "iniconfig==2.1.0"
    " --hash=sha256:3abbd2e30b36733fee78f9c7f7308f2d0050e88f0087fd25c2645f63c773e1c7",
    "packaging==25.0"
    " --hash=sha256:d443872c98d677bf60f6a1f2f8c1cb748e8fe762d2bf9d3148b5599295b0fc4f",
    "MarkupSafe==3.0.2"
    " --hash=sha256:ee55d3edf80167e48ea11a923c7386f4669df67d7994554387f84e7d8b0a2bf0",
    "frozenlist==1.7.0"
    " --hash=sha256:2e310d81923c2437ea8670467121cc3e9b0f76d3043cc1d2331d56c7fb7a3a8f",
)


def built(folder: Path, rung: str, *before: str) -> dict[str, str]:
    """Return the hashes of the wheels that a run makes on a rung."""
    bench = Bench(folder, "", folder / "cache", before=before)
    bench.write(*PINS)
    if before:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody")
    done = bench.asaman("-r", "requirements.txt", "--isolation", rung)
    assert done.returncode == 0, done.stderr
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in bench.wheels.glob("*.whl")
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is built on the highest rung."""
    try:
        choose("full")
    except AsamanError as error:
        pytest.skip(str(error))
    found = built(tmp_path_factory.mktemp("full") / "work", "full")
    assert len(found) == len(PINS)
    return found


def test_namespaces_give_the_wheels_of_full(expected: dict[str, str], tmp_path: Path) -> None:
    assert built(tmp_path / "work", "namespaces") == expected


def test_without_isolation_the_wheels_are_those_of_full(
    expected: dict[str, str], tmp_path: Path
) -> None:
    assert built(tmp_path / "work", "none") == expected


@pytest.mark.parametrize("rung", ["full", "namespaces"])
def test_an_unprivileged_user_gets_the_wheels_of_root(
    expected: dict[str, str], tmp_path: Path, rung: str
) -> None:
    before = ("setpriv", "--reuid", "nobody", "--clear-groups")
    program = Path(Bench.programs) / "asaman"
    if os.geteuid() != 0:
        pytest.skip("it takes root to be both")
    # Through a shell: root's rights are gone only after the first program is started.
    try_it = [*before, "sh", "-c", '"$0" --help', str(program)]
    if subprocess.run(try_it, check=False, capture_output=True).returncode:
        pytest.skip("the installed commands are in a folder that only root may read")
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    assert built(folder, rung, *before) == expected
