from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrasaman_nox.build_lock.file import (
    check_writable,
    lock_path,
    merged,
    read_lock,
    render_lock,
    write_lock,
)
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildLock, Crate, Digest, LockedFile, LockEntry

if TYPE_CHECKING:
    from pathlib import Path

FILE = LockedFile(filename="flit_core-3.12.0-py3-none-any.whl", digest=Digest.of(b"flit"))


def entry(name: str = "attrs", interpreter: str = "cpython-3.11-linux-x86_64") -> LockEntry:
    return LockEntry(
        name=name,
        version="25.3.0",
        sdist=Digest.of(name.encode()),
        interpreter=interpreter,
        files=(FILE,),
        static=("flit_core >=3.2",),
        dynamic=("wheel",),
        as_of=datetime(2025, 3, 13, 11, 10, 22, tzinfo=UTC),
        notes=("a week later than the sdist",),
    )


def test_what_is_written_reads_back_to_itself(tmp_path: Path) -> None:
    crates = (Crate(name="itoa", version="1.0.0-rc.1+b", digest=Digest.of(b"i"), registry="x"),)
    rust = (replace(entry("nh3"), crates=crates), replace(entry("none"), crates=()))
    lock = BuildLock(entries=(entry(), entry("boto"), *rust))
    write_lock(tmp_path / "r.build-lock.toml", lock)
    assert read_lock(tmp_path / "r.build-lock.toml") == lock


@given(st.lists(st.text(max_size=20), max_size=3), st.text(max_size=20))
def test_any_text_in_a_lock_survives(
    tmp_path_factory: pytest.TempPathFactory, static: list[str], note: str
) -> None:
    path = tmp_path_factory.mktemp("lock") / "lock.toml"
    made = LockEntry(
        name="a",
        version="1",
        sdist=Digest.of(b"a"),
        interpreter="cpython-3.11-linux-x86_64",
        files=(FILE,),
        static=tuple(static),
        notes=(note,),
    )
    write_lock(path, BuildLock(entries=(made,)))
    assert read_lock(path).entries == (made,)


def test_the_order_of_entries_does_not_change_the_text() -> None:
    first, second = entry(), entry("boto")
    assert render_lock(BuildLock(entries=(first, second))) == render_lock(
        BuildLock(entries=(second, first))
    )


def test_a_lock_names_no_urls() -> None:
    assert "://" not in render_lock(BuildLock(entries=(entry(),)))


def test_a_lock_of_the_same_text_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock.toml"
    write_lock(path, BuildLock(entries=(entry(),)))
    before = path.stat()
    write_lock(path, BuildLock(entries=(entry(),)))
    assert path.stat().st_ino == before.st_ino


def test_whether_a_lock_can_be_written_is_tried_and_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "lock.toml")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(AsamanError, match="it cannot be written: Not a directory") as caught:
        check_writable(tmp_path / "file" / "lock.toml")
    assert caught.value.code == ExitCode.INPUT_OUTPUT
    assert "--lock FILE" in caught.value.hint


def test_several_interpreters_stand_in_one_lock_and_unused_sdists_go() -> None:
    former = BuildLock(entries=(entry(), entry("old")))
    other = entry(interpreter="cpython-3.12-linux-x86_64")
    lock = merged(former, [other], sdists={entry().sdist})
    assert [(item.name, item.interpreter[:12]) for item in lock.entries] == [
        ("attrs", "cpython-3.11"),
        ("attrs", "cpython-3.12"),
    ]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("requirements.txt", "requirements.build-lock.toml"),
        ("dev-requirements.txt", "dev-requirements.build-lock.toml"),
        ("pylock.toml", "pylock.build-lock.toml"),
        ("pylock.dev.toml", "pylock.dev.build-lock.toml"),
        ("requirements", "requirements.build-lock.toml"),
    ],
)
def test_the_lock_is_beside_the_requirements(
    tmp_path: Path, requirement: str, expected: str
) -> None:
    assert lock_path(tmp_path / requirement) == tmp_path / expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = [", "not TOML"),
        ("build-lock-version = 2\n", "version 2 is not supported"),
        ("", "version None is not supported"),
        ('build-lock-version = 1\n[[sources]]\nname = "a"\n', "malformed or incomplete"),
        (
            render_lock(BuildLock(entries=(entry(),))).replace("sha256:", "md5:"),
            "malformed or incomplete",
        ),
        (
            render_lock(BuildLock(entries=(entry(),))).replace("flit_core-3.12.0", "../x-1"),
            "malformed or incomplete",
        ),
    ],
)
def test_a_bad_lock_is_one_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "lock.toml"
    path.write_text(text)
    with pytest.raises(AsamanError) as caught:
        read_lock(path)
    assert caught.value.what == f"build lock {path}" or why == "malformed or incomplete"
    assert why in str(caught.value) or "weak hash" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "crate",
    [
        'name = "../x", version = "1.0.0", hash = "sha256:HEX"',
        'name = "x", version = "1", hash = "sha256:HEX"',
        'name = "x", version = "1.0.0", hash = "sha512:HEXHEX"',
        'name = "x", version = "1.0.0", hash = "sha256:HEX", registry = 1',
        'name = 1, version = "1.0.0", hash = "sha256:HEX"',
        'version = "1.0.0", hash = "sha256:HEX"',
    ],
)
def test_a_crate_without_a_sound_name_version_and_sha256_is_refused(
    tmp_path: Path, crate: str
) -> None:
    path = tmp_path / "lock.toml"
    text = render_lock(BuildLock(entries=(replace(entry(), files=(), crates=()),)))
    text = text.replace("crates = []", f"crates = [{{ {crate} }}]")
    path.write_text(text.replace("HEX", "0" * 64))
    with pytest.raises(AsamanError, match="malformed or incomplete"):
        read_lock(path)
