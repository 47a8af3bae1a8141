"""What root sees of hostile backends, an unprivileged user sees too: the same tests, run as one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "65534"
FILES = ("tests/sandbox/test_hostile.py", "tests/runs/test_early.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]


def readable_python() -> str:
    """Return an interpreter of this release that any user may run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/local/bin:/usr/bin")
    if found is None:
        pytest.skip(f"there is no {name} that any user may run")
    return found


@pytest.mark.parametrize("file", FILES)
def test_hostile_backends_get_no_further_as_an_unprivileged_user(file: str) -> None:
    user = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--")
    packages = sysconfig.get_path("purelib")
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, int(NOBODY), int(NOBODY))
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "TMPDIR": home,
            "PYTHONPATH": f"{ROOT}:{packages}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        python = (*user, readable_python(), "-m", "pytest")
        ready = subprocess.run([*python, "--version"], cwd=ROOT, env=variables, check=False)
        if ready.returncode:
            pytest.skip("this checkout, or what the tests need, is not for any user to read")
        done = subprocess.run(
            [*python, "-q", "-p", "no:cacheprovider", "--tb=short", file],
            cwd=ROOT,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
