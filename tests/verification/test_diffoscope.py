"""diffoscope is asked as a program of its own; whatever it does ends in a report or one error."""

from __future__ import annotations

from pathlib import Path

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.verification.diffoscope import diffoscope


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


OURS, THEIRS = Path("-ours.whl"), Path("theirs.whl")


def test_the_report_is_returned(program: Path) -> None:
    written(program, 'for last; do :; done; echo "differs: $last"; exit 1')
    assert diffoscope(OURS, THEIRS) == f"differs: {THEIRS.absolute()}\n"


def test_a_name_cannot_become_an_option(program: Path) -> None:
    written(program, 'for name; do case "$name" in -ours*) exit 2;; esac; done; exit 0')
    assert diffoscope(OURS, THEIRS) is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo one >&2; echo two >&2; exit 2", "exit 2: two"),
        ("sleep 5", "no answer within 0.2 seconds"),
    ],
)
def test_a_failure_is_one_clear_error(program: Path, body: str, why: str) -> None:
    written(program, body)
    with pytest.raises(AsamanError, match=why):
        diffoscope(OURS, THEIRS, timeout=0.2)


def test_where_it_is_not_installed_the_error_says_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AsamanError) as caught:
        diffoscope(OURS, THEIRS)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert "amrasaman-nox[diffoscope]" in caught.value.hint
