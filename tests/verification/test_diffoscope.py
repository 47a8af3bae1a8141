"""diffoscope is asked as a program of its own; whatever it does ends in a report or one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.verification.diffoscope import describe
from amrasaman_nox.verification.diffoscope import program as found

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in at the front of PATH, and return its path, to be written."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "diffoscope"


def written(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_the_report_is_returned(program: Path, tmp_path: Path) -> None:
    written(program, 'pwd; for last; do :; done; echo "differs: $last"; exit 1')
    assert describe(tmp_path, "a", "b") == f"{tmp_path}\ndiffers: b\n"


def test_files_that_are_the_same_have_no_report(program: Path, tmp_path: Path) -> None:
    written(program, "exit 0")
    assert describe(tmp_path, "a", "b") is None


def test_a_name_cannot_become_an_option(program: Path, tmp_path: Path) -> None:
    written(program, 'while [ "$1" != -- ]; do shift; done; echo "$2 $3"; exit 1')
    assert describe(tmp_path, "-a", "-b") == "-a -b\n"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo one >&2; echo two >&2; exit 2", "exit 2: two"),
        ("sleep 5", "no answer within 0.2 seconds"),
    ],
)
def test_a_failure_is_one_clear_error(program: Path, body: str, why: str, tmp_path: Path) -> None:
    written(program, body)
    with pytest.raises(AsamanError, match=why):
        describe(tmp_path, "a", "b", timeout=0.2)


def test_where_it_is_not_installed_the_error_says_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AsamanError) as caught:
        found()
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert "amrasaman-nox[diffoscope]" in caught.value.hint
