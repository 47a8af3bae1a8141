"""The folder that a release is uploaded from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure, BuildOutcome, Comparison, Report, Verdict
from amrasaman_nox.verification.dist import fill

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("p-1.0.tar.gz", "p-1.0-py3-none-any.whl")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return the settings of a project whose sdist and wheel, with a record each, are built."""
    (tmp_path / "wheels").mkdir()
    for name in NAMES:
        (tmp_path / "wheels" / name).write_text(name)
        (tmp_path / "wheels" / f"{name}.provenance.json").write_text("{}")
    return Config(project=tmp_path, output=tmp_path / "wheels", dist=tmp_path / "dist")


def report(*verdicts: Verdict, **changes: object) -> Report:
    comparisons = tuple(
        Comparison(name="p", version="1.0", wheel=name, verdict=verdict)
        for name, verdict in zip(NAMES, verdicts, strict=True)
    )
    return dataclasses.replace(Report(command="verify", comparisons=comparisons), **changes)


SAME = report(Verdict.IDENTICAL, Verdict.EQUIVALENT)


def test_what_is_verified_is_there_and_nothing_else(config: Config, tmp_path: Path) -> None:
    assert fill(config, SAME) == ()
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == sorted(NAMES)
    (tmp_path / "dist" / NAMES[0]).write_text("another one")
    assert fill(config, SAME) == ()
    assert (tmp_path / "dist" / NAMES[0]).read_text() == NAMES[0]


def test_what_else_is_there_is_named(config: Config, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "p-0.9.tar.gz").write_text("")
    (failure,) = fill(config, SAME)
    assert failure.code is ExitCode.BAD_INPUT
    assert "other files, such as p-0.9.tar.gz" in failure.reason


@pytest.mark.parametrize(
    "found",
    [
        report(Verdict.IDENTICAL, Verdict.DIFFERENT),
        report(Verdict.IDENTICAL, Verdict.UNCHECKED),
        report(Verdict.IDENTICAL, Verdict.EQUIVALENT, allowed=Verdict.IDENTICAL),
        report(Verdict.IDENTICAL, Verdict.IDENTICAL, required=("clock",)),
        dataclasses.replace(
            SAME,
            build=BuildOutcome(
                failures=(BuildFailure(name="p", version="1", stage="build", reason="x"),)
            ),
        ),
        Report(command="verify"),
    ],
)
def test_what_is_not_verified_is_not_put_there(
    config: Config, tmp_path: Path, found: Report
) -> None:
    assert fill(config, found) == ()
    assert not (tmp_path / "dist").exists()


def test_pins_are_not_put_there(config: Config, tmp_path: Path) -> None:
    pins = dataclasses.replace(config, project=None, requirement=tmp_path / "r.txt")
    assert fill(pins, SAME) == ()
    assert fill(dataclasses.replace(config, dist=None), SAME) == ()
    assert not (tmp_path / "dist").exists()


def test_a_folder_that_cannot_be_written_is_one_line(config: Config, tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("")
    with pytest.raises(AsamanError, match="dist: File exists") as caught:
        fill(config, SAME)
    assert caught.value.code is ExitCode.INPUT_OUTPUT
