"""This project and all that it requires, from source, as docs/how-to/bootstrap.md shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..support.bench import BIN, Bench

pytestmark = [pytest.mark.online, pytest.mark.slow]

PROJECT = Path(__file__).parents[2]
# Later ones need a build requirement that not every index has.
OLDER = ("filelock<3.29", "platformdirs<4.9", "virtualenv<20.36")
# Releases with an sdist, and of one day: what comes out tomorrow is no matter of this test's.
WITH_SDIST = ("--no-binary", ":all:", "--only-binary", "uv")
ONE_DAY = ("--exclude-newer", "2026-10-15T00:00:00Z")


def run(bench: Bench, *command: str | Path) -> str:
    done = subprocess.run(
        command,
        cwd=bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_this_project_can_be_installed_from_wheels_that_it_built(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "work", "", tmp_path / "cache", patience=900)
    done = bench.asaman("-o", str(tmp_path / "built"), cwd=PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    (bench.folder / "dist").mkdir()
    (sdist,) = (tmp_path / "built").glob("*.tar.gz")
    sdist.rename(bench.folder / "dist" / sdist.name)
    bench.write("amrasaman-nox", *OLDER, name="bootstrap.in")
    run(
        bench,
        *(BIN / "uv", "pip", "compile", "--quiet", "--generate-hashes", *WITH_SDIST, *ONE_DAY),
        *("--find-links", "dist", "--python", sys.executable),
        *("bootstrap.in", "-o", "bootstrap.txt"),
    )
    known = ("--find-links", "dist", "--only-binary", "uv")
    done = bench.asaman("-r", "bootstrap.txt", *known)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 published as is" in done.stdout
    assert bench.generate("bootstrap.txt").returncode == 0
    run(bench, sys.executable, "-m", "venv", "fresh")
    run(
        bench,
        *("fresh/bin/pip", "install", "--no-index", "--find-links", "wheels", "--require-hashes"),
        *("--only-binary", ":all:", "-r", "verified-bootstrap.txt"),
    )
    assert "No broken requirements found" in run(bench, "fresh/bin/pip", "check")
    bench.programs, bench.variables = bench.folder / "fresh/bin", {"PYTHONPATH": ""}
    bench.wheels.rename(bench.folder / "wheels-of-the-first")
    expected = bench.hashes(bench.folder / "wheels-of-the-first")
    assert bench.asaman("-r", "bootstrap.txt", *known, "--rebuild", "-q").returncode == 0
    assert bench.hashes() == expected
