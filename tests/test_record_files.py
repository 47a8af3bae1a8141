from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.record_files import beside, read_file, read_folder

from .test_records import record

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "attrs-25.3.0-py3-none-any.whl"
TEXT = records.render(record())


def put(path: Path, kind: str) -> None:
    """Put something that is no readable record at *path*."""
    match kind:
        case "a named pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a link":
            (path.parent / "elsewhere").write_text(TEXT)
            path.symlink_to(path.parent / "elsewhere")
        case "a link to a device":
            path.symlink_to("/dev/zero")
        case "too long":
            path.write_text(TEXT + " " * (4 << 20))
        case "too deep":
            path.write_text("[" * 500_000)
        case "no JSON":
            path.write_text("{")


KINDS = (
    "a named pipe",
    "a folder",
    "a link",
    "a link to a device",
    "too long",
    "too deep",
    "no JSON",
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_record_is_one_line_at_once(kind: str, tmp_path: Path) -> None:
    put(tmp_path / "r", kind)
    with pytest.raises(AsamanError, match=r"^record "):
        read_file(tmp_path / "r")


def test_each_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for kind in KINDS:
        put(tmp_path / f"{kind}.whl{records.SUFFIX}", kind)
    beside(tmp_path / WHEEL).write_text(TEXT)
    found = read_folder(tmp_path)
    assert [file.wheel for file in found.files] == [tmp_path / WHEEL]
    assert found.files[0].record == record()
    assert {kind for kind in KINDS for note in found.notes if f"{kind}.whl" in note} == set(KINDS)


def test_a_record_under_another_name_does_not_count(tmp_path: Path) -> None:
    (tmp_path / f"other-1.0-py3-none-any.whl{records.SUFFIX}").write_text(TEXT)
    found = read_folder(tmp_path)
    assert found.files == ()
    assert f"it is the record of {WHEEL}" in found.notes[0]


def test_a_folder_that_is_missing_has_none(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "no").files == ()
