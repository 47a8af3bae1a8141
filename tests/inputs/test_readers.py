"""The table of input formats: what follows from a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs import readers
from amrasaman_nox.inputs.readers import FORMATS, InputFormat, format_of, read_input
from amrasaman_nox.model import Digest, Pin, Requirements
from amrasaman_nox.outputs.verified import verified_path

if TYPE_CHECKING:
    from pathlib import Path

PIN = Pin(name="demo", version="1.0", digests=(Digest.of(b""),))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("requirements.txt", "requirements"),
        ("pylock", "requirements"),
        ("my-pylock.toml", "requirements"),
        ("pylock.toml", "pylock"),
        ("pylock.dev.toml", "pylock"),
    ],
)
def test_the_name_of_a_file_tells_its_format(tmp_path: Path, name: str, kind: str) -> None:
    assert format_of(tmp_path / name).kind == kind


def test_kinds_are_distinct_and_the_last_row_fits_every_name() -> None:
    assert len({row.kind for row in FORMATS}) == len(FORMATS)
    assert FORMATS[-1].fits("anything")


def test_a_row_is_all_that_a_new_format_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, _: Config) -> Requirements:
        return Requirements(kind="ini", path=str(path), pins=(PIN,))

    row = InputFormat(kind="ini", fits=lambda name: name.endswith(".ini"), read=read)
    monkeypatch.setattr(readers, "FORMATS", (row, *FORMATS))
    path = tmp_path / "pins.ini"
    path.write_text("[pins]\n")
    found = read_input(Config(requirement=path))
    assert found is not None
    assert (found.kind, found.pins) == ("ini", (PIN,))
    assert verified_path(path).name == "verified-pins.ini"


def test_an_input_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in ("requirements.txt", "pylock.toml"):
        with pytest.raises(AsamanError, match=name):
            read_input(Config(requirement=tmp_path / name))


def test_a_project_is_read_by_no_reader(tmp_path: Path) -> None:
    assert read_input(Config(project=tmp_path)) is None
