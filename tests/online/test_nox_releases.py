"""Releases of nox, from the lowest that is allowed to the newest: sessions and commands run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import uv

from tests.support.bench import Bench

ROOT = Path(__file__).parents[2]
RELEASES = ("==2024.10.9", "==2025.2.9", "==2025.10.16", "")
PIN = "six==1.17.0 --hash=sha256:ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81"

pytestmark = pytest.mark.online


@pytest.fixture(params=RELEASES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A working folder with the programs of an environment that has a release of nox."""
    environment, client = tmp_path / "environment", uv.find_uv_bin()
    subprocess.run([client, "venv", "-q", environment], check=True)
    wanted = [f"nox{request.param}", "--editable", str(ROOT)]
    subprocess.run([client, "pip", "install", "-q", "-p", environment, *wanted], check=True)
    made = Bench(tmp_path / "work", "", tmp_path / "cache", programs=environment / "bin")
    made.write(PIN)
    made.write((ROOT / "examples/noxfile.py").read_text(), name="noxfile.py")
    return made


def test_sessions_and_commands_run(bench: Bench) -> None:
    assert "-> Rebuild under variations" in bench.run("nox", "-l").stdout
    pins = ("-r", "requirements.txt", "--cache-dir", str(bench.cache))
    done = bench.run("nox", "-s", "reproducible_wheels", "--", *pins)
    assert done.returncode == 0, done.stdout + done.stderr
    done = bench.run("asaman", "verify", *pins, "--vary", "umask")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout
    assert bench.run("asaman", "-r", "missing.txt").returncode == 2
