"""Two sets of published wheels that must end in the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.verification.acceptance import exit_code

from ..support import toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Diverse, Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]


def diverse(report: Report) -> Diverse:
    (told,) = report.build.bootstraps
    assert told.diverse is not None
    return told.diverse


def test_sound_tools_of_two_dates_end_in_the_same_bytes(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index, version="1.0", uploaded=toolchain.OLD)
    toolchain.add_backend(index)
    report = boot(toolchain.add_pin(index, "one"), diverse=toolchain.BEFORE)
    assert exit_code(report) is ExitCode.DONE
    told = diverse(report)
    assert (told.count, told.shared, told.waited, told.differences) == (1, (), (), ())
    assert told.seeds != told.others


def test_a_seed_that_poisons_itself_is_found(boot: Boot, index: LocalIndex, tmp_path: Path) -> None:
    toolchain.add_backend(index, version="1.0", uploaded=toolchain.OLD)
    toolchain.add_backend(index, wheel="poisons itself")
    pin = toolchain.add_pin(index, "one")
    report = boot(pin, diverse=toolchain.BEFORE)
    # Alone it repeats: only another beginning shows it.
    assert report.build.bootstraps[0].fixed
    assert exit_code(report) is ExitCode.DIFFERENT
    (found,) = report.comparisons
    assert found.name == "minibuild"
    assert [(cause.explanation, cause.member) for cause in found.causes] == [
        ("build-requirements", "minibuild.py")
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"requirements.txt", "cache"}


@pytest.mark.slow
def test_what_other_seeds_cannot_build_in_one_step_is_built_in_a_further_one(
    boot: Boot, index: LocalIndex
) -> None:
    toolchain.add_backend(index, "base", version="1.0", uploaded=toolchain.OLD)
    toolchain.add_backend(index, "base")
    toolchain.add_backend(index, "later", requires=("base>=2",))
    report = boot(toolchain.add_pin(index, "one", backend="later"), diverse=toolchain.BEFORE)
    assert exit_code(report) is ExitCode.DONE
    assert diverse(report).waited == ("later==2.0",)


@pytest.mark.slow
def test_seeds_that_cannot_build_everything_are_named(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index)
    report = boot(toolchain.add_pin(index, "one"), diverse=toolchain.BEFORE)
    (failure,) = report.build.failures
    assert "published wheels as of 2023-03-01T00:00:00Z cannot build it" in failure.reason
    assert exit_code(report) is ExitCode.BUILD_FAILED


@pytest.mark.slow
def test_wheels_that_are_in_both_sets_are_named(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index, uploaded=toolchain.OLD)
    report = boot(toolchain.add_pin(index, "one"), diverse=toolchain.BEFORE)
    assert [file.filename for file in diverse(report).shared] == ["minibuild-2.0-py3-none-any.whl"]
