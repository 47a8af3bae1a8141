"""What works on macOS and Windows: everything but building, with what they lack hidden."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .support import elsewhere, miniatures

if TYPE_CHECKING:
    from .support.bench import Bench

ROOT = Path(__file__).parents[1]
SYSTEMS = pytest.mark.parametrize("system", elsewhere.SYSTEMS)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {name: text for name, text in os.environ.items() if not name.startswith("NOX")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def asaman(folder: Path, system: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "tests.support.elsewhere", system, *arguments)


@pytest.fixture
def built(bench: Bench) -> Path:
    """A folder in which a build on Linux left its wheels."""
    bench.write(*miniatures.pins("mini-flit", "mini-legacy"))
    done = bench.asaman("-r", "requirements.txt", "-o", "part")
    assert done.returncode == 0, done.stderr
    return bench.folder


@SYSTEMS
def test_wheels_that_were_built_on_linux_are_merged_indexed_and_verified(
    built: Path, system: str
) -> None:
    done = asaman(built, system, "merge", "part", "--json", "merged.json")
    assert done.returncode == 0, done.stderr
    assert len(list((built / "wheels").glob("*.whl"))) == 2
    done = asaman(built, system, "index", "part", "site", "--json", "index.json")
    assert done.returncode == 0, done.stderr
    assert len(list((built / "site/simple").glob("*/index.html"))) == 2
    done = asaman(built, system, "generate", "requirements.txt")
    assert done.returncode == 0, done.stderr
    assert (built / "verified-requirements.txt").read_text().count("--hash=") == 2


def test_a_build_lock_is_checked_on_macos(built: Path) -> None:
    done = asaman(built, "darwin", "lock", "--check", "requirements.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    (built / "requirements.build-lock.toml").unlink()
    done = asaman(built, "darwin", "lock", "--check", "requirements.txt")
    assert done.returncode == 1
    assert "lacks the build requirements of mini-flit==1.0" in done.stdout


@SYSTEMS
def test_doctor_says_what_it_can_of_every_system(tmp_path: Path, system: str) -> None:
    done = asaman(tmp_path, system, "doctor", "--offline", "--cache-dir", "cache")
    assert done.returncode == 0, done.stderr
    assert f"building needs Linux, and this is {system}" in done.stdout
    assert "versions " in done.stdout
    required = ("--offline", "--cache-dir", "cache", "--require", "isolation")
    assert asaman(tmp_path, system, "doctor", *required).returncode == 4


@SYSTEMS
def test_wheels_are_compared(built: Path, system: str) -> None:
    wheel = next((built / "part").glob("mini_flit*.whl"))
    script = (
        "from tests.support import elsewhere\n"
        f"elsewhere.pretend({system!r})\n"
        "import amrasaman_nox\n"
        f"print(amrasaman_nox.compare_wheels({str(wheel)!r}, {str(wheel)!r}).verdict.value)"
    )
    done = run(built, "-c", script)
    assert (done.stdout, done.returncode) == ("identical\n", 0), done.stderr


@SYSTEMS
@pytest.mark.parametrize("command", [(), ("verify",), ("lock",)])
def test_a_command_that_builds_says_in_one_line_where_it_works(
    tmp_path: Path, system: str, command: tuple[str, ...]
) -> None:
    (tmp_path / "requirements.txt").write_text("")
    done = asaman(tmp_path, system, *command, "-r", "requirements.txt")
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        f"error: building: needs Linux, and this is {system}",
        "hint: in a container: docs/how-to/container.md of amrasaman-nox",
    ]


NOXFILE = """
import nox
from tests.support import elsewhere
elsewhere.pretend({system!r})
try:
    import amrasaman_nox
except ImportError:
    pass
else:
    amrasaman_nox.register(amrasaman_nox.Config(requirement="requirements.txt"))

@nox.session(venv_backend="none")
def tests(session):
    print("the tests ran")
"""


@SYSTEMS
def test_sessions_that_build_skip_with_one_line(tmp_path: Path, system: str) -> None:
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "noxfile.py").write_text(NOXFILE.format(system=system))
    done = run(tmp_path, "-m", "nox", "-s", "reproducible_wheels", "verify", "tests")
    assert done.returncode == 0, done.stderr
    assert "the tests ran" in done.stdout
    skipped = [line for line in done.stderr.splitlines() if "needs Linux" in line]
    text = f"needs Linux, and this is {system}; in a container: docs/how-to/container.md"
    for session in ("reproducible_wheels", "verify"):
        assert any(f"Session {session} skipped: {text}" in line for line in skipped)


def test_a_noxfile_with_the_guarded_import_works_without_us(tmp_path: Path) -> None:
    text = NOXFILE.format(system="linux").replace(
        "elsewhere.pretend('linux')", "import sys; sys.modules['amrasaman_nox'] = None"
    )
    assert "None" in text
    (tmp_path / "noxfile.py").write_text(text)
    done = run(tmp_path, "-m", "nox")
    assert done.returncode == 0, done.stderr
    assert "the tests ran" in done.stdout
    assert "verify" not in run(tmp_path, "-m", "nox", "-l").stdout


def test_to_register_imports_little(tmp_path: Path) -> None:
    script = (
        "import sys, nox; before = set(sys.modules); import amrasaman_nox\n"
        "amrasaman_nox.register()\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    assert run(tmp_path, "-c", script).stdout.split() == [
        *("_contextvars", "amrasaman_nox", "amrasaman_nox.config", "amrasaman_nox.config.commands"),
        *("amrasaman_nox.errors", "amrasaman_nox.sessions", "contextvars"),
    ]
