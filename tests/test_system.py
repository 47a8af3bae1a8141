"""What a system lacks, and what is done in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import system

from .support import elsewhere

if TYPE_CHECKING:
    from pathlib import Path

_WRITE = """
import sys
from pathlib import Path
from tests.support import elsewhere
elsewhere.pretend(sys.argv[1])
from amrasaman_nox import files, ownership, system
assert not system.builds()
folder = Path(sys.argv[2])
files.put_in_place(folder / "a", b"one")
files.put_in_place(folder / "a", b"two")
with files.folder() as own:
    (own / "deep" / "deeper").mkdir(parents=True)
    (own / "deep" / "file").write_text("x")
assert not own.exists()
print(files.digest_of(folder / "a")[:8], ownership.why_not_ours(folder / "a"))
"""


@pytest.mark.parametrize("name", elsewhere.SYSTEMS)
def test_files_are_put_in_place_on_other_systems(tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WRITE, name, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3fc4ccfe None\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_builds_run_on_linux_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.builds()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not system.builds()


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    system.lock(first)
    with pytest.raises(BlockingIOError):
        system.lock(second)
    os.close(first)
    system.lock(second)
    os.close(second)
