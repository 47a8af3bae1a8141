"""The sessions through nox, with the real work."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .support import miniatures
from .support.repositories import NEEDS_GIT, git

if TYPE_CHECKING:
    from pathlib import Path

    from .support.bench import Bench

NOXFILE = """
import nox
import amrasaman_nox

amrasaman_nox.register()

@nox.session(venv_backend="none", tags=["release"])
def other(session):
    print("the other one ran")

{more}

if __name__ == "__main__":
    nox.main()
"""
# How a noxfile works with what was built.
USES = """
@nox.session(venv_backend="none")
def uses(session):
    environment = amrasaman_nox.create_environment(session, "verified-requirements.txt")
    session.run(f"{environment}/bin/python", "-c", "import mini_flit; print('imported')",
                external=True)
"""


@pytest.fixture
def project(bench: Bench) -> Bench:
    bench.write(*miniatures.pins("mini-flit", "mini-legacy"))
    bench.write(NOXFILE.format(more=USES), name="noxfile.py")
    bench.write(
        "[tool.amrasaman]",
        'requirement = "requirements.txt"',
        f'index-url = "{bench.index_url}"',
        f'cache-dir = "{bench.cache}"',
        name="pyproject.toml",
    )
    (bench.folder / "below/further").mkdir(parents=True)
    return bench


def nox(
    bench: Bench, *arguments: str, script: bool = False, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    start = ["noxfile.py"] if script else ["-m", "nox"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=cwd or bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@pytest.mark.parametrize("script", [False, True])
def test_a_session_builds_and_another_one_verifies(project: Bench, script: bool) -> None:
    done = nox(project, "-s", "reproducible_wheels", "verified_requirements", script=script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(project.hashes()) == 2
    text = (project.folder / "verified-requirements.txt").read_text()
    assert all(digest in text for digest in project.hashes().values())


def test_a_release_builds_verifies_and_rebuilds(project: Bench) -> None:
    done = nox(project, "-t", "release")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the other one ran" in done.stdout
    assert done.stdout.count("identical") >= 2
    assert (project.folder / "verified-requirements.txt").exists()


def test_a_session_runs_from_a_subfolder(project: Bench) -> None:
    noxfile = ("-f", str(project.folder / "noxfile.py"))
    below = project.folder / "below/further"
    done = nox(project, *noxfile, "-s", "reproducible_wheels", cwd=below)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(project.hashes()) == 2
    assert not list(below.iterdir())


def test_options_of_the_command_line_reach_the_work(project: Bench) -> None:
    project.write(*miniatures.pins("mini-pdm"), name="below/own.txt")
    arguments = ("-s", "reproducible_wheels", "--", "-r", "below/own.txt", "-o", "out", "-q")
    done = nox(project, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(project.hashes(project.folder / "out")) == ["mini_pdm-1.0-py2.py3-none-any.whl"]
    assert not project.wheels.exists()


def test_the_lock_session_writes_the_lock_alone(project: Bench) -> None:
    done = nox(project, "-s", "lock_build_requirements")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.folder / "requirements.build-lock.toml").exists()
    assert not project.wheels.exists()


@pytest.mark.slow
def test_a_throwaway_environment_holds_what_was_verified(project: Bench) -> None:
    done = nox(project, "-s", "reproducible_wheels", "verified_requirements", "uses")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "imported" in done.stdout
    wheel = min(project.hashes())
    (project.wheels / wheel).write_bytes(b"another one")
    assert nox(project, "-s", "uses").returncode == 1


def test_a_failed_build_fails_its_session_and_no_other(project: Bench) -> None:
    project.write(f"mini-flit==1.0 --hash=sha256:{'0' * 64}")
    done = nox(project, "-s", "reproducible_wheels", "other")
    assert done.returncode == 1
    assert "error: mini-flit==1.0: hash mismatch" in done.stderr
    assert "Session reproducible_wheels aborted: exit code 2" in done.stderr
    assert "the other one ran" in done.stdout
    assert "Traceback" not in done.stderr


@NEEDS_GIT
def test_a_release_of_a_project_leaves_what_is_uploaded_in_dist(bench: Bench) -> None:
    bench.write(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"',
        '[project]\nname = "mini-here"\nversion = "3.0"\ndescription = "Here"',
        'readme = "README.md"\nrequires-python = ">=3.11"',
        '[tool.flit.sdist]\ninclude = ["noxfile.py"]',
        f'[tool.amrasaman]\nindex-url = "{bench.index_url}"\ncache-dir = "{bench.cache}"',
        'vary = ["umask"]',
        name="pyproject.toml",
    )
    bench.write('"""Here."""', name="mini_here.py")
    bench.write("# Here", name="README.md")
    bench.write(NOXFILE.format(more=""), name="noxfile.py")
    bench.write("home/", "dist/", ".nox/", "__pycache__/", name=".gitignore")
    git(bench.folder, "init", "-q")
    git(bench.folder, "add", "-A")
    git(bench.folder, "commit", "-q", "-m", "x")
    git(bench.folder, "tag", "v3.0")
    done = nox(bench, "-t", "release")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (bench.folder / "dist").iterdir()) == [
        "mini_here-3.0-py3-none-any.whl",
        "mini_here-3.0.tar.gz",
    ]
    assert git(bench.folder, "status", "--porcelain") == ""
