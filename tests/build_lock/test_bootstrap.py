"""The bootstrap lock as a file."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.bootstrap import (
    BootstrapLock,
    Fixed,
    bootstrap_lock_of,
    pin_of,
    read_bootstrap_lock,
    release_of,
    render_bootstrap_lock,
    with_interpreter,
    write_bootstrap_lock,
)
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildLock, Digest, LockedFile, LockEntry

if TYPE_CHECKING:
    from pathlib import Path

KEY = "cpython-3.11-linux-x86_64"


def file(name: str, tag: str = "py3-none-any") -> LockedFile:
    return LockedFile(filename=f"{name}-1.0-{tag}.whl", digest=Digest.of(name.encode()))


def entry(name: str, *needs: str) -> LockEntry:
    return LockEntry(
        name=name,
        version="1.0",
        sdist=Digest.of(f"{name} sdist".encode()),
        interpreter=KEY,
        files=tuple(sorted(file(each) for each in needs)),
        static=needs,
        as_of=datetime(2024, 1, 1, tzinfo=UTC),
        as_of_reason="upload of the sdist",
    )


def fixed(name: str, tag: str = "py3-none-any", **built_by: str) -> Fixed:
    sdist = entry(name).sdist
    return Fixed(sdist=sdist, interpreter=KEY, wheel=file(name, tag), **built_by)


LOCK = BootstrapLock(
    sources=BuildLock(
        entries=(entry("compiled", "tool"), entry("pin", "tool", "seed"), entry("tool"))
    ),
    fixed=(
        fixed("compiled", "cp311-cp311-linux_x86_64", python="3.11.7", compiler="cc 12"),
        fixed("tool"),
    ),
    seeds=((KEY, file("seed")),),
)


def test_a_lock_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "r.bootstrap-lock.toml"
    write_bootstrap_lock(path, LOCK)
    assert read_bootstrap_lock(path) == LOCK
    assert path.read_text() == render_bootstrap_lock(LOCK)


def test_no_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert read_bootstrap_lock(tmp_path / "missing.toml") == BootstrapLock()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "not TOML"),
        ("bootstrap-lock-version = 2", "version 2 is not supported"),
        ("build-lock-version = 1", "version None is not supported"),
        ("bootstrap-lock-version = 1\nsources = 3", "malformed or incomplete"),
        ('bootstrap-lock-version = 1\n[[seeds]]\ninterpreter = "x"', "malformed or incomplete"),
        (
            "bootstrap-lock-version = 1\n[[seeds]]\ninterpreter = 1\n"
            f'wheel = {{name = "a-1-py3-none-any.whl", hash = "{Digest.of(b"")}"}}',
            "malformed or incomplete",
        ),
    ],
)
def test_what_is_no_bootstrap_lock_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "r.bootstrap-lock.toml"
    path.write_text(text)
    with pytest.raises(AsamanError, match=why) as caught:
        read_bootstrap_lock(path)
    assert str(path) in caught.value.what


def test_it_is_beside_the_requirements_file_or_in_the_output_folder(tmp_path: Path) -> None:
    stem = bootstrap_lock_of(Config(requirement=tmp_path / "r.txt"))
    assert stem == tmp_path / "r.bootstrap-lock.toml"
    assert bootstrap_lock_of(Config(output=tmp_path)) == tmp_path / "bootstrap-lock.toml"
    named = Config(requirement=tmp_path / "r.txt", lock=tmp_path / "l.toml")
    assert bootstrap_lock_of(named) == tmp_path / "l.toml"


def test_what_it_has_is_found_by_release_and_by_source() -> None:
    assert set(LOCK.releases(KEY)) == {("compiled", "1.0"), ("pin", "1.0"), ("tool", "1.0")}
    assert LOCK.releases("cpython-3.13-linux-x86_64") == {}
    assert LOCK.seeds_of(KEY) == {("seed", "1.0")}
    found = LOCK.wheel_of(entry("tool").sdist, KEY)
    assert found is not None
    assert found.pure
    assert release_of(found.wheel) == ("tool", "1.0")
    assert pin_of(entry("tool")).digests == (entry("tool").sdist,)


def test_one_interpreter_is_replaced_and_the_others_stay() -> None:
    other = "cpython-3.13-linux-x86_64"
    added = with_interpreter(
        LOCK, other, [dataclasses.replace(entry("tool"), interpreter=other)], [], [file("seed")]
    )
    assert len(added.sources.entries) == 4
    assert with_interpreter(added, other, [], [], []) == LOCK
