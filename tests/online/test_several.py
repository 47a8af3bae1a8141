"""Real sources: all build, and everybody gets the same wheels and the same verified file."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ..support.bench import Bench

pytestmark = [pytest.mark.online, pytest.mark.slow]

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
SEVERAL = HERE / "requirements-several.txt"
NOBODY = 65534


def built(bench: Bench, requirements: str, *arguments: str, **changes: object) -> dict[str, str]:
    """Build all, and write the verified file; return hashes, with those of the verified file."""
    bench.patience = 900
    (bench.folder / "requirements.txt").write_text(requirements)
    done = bench.asaman("-r", "requirements.txt", *arguments, **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "built" in done.stdout
    assert bench.generate("requirements.txt", **changes).returncode == 0
    verified = (bench.folder / "verified-requirements.txt").read_text()
    return {**bench.hashes(), "verified-requirements.txt": verified}


def test_two_people_with_fresh_caches_get_the_same_wheels(tmp_path: Path) -> None:
    one = Bench(tmp_path / "one", "", tmp_path / "cache-one")
    other = Bench(tmp_path / "another folder", "", tmp_path / "cache-other")
    other.variables = {
        "HOME": str(tmp_path / "home"),
        "TZ": "Pacific/Chatham",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "tr_TR.UTF-8",
        "USER": "somebody",
        "COLUMNS": "20",
    }
    requirements = SEVERAL.read_text()
    expected = built(one, requirements)
    assert len(expected) == requirements.count("==") + 1
    got = built(other, requirements, "-j", "1", preexec=lambda: os.umask(0o077))
    assert got == expected
    locks = [bench.folder / "requirements.build-lock.toml" for bench in (one, other)]
    assert locks[0].read_text() == locks[1].read_text()
    sdist = next((one.cache / "files").rglob(_digest_of(requirements, "frozenlist")))
    shutil.copy(sdist, other.folder / "frozenlist-1.7.0.tar.gz")
    done = other.asaman("-s", "frozenlist-1.7.0.tar.gz", "-o", "single", "--rebuild")
    assert done.returncode == 0, done.stderr
    assert other.hashes(other.folder / "single").items() <= expected.items()


@pytest.mark.long
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("file", ["benchmark-29.txt", "compiled.txt"])
def test_two_people_agree_on_the_pins_of_the_evaluation(
    tmp_path: Path, file: str, python: str
) -> None:
    requirements = (HERE.parent / "evaluation" / file).read_text()
    one = Bench(tmp_path / "one", "", tmp_path / "cache-one", patience=3600)
    other = Bench(tmp_path / "another folder", "", tmp_path / "cache-other", patience=3600)
    other.variables = {"HOME": str(tmp_path / "home"), "TZ": "Pacific/Chatham", "USER": "somebody"}
    found = []
    for bench, umask in ((one, 0o022), (other, 0o077)):
        (bench.folder / "requirements.txt").write_text(requirements)
        options = ("-r", "requirements.txt", "--python", str(interpreter(python)))
        done = bench.asaman(*options, preexec=functools.partial(os.umask, umask))
        assert done.returncode == 0, done.stdout + done.stderr
        lock = (bench.folder / "requirements.build-lock.toml").read_text()
        found.append({**bench.hashes(), "build lock": lock})
    assert len(found[0]) == requirements.count("==") + 1
    assert found[0] == found[1]


def interpreter(version: str) -> Path:
    """Return the interpreter of this version that is installed beside this one, or on the path."""
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}*/bin/python{version}"))
    found = [*beside, *map(Path, filter(None, [shutil.which(f"python{version}")]))]
    if not found:
        pytest.skip(f"Python {version} is not installed")
    return found[0]


def _digest_of(requirements: str, name: str) -> str:
    return requirements.partition(f"{name}==")[2].partition("sha256:")[2][:64]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unprivileged_user_gets_what_root_gets() -> None:
    python, setpriv = shutil.which("python3", path="/usr/bin"), shutil.which("setpriv")
    if python is None or setpriv is None:
        pytest.skip("there is no interpreter that everybody may read, or no setpriv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        venv = folder / "venv"
        if subprocess.run([python, "-m", "venv", str(venv)], check=False).returncode:
            pytest.skip("the system's interpreter makes no virtual environment")
        subprocess.run([venv / "bin/pip", "install", "-q", str(PROJECT)], check=True)
        requirements = _pure(SEVERAL.read_text())
        root = Bench(folder / "root", "", folder / "cache-root", programs=venv / "bin")
        user = Bench(folder / "user", "", folder / "user/cache", programs=venv / "bin")
        user.before = (setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        user.variables = root.variables = {"PYTHONPATH": ""}
        os.chown(user.folder, NOBODY, NOBODY)
        (user.folder / "home").mkdir()
        os.chown(user.folder / "home", NOBODY, NOBODY)
        assert built(user, requirements) == built(root, requirements)


def _pure(requirements: str) -> str:
    """Return the pins that need no headers of the interpreter."""
    compiled = ("frozenlist", "setproctitle", "markupsafe", "pyyaml")
    pins = requirements.replace("\\\n", "").splitlines(keepends=True)
    return "".join(pin for pin in pins if not pin.startswith(compiled))
