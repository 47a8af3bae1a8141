"""Whether a build lock is that of its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.file import write_lock
from amrasaman_nox.config.config import Config
from amrasaman_nox.environments import interpreters
from amrasaman_nox.model import BuildLock, Digest, LockEntry
from amrasaman_nox.runs.lock_check import outdated
from amrasaman_nox.runs.project import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = (Digest.of(name) for name in (b"one", b"two"))


def entry(digest: Digest, name: str = "one") -> LockEntry:
    key = interpreters.inspect("").key
    return LockEntry(name=name, version="1.0", sdist=digest, interpreter=key, files=())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "r.txt").write_text(f"one==1.0 --hash={ONE}\n")
    return Config(requirement=tmp_path / "r.txt", lock=tmp_path / "l.toml")


def said(config: Config, *entries: LockEntry) -> list[str]:
    assert config.lock is not None
    write_lock(config.lock, BuildLock(entries=entries))
    return [finding.what.partition(" ")[2] for finding in outdated(config)]


def test_a_lock_with_what_the_pins_need_is_current(config: Config) -> None:
    assert said(config, entry(ONE)) == []


def test_what_is_lacking_and_what_is_no_longer_needed_is_named(config: Config) -> None:
    assert said(config, entry(TWO, "two")) == [
        "lacks the build requirements of one==1.0",
        "has build requirements that no pin needs: two",
    ]


def test_a_published_wheel_needs_no_entry(config: Config, tmp_path: Path) -> None:
    wheel = Config(requirement=tmp_path / "r.txt", lock=config.lock, only_binary=("one",))
    assert said(wheel) == []


def test_a_project_needs_the_entry_of_its_own_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    project = Config(project=tmp_path, lock=tmp_path / "l.toml")
    assert "lacks the build requirements" in said(project)[0]
    assert said(project, entry(tree_digest(tmp_path)), entry(TWO)) == []
