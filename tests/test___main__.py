"""``python -m amrasaman_nox``."""

from __future__ import annotations

import subprocess
import sys


def test_the_package_is_run_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "amrasaman_nox", "verfy"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: asaman: no command verfy\nhint: did you mean asaman verify?\n"
