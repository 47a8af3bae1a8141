"""Build requirements from source, stage by stage."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.records import parse
from amrasaman_nox.runs.stages import PROVENANCE
from amrasaman_nox.sources.store import Store
from amrasaman_nox.verification.acceptance import exit_code

from ..support import toolchain
from ..support.projects import make_sdist
from ..support.toolchain import POISON, stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]


def text_in(wheel: Path, member: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member).decode()


@pytest.mark.slow
def test_a_seed_that_poisons_others_is_gone_after_the_first_stage(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, wheel="poisons others")
    assert exit_code(boot(toolchain.add_pin(index, "one"))) is ExitCode.DONE
    assert POISON not in text_in(tmp_path / "wheels/one-1.0-py3-none-any.whl", "one.py")


def test_what_is_built_has_its_record_in_the_store(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    (record,) = boot(toolchain.add_pin(index, "one")).build.records
    store = Store.open(tmp_path / "cache")
    (file,) = record.requirements
    assert file.record is not None
    content = store.get_value(PROVENANCE, file.record.value)
    assert content is not None
    assert parse(content, "record").wheel.digest == file.digest


def test_with_no_build_requirements_there_is_nothing_to_repeat(
    boot: Boot, index: LocalIndex
) -> None:
    sdist = make_sdist(
        "own",
        "1.0",
        {"own.py": toolchain.backend("own")},
        requires=(),
        backend="own",
        backend_path=".",
    )
    file = index.add(sdist, "own-1.0.tar.gz")
    report = boot(f"own==1.0 --hash={file.digest}")
    assert stages(report) == [(0, 0)]
    assert exit_code(report) is ExitCode.DONE


@pytest.mark.slow
def test_no_more_stages_are_built_than_allowed(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index, source="counts")
    report = boot(toolchain.add_pin(index, "one"), stages=2)
    assert stages(report) == [(1, None), (1, None), (1, 0)]
    assert exit_code(report) is ExitCode.DIFFERENT


@pytest.mark.slow
def test_stages_go_on_where_an_earlier_run_ended(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index, source="counts")
    pin = toolchain.add_pin(index, "one")
    boot(pin, stages=2)
    (told,) = boot(pin, stages=3).build.bootstraps
    assert [stage.kept for stage in told.stages] == [0, 1, 1, 0]
