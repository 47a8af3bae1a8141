"""Pins built with build requirements from source, as the bootstrap lock has them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.bootstrap import BootstrapLock, Fixed, read_bootstrap_lock
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, LockedFile
from amrasaman_nox.record_files import read_folder
from amrasaman_nox.records import digest
from amrasaman_nox.runs.build import build_wheels
from amrasaman_nox.runs.sourced import held_against

from ..support import toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]


@pytest.mark.slow
@pytest.mark.parametrize("locked", [True, False])
def test_a_wheel_that_is_not_the_one_of_the_lock_is_an_error(
    boot: Boot, index: LocalIndex, tmp_path: Path, *, locked: bool
) -> None:
    toolchain.add_backend(index)
    pin = toolchain.add_pin(index, "one")
    boot(pin)
    path = tmp_path / "requirements.bootstrap-lock.toml"
    (fixed,) = read_bootstrap_lock(path).fixed
    path.write_text(path.read_text().replace(fixed.wheel.digest.value, "0" * 64))
    report = boot(pin, locked=locked)
    (failure,) = report.build.failures
    assert (failure.name, failure.code) == ("minibuild", ExitCode.DIFFERENT)
    assert fixed.wheel.digest.value in failure.reason


def test_a_later_run_builds_the_same_wheels_from_the_lock(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    pin = toolchain.add_pin(index, "one")
    (first,) = boot(pin).build.records
    lock = tmp_path / "requirements.bootstrap-lock.toml"
    before = lock.read_text()
    fresh = {"cache_dir": tmp_path / "other", "output": tmp_path / "elsewhere"}
    report = boot(pin, work=build_wheels, build_requirements="source", **fresh)
    (again,) = report.build.records
    assert (again.wheel.digest, digest(again)) == (first.wheel.digest, digest(first))
    assert lock.read_text() == before
    assert not (tmp_path / "requirements.build-lock.toml").exists()


@pytest.mark.slow
def test_a_plain_run_does_not_read_the_bootstrap_lock(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, wheel="poisons others")
    pin = toolchain.add_pin(index, "one")
    (ours,) = boot(pin).build.records
    (plain,) = boot(pin, work=build_wheels, output=tmp_path / "plain").build.records
    assert plain.wheel.digest != ours.wheel.digest
    assert all(file.record is None for file in plain.requirements)


def test_without_a_bootstrap_lock_nothing_is_built_from_source(
    boot: Boot, index: LocalIndex
) -> None:
    toolchain.add_backend(index)
    with pytest.raises(AsamanError, match="no such file") as caught:
        boot(toolchain.add_pin(index, "one"), work=build_wheels, build_requirements="source")
    assert caught.value.hint == "write it with: asaman bootstrap"


@pytest.mark.slow
def test_pins_that_the_lock_lacks_are_all_named(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index)
    pins = [toolchain.add_pin(index, name) for name in ("one", "two", "three")]
    boot(pins[0])
    with pytest.raises(AsamanError, match="not in the bootstrap lock") as caught:
        boot(*pins, work=build_wheels, build_requirements="source")
    assert [caught.value.what, *(each.what for each in caught.value.others)] == [
        *("two==1.0", "three==1.0"),
    ]


FIXED = Fixed(
    sdist=Digest.of(b"sdist"),
    interpreter="cpython-3.11-linux-x86_64",
    wheel=LockedFile(filename="tool-1.0-cp311-cp311-linux_x86_64.whl", digest=Digest.of(b"here")),
    python="3.11.7",
    compiler="cc 12",
)


@pytest.mark.parametrize(
    ("compiler", "locked", "fails"),
    [("cc 12", False, True), ("cc 13", False, False), ("cc 13", True, True)],
)
def test_a_compiled_wheel_binds_only_where_it_was_built_alike(
    compiler: str, *, locked: bool, fails: bool
) -> None:
    other = dataclasses.replace(FIXED.wheel, digest=Digest.of(b"there"))
    former = dataclasses.replace(FIXED, wheel=other, compiler=compiler)
    failures, notes = held_against(BootstrapLock(fixed=(former,)), [FIXED], locked=locked)
    assert (bool(failures), bool(notes)) == (fails, not fails)


@pytest.mark.slow
def test_build_requirements_are_kept_if_that_is_asked_for(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    pin = toolchain.add_pin(index, "one")
    boot(pin)
    assert not (tmp_path / "wheels/build").exists()
    for work in ({}, {"work": build_wheels, "build_requirements": "source"}):
        boot(pin, keep_build_requirements=True, output=tmp_path / "kept", **work)
        (file,) = read_folder(tmp_path / "kept/build").files
        assert file.record.name == "minibuild"
