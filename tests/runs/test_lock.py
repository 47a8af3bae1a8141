"""The build lock of a run: which entries stay, where it is written, and when it is not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.build_lock.file import read_lock, write_lock
from amrasaman_nox.config.config import Config
from amrasaman_nox.environments import interpreters
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildLock,
    BuildSystem,
    Digest,
    IndexOptions,
    LockedFile,
    LockEntry,
    Pin,
    Prepared,
    Requirements,
    Source,
)
from amrasaman_nox.runs.lock import check_lock, check_output, current_lock, keep_entries
from amrasaman_nox.runs.run import Run
from amrasaman_nox.runs.workers import Workers
from amrasaman_nox.sandbox.view import Isolation
from amrasaman_nox.sources.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Event
    from amrasaman_nox.sources.store import Store


def entry(name: str) -> LockEntry:
    return LockEntry(
        name=name,
        version="1.0",
        sdist=Digest.of(name.encode()),
        interpreter="cpython-3.11-linux-x86_64",
        files=(LockedFile(filename="flit_core-3.12.0-py3-none-any.whl", digest=Digest.of(b"f")),),
    )


def requirements(*names: str, kind: str = "requirements") -> Requirements:
    pins = tuple(
        Pin(name=name, version="1.0", digests=(Digest.of(name.encode()),)) for name in names
    )
    return Requirements(kind=kind, path="requirements.txt", pins=pins)


def names(lock: BuildLock) -> list[str]:
    return [each.name for each in lock.entries]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(requirement=tmp_path / "requirements.txt", output=tmp_path / "wheels")


def run(config: Config, store: Store, said: list[str] | None = None) -> Run:
    def notify(event: Event) -> None:
        if said is not None:
            said.append(event.note)

    def none(*_: Any) -> Any:
        raise AssertionError("nothing is built")

    return Run(
        config=config,
        site=Site(store=store, index=IndexOptions(), notify=notify),
        isolation=Isolation(rung="none"),
        interpreters=(),
        workers=Workers(build=none, width=1, room=lambda _: True, stop=lambda: None),
    )


def test_entries_of_sdists_that_no_pin_names_are_dropped(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "requirements.build-lock.toml"
    write_lock(path, BuildLock(entries=(entry("a"), entry("b"))))
    assert names(current_lock(config, requirements("b", "c"))) == ["b"]
    assert names(read_lock(path)) == ["a", "b"], "reading writes nothing"


def test_a_part_has_a_folder_and_a_lock_of_its_own(config: Config, tmp_path: Path) -> None:
    write_lock(tmp_path / "requirements.build-lock.toml", BuildLock(entries=(entry("a"),)))
    part = dataclasses.replace(config, shard=(1, 2))
    assert names(current_lock(part, requirements("a", "b"))) == ["a"]
    assert (tmp_path / "wheels").is_dir()
    write_lock(tmp_path / "wheels/build-lock.toml", BuildLock(entries=(entry("b"),)))
    assert names(current_lock(part, requirements("a", "b"))) == ["a", "b"]


def test_new_entries_are_written_and_that_is_said_once(
    config: Config, store: Store, tmp_path: Path
) -> None:
    said: list[str] = []
    path = tmp_path / "requirements.build-lock.toml"
    lock = keep_entries(run(config, store, said), BuildLock(), [entry("a")])
    lock = keep_entries(run(config, store, said), lock, [entry("b")])
    assert names(read_lock(path)) == ["a", "b"]
    assert said == [f"the build requirements are locked in {path}"]


def test_a_lock_that_cannot_be_written_is_said_where_it_would_have_to_be(
    config: Config, store: Store, tmp_path: Path
) -> None:
    interpreter = interpreters.inspect("")
    source = Source(pin=Pin(name="a", version="1.0"), filename="a", digest=Digest.of(b"a"))
    prepared = Prepared(
        source=source, interpreter=interpreter, system=BuildSystem(requires=(), backend="x")
    )
    (tmp_path / "file").touch()
    config = dataclasses.replace(config, lock=tmp_path / "file" / "lock.toml")
    with pytest.raises(AsamanError, match="it cannot be written"):
        check_lock(run(config, store), BuildLock(), [prepared])
    whole = dataclasses.replace(entry("a"), interpreter=interpreter.key)
    check_lock(run(config, store), BuildLock(entries=(whole,)), [prepared])
    check_lock(run(dataclasses.replace(config, locked=True), store), BuildLock(), [prepared])


def test_an_output_folder_that_cannot_be_written_is_said_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AsamanError, match="it cannot be written") as caught:
        check_output(tmp_path / "file")
    assert (caught.value.code, caught.value.what) == (5, f"output folder {tmp_path}/file")
    check_output(tmp_path / "new" / "wheels")
    assert not (tmp_path / "new").exists()


def test_a_run_that_is_locked_or_has_nothing_to_lock_writes_nothing(
    config: Config, store: Store, tmp_path: Path
) -> None:
    locked = dataclasses.replace(config, locked=True)
    assert names(keep_entries(run(locked, store), BuildLock(), [entry("a")])) == ["a"]
    assert keep_entries(run(config, store), BuildLock(), []) == BuildLock()
    assert not list(tmp_path.glob("*.toml"))
