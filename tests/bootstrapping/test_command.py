"""The bootstrap command: build requirements from source to a fixed point, then the pins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.bootstrap import read_bootstrap_lock
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import ExitCode
from amrasaman_nox.outputs.verified import write_verified
from amrasaman_nox.records import digest
from amrasaman_nox.verification.acceptance import exit_code

from ..support import toolchain
from ..support.toolchain import stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]


def test_build_requirements_are_built_until_they_repeat_and_then_the_pins(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    toolchain.add_flit(index)
    two = toolchain.add_pin(index, "two", "flit_core", backend="flit_core.buildapi")
    report = boot(toolchain.add_pin(index, "one"), two)
    assert exit_code(report) is ExitCode.DONE
    assert stages(report) == [(2, None), (2, None), (2, 2)]
    (told,) = report.build.bootstraps
    assert (told.fixed, told.seeds, told.pins) == (True, (), 2)
    assert {path.name.partition("-")[0] for path in (tmp_path / "wheels").glob("*.whl")} == {
        "one",
        "two",
    }
    lock = read_bootstrap_lock(tmp_path / "requirements.bootstrap-lock.toml")
    assert sorted(entry.name for entry in lock.sources.entries) == [
        *("flit-core", "minibuild", "one", "two"),
    ]
    assert len(lock.fixed) == 2
    # The build lock of published wheels is another file.
    assert not (tmp_path / "requirements.build-lock.toml").exists()


@pytest.mark.slow
def test_what_builds_the_pins_is_the_last_stage_and_the_record_says_so(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    (record,) = boot(toolchain.add_pin(index, "one")).build.records
    lock = read_bootstrap_lock(tmp_path / "requirements.bootstrap-lock.toml")
    assert [file.digest for file in record.requirements] == [lock.fixed[0].wheel.digest]
    assert all(file.record is not None for file in record.requirements)


@pytest.mark.slow
def test_a_second_run_builds_nothing_and_writes_the_same(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    pin = toolchain.add_pin(index, "one")
    first = boot(pin)
    lock = tmp_path / "requirements.bootstrap-lock.toml"
    before = lock.read_text()
    again = boot(pin)
    assert [stage.kept for stage in again.build.bootstraps[0].stages] == [0, 1, 1]
    assert again.build.kept == {first.build.records[0].key}
    assert lock.read_text() == before
    offline = boot(pin, offline=True, locked=True, output=tmp_path / "cache/again")
    assert offline.build.records[0].wheel.digest == first.build.records[0].wheel.digest


@pytest.mark.slow
def test_another_user_comes_to_the_same_lock_wheels_and_records(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    pin = toolchain.add_pin(index, "one")
    (ours,) = boot(pin).build.records
    lock = tmp_path / "requirements.bootstrap-lock.toml"
    before = lock.read_text()
    lock.unlink()
    (theirs,) = boot(
        pin, cache_dir=tmp_path / "cache/other", output=tmp_path / "cache/wheels"
    ).build.records
    assert (lock.read_text(), theirs.wheel.digest) == (before, ours.wheel.digest)
    assert digest(theirs) == digest(ours)


@pytest.mark.slow
def test_the_verified_file_marks_what_rests_on_published_wheels(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, "seed", sdist=False)
    toolchain.add_backend(index, "tool", requires=("seed",))
    toolchain.add_backend(index)
    pins = [
        toolchain.add_pin(index, "direct", backend="seed"),
        toolchain.add_pin(index, "further", backend="tool"),
        toolchain.add_pin(index, "sound"),
    ]
    assert exit_code(boot(*pins, only_binary=("seed",))) is ExitCode.DONE
    write_verified(
        Config(
            requirement=tmp_path / "requirements.txt",
            output=tmp_path / "wheels",
            cache_dir=tmp_path / "cache",
        )
    )
    text = (tmp_path / "verified-requirements.txt").read_text()
    marks = {part.split("==")[0]: "seed-2.0" in part for part in re.split(r"(?m)^(?=\w)", text)[1:]}
    assert marks == {"direct": True, "further": True, "sound": False}
