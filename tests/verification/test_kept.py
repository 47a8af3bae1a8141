"""Both files of a difference are kept for a person to look at, and go when nothing differs."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Comparison, Verdict
from amrasaman_nox.verification import diffoscope, kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

NAME = "one-1.0-py3-none-any.whl"
DIFFERENT = Comparison(name="one", version="1.0", wheel=NAME, verdict=Verdict.DIFFERENT)
SIDES: dict[str, Callable[[], BinaryIO]] = {
    "first": lambda: io.BytesIO(b"ours"),
    "rebuilt": lambda: io.BytesIO(b"theirs"),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_both_files_are_kept_and_the_comparison_says_where(tmp_path: Path) -> None:
    found = kept.keep(DIFFERENT, SIDES, Config(output=tmp_path))
    place = tmp_path / "different/one-1.0/wheel"
    assert found.kept == str(place)
    assert contents(place) == {f"first/{NAME}": b"ours", f"rebuilt/{NAME}": b"theirs"}


def test_an_sdist_is_kept_beside_the_wheel(tmp_path: Path) -> None:
    sdist = dataclasses.replace(DIFFERENT, wheel="one-1.0.tar.gz")
    kept.keep(DIFFERENT, SIDES, Config(output=tmp_path))
    kept.keep(sdist, SIDES, Config(output=tmp_path))
    assert {path.name for path in (tmp_path / "different/one-1.0").iterdir()} == {"wheel", "sdist"}


def test_what_an_earlier_run_kept_goes_when_nothing_differs_any_more(tmp_path: Path) -> None:
    config = Config(output=tmp_path)
    other = dataclasses.replace(DIFFERENT, name="other")
    for each in (DIFFERENT, other):
        kept.keep(each, SIDES, config)
    same = dataclasses.replace(DIFFERENT, verdict=Verdict.IDENTICAL)
    assert kept.keep(same, SIDES, config) == same
    assert [path.name for path in (tmp_path / "different").iterdir()] == ["other-1.0"]
    kept.keep(dataclasses.replace(same, name="other"), SIDES, config)
    assert not (tmp_path / "different").exists()


def test_a_note_of_the_users_own_is_not_removed(tmp_path: Path) -> None:
    kept.keep(DIFFERENT, SIDES, Config(output=tmp_path))
    note = tmp_path / "different/one-1.0/note.txt"
    note.write_text("mine")
    kept.keep(
        dataclasses.replace(DIFFERENT, verdict=Verdict.EQUIVALENT), SIDES, Config(output=tmp_path)
    )
    assert contents(tmp_path / "different") == {"one-1.0/note.txt": b"mine"}


def test_diffoscope_describes_both_files_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def describe(folder: Path, first: str, second: str) -> str:
        asked.append((folder / first, folder / second))
        return "a\tb \x1b[31m\n"

    monkeypatch.setattr(diffoscope, "describe", describe)
    found = kept.keep(DIFFERENT, SIDES, Config(output=tmp_path, diffoscope=True))
    assert all(path.is_file() for pair in asked for path in pair)
    text = (tmp_path / f"different/one-1.0/wheel/{NAME}{kept.DESCRIBED}").read_text()
    assert text.startswith("a   b ")
    assert "\x1b" not in text
    assert found.reason == ""


def test_a_diffoscope_that_fails_is_told_and_changes_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(*_: object) -> str:
        raise AsamanError("diffoscope", "it broke")

    monkeypatch.setattr(diffoscope, "describe", describe)
    told = dataclasses.replace(DIFFERENT, reason="a reason")
    found = kept.keep(told, SIDES, Config(output=tmp_path, diffoscope=True))
    assert found.verdict is Verdict.DIFFERENT
    assert found.reason == "a reason; diffoscope: it broke"


def test_a_folder_that_cannot_be_written_is_an_input_output_error(tmp_path: Path) -> None:
    (tmp_path / "different").write_text("a file")
    with pytest.raises(AsamanError) as caught:
        kept.keep(DIFFERENT, SIDES, Config(output=tmp_path))
    assert caught.value.code is ExitCode.INPUT_OUTPUT
