"""A file or folder named without an option: which field it sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.named import field_of, with_file
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sdists").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pyproject.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("requirements.txt", "requirement"),
        ("pylock.toml", "requirement"),
        ("pins", "requirement"),
        ("a-1.0.tar.gz", "source"),
        ("a-1.0.zip", "source"),
        ("sdists", "directory"),
        ("project", "project"),
    ],
)
def test_a_file_is_what_its_name_says_and_a_folder_what_it_has(
    folder: Path, name: str, field: str
) -> None:
    assert field_of(folder / name) == field
    assert with_file({"file": name, "quiet": True}, folder) == {field: name, "quiet": True}


def test_an_option_may_say_the_same_and_nothing_else(folder: Path) -> None:
    assert with_file({"file": "r.txt", "requirement": "r.txt"}, folder) == {"requirement": "r.txt"}
    with pytest.raises(AsamanError, match=r"r\.txt and --requirement: cannot be combined"):
        with_file({"file": "r.txt", "requirement": "other.txt"}, folder)


def test_without_a_file_nothing_changes(folder: Path) -> None:
    assert with_file({"source": "a"}, folder) == {"source": "a"}
