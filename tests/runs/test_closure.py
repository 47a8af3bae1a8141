"""All that pins are built with, in turn, as sources; what is missing is named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.bootstrap import read_bootstrap_lock
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.verification.acceptance import exit_code

from ..support import toolchain
from ..support.toolchain import stages, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]


def test_all_build_requirements_without_an_sdist_are_named_at_once(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, "first", sdist=False)
    toolchain.add_backend(index, "second", sdist=False)
    report = boot(
        toolchain.add_pin(index, "one", backend="first"),
        toolchain.add_pin(index, "two", backend="second"),
    )
    assert [(one.name, one.stage) for one in report.build.failures] == [
        ("first", "source"),
        ("second", "source"),
    ]
    assert "no sdist" in report.build.failures[0].reason
    assert "--only-binary first" in report.build.failures[0].hint
    assert exit_code(report) is ExitCode.BAD_INPUT
    assert written(tmp_path) == set()


def test_a_published_wheel_is_trusted_only_if_it_is_named(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, sdist=False)
    report = boot(toolchain.add_pin(index, "one"), only_binary=("minibuild",))
    assert exit_code(report) is ExitCode.DONE
    (told,) = report.build.bootstraps
    assert [file.filename for file in told.seeds] == ["minibuild-2.0-py3-none-any.whl"]
    lock = read_bootstrap_lock(tmp_path / "requirements.bootstrap-lock.toml")
    assert [file for _, file in lock.seeds] == list(told.seeds)


@pytest.mark.slow
def test_a_build_requirement_that_cannot_be_built_is_named(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, requires=("broken",))
    toolchain.add_broken(index)
    report = boot(toolchain.add_pin(index, "one"))
    assert [one.name for one in report.build.failures] == ["broken"]
    assert exit_code(report) is ExitCode.BUILD_FAILED
    assert written(tmp_path) == set()


def test_a_date_without_a_solution_is_one_line(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    report = boot(toolchain.add_pin(index, "one"), as_of="2020-01-01")
    (failure,) = report.build.failures
    assert (failure.name, failure.stage) == ("one", "lock")
    assert "no solution as of 2020-01-01" in failure.reason
    assert exit_code(report) is ExitCode.BUILD_FAILED
    assert written(tmp_path) == set()


@pytest.mark.slow
def test_a_pin_that_the_lock_lacks_is_added_unless_it_is_locked(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    pins = [toolchain.add_pin(index, "one")]
    boot(*pins)
    pins.append(toolchain.add_pin(index, "two"))
    report = boot(*pins, locked=True)
    (failure,) = report.build.failures
    assert (failure.name, failure.hint) == ("two", "add them with: asaman bootstrap")
    assert exit_code(boot(*pins)) is ExitCode.DONE
    lock = read_bootstrap_lock(tmp_path / "requirements.bootstrap-lock.toml")
    assert sorted(entry.name for entry in lock.sources.entries) == ["minibuild", "one", "two"]


@pytest.mark.slow
def test_two_versions_of_one_tool_are_two_build_requirements(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, version="1.0", uploaded=toolchain.OLD)
    toolchain.add_backend(index)
    report = boot(toolchain.add_pin(index, "one", "minibuild<2"), toolchain.add_pin(index, "two"))
    assert stages(report)[0] == (2, None)
    lock = read_bootstrap_lock(tmp_path / "requirements.bootstrap-lock.toml")
    tools = {(each.name, each.version) for each in lock.sources.entries}
    assert {("minibuild", "1.0"), ("minibuild", "2.0")} < tools


@pytest.mark.slow
def test_another_date_than_the_one_of_the_lock_is_an_error(boot: Boot, index: LocalIndex) -> None:
    toolchain.add_backend(index)
    pin = toolchain.add_pin(index, "one")
    boot(pin, as_of="2024-02-01")
    assert exit_code(boot(pin, as_of="2024-02-01")) is ExitCode.DONE
    with pytest.raises(AsamanError, match="it is as of 2024-02-01"):
        boot(pin, as_of="2024-03-01")
    assert exit_code(boot(pin, as_of="2024-03-01", relock=True)) is ExitCode.DONE
