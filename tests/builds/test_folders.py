"""The folders of one build: private, gone afterwards, and the log of its hooks kept."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds.folders import build_folders
from amrasaman_nox.builds.hooks import HookFailed
from amrasaman_nox.model import BuildJob, Digest, Pin, Source
from amrasaman_nox.sandbox import view
from amrasaman_nox.sandbox.view import Isolation

if TYPE_CHECKING:
    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store

DIGEST = Digest.of(b"")
NAMES = {"source", "tree", "output", "control", "following", "home"}
each_rung = pytest.mark.parametrize("rung", ["full", "none"])


@pytest.fixture
def job(interpreter: Interpreter) -> BuildJob:
    pin = Pin(name="demo", version="1.0", digests=(DIGEST,))
    return BuildJob(
        source=Source(pin=pin, filename="demo-1.0.tar.gz", digest=DIGEST),
        requirements=(),
        interpreter=interpreter,
    )


@each_rung
def test_folders_are_private_and_gone_afterwards(rung: str, job: BuildJob, store: Store) -> None:
    with build_folders(job, store, Isolation(rung=rung)) as folder:
        assert {path.name for path in folder.iterdir()} == NAMES
        owner = view.build_owner() if rung == "full" else None
        for path in folder.iterdir():
            facts = path.stat()
            assert stat.S_IMODE(facts.st_mode) == 0o700
            assert owner is None or facts.st_uid == owner
    assert not folder.exists()


def test_without_constant_paths_a_source_is_always_at_one_place(
    job: BuildJob, store: Store
) -> None:
    isolation, found = Isolation(rung="none"), set()
    for _ in range(2):
        with build_folders(job, store, isolation) as folder:
            assert not any((folder / "source").iterdir())
            (folder / "source/left").touch()
            found.add(folder)
    assert len(found) == 1


@each_rung
def test_the_log_is_kept_and_a_failure_names_it(rung: str, job: BuildJob, store: Store) -> None:
    kept = store.root / "logs" / f"demo-1.0-{job.key[:12]}.log"
    with build_folders(job, store, Isolation(rung=rung)) as folder:
        (folder / "log").write_text("built")
    assert kept.read_text() == "built"
    with pytest.raises(HookFailed) as caught:
        fail(job, store, rung)
    assert caught.value.log_path is not None
    assert Path(caught.value.log_path).read_text() == "broken"


def fail(job: BuildJob, store: Store, rung: str) -> None:
    with build_folders(job, store, Isolation(rung=rung)) as folder:
        (folder / "log").write_text("broken")
        raise HookFailed(hook="build_wheel", reason="it broke")


def test_a_build_without_a_log_keeps_none(job: BuildJob, store: Store) -> None:
    error = HookFailed(hook="build_wheel", reason="it broke")
    with pytest.raises(HookFailed), build_folders(job, store, Isolation(rung="none")):
        raise error
    assert error.log_path is None
