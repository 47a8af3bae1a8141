"""What is held against the locks of a source after cargo ran."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import cargo_locks
from amrasaman_nox.errors import AsamanError, ExitCode
from tests.support.crates import crate, lock_text
from tests.support.rungs import put

if TYPE_CHECKING:
    from pathlib import Path

A, B, OTHER = crate("a", b"a"), crate("b", b"b"), crate("a", b"other")


def checked(folder: Path, text: str, brought: tuple[str, ...] = ()) -> None:
    (folder / "1").write_text(text)
    cargo_locks.check(folder, ("", "native"), (A, B), brought, "demo")


@pytest.mark.parametrize("crates", [(), (A,), (B, A)])
def test_a_lock_with_fewer_crates_is_right(tmp_path: Path, crates: tuple[object, ...]) -> None:
    checked(tmp_path, lock_text(*crates))  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [crate("c", b"c"), crate("a", b"a", "1.0.1"), OTHER])
def test_an_addition_and_a_change_are_errors(tmp_path: Path, other: object) -> None:
    with pytest.raises(AsamanError) as caught:
        checked(tmp_path, lock_text(B, other))  # type: ignore[arg-type]
    assert caught.value.what == "native/Cargo.lock"
    assert caught.value.why.endswith(f"of the source: {other}")
    assert caught.value.code is ExitCode.BUILD_FAILED


def test_crates_that_the_source_brings_may_be_in_the_lock(tmp_path: Path) -> None:
    checked(tmp_path, lock_text(B, OTHER), (OTHER.digest.value,))


def test_of_many_additions_a_few_are_named(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match=r"c0 1\.0\.0, c1 1\.0\.0, c2 1\.0\.0 and 7 more$"):
        checked(tmp_path, lock_text(*(crate(f"c{number}", b"") for number in range(10))))


def test_what_is_no_lock_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(AsamanError) as caught:
        checked(tmp_path, "version = 99")
    assert caught.value.code is ExitCode.BUILD_FAILED


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "0").symlink_to("/etc/passwd")
    assert cargo_locks.found(tmp_path, ("",)) == {}


def test_locks_are_copied_after_cargo_ran_and_its_exit_status_is_kept(tmp_path: Path) -> None:
    source, copies = tmp_path / "the source", tmp_path / "copies"
    (source / "native").mkdir(parents=True)
    copies.mkdir()
    put(tmp_path / "cargo", 'echo "$@" > "$2"\nexit 7')
    script = cargo_locks.keeping(
        str(tmp_path / "cargo"), str(source), ("", "native", "none"), str(copies)
    )
    lock = source / "native/Cargo.lock"
    done = subprocess.run(["/bin/sh", "-c", script, "cargo", "build", str(lock)], check=False)
    assert done.returncode == 7
    assert [path.name for path in copies.iterdir()] == ["1"]
    assert (copies / "1").read_text() == f"build {lock}\n"
