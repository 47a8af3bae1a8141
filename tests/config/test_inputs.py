"""The formats of input: one row says all of a format."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.inputs import FIELDS, FORMATS, InputFormat, format_of, with_file
from amrasaman_nox.config.options import OPTIONS
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from pathlib import Path


each_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.kind)


@each_format
def test_a_row_names_a_function_that_takes_a_path_and_a_configuration(form: InputFormat) -> None:
    module, _, name = form.read.partition(":")
    if not module:
        assert form.kind == "project"
        return
    read = inspect.signature(getattr(import_module(f"amrasaman_nox.{module}"), name))
    assert [one.annotation.partition(" ")[0] for one in read.parameters.values()] == [
        "Path",
        "Config",
    ]
    assert read.return_annotation == "Requirements"


@each_format
def test_a_row_with_help_is_an_option(form: InputFormat) -> None:
    rows = [option for option in OPTIONS if option.field == form.field and option.help == form.help]
    assert len(rows) == bool(form.help)
    assert all((row.name, row.short) == (form.field, form.short) for row in rows)


def test_each_field_has_a_format_and_at_most_one_is_set() -> None:
    assert {form.field for form in FORMATS} == {*FIELDS}
    assert len({form.kind for form in FORMATS}) == len(FORMATS)
    for field in FIELDS:
        assert Config(**{field: "x"}).given().keys() == {field}
        for other in {*FIELDS} - {field}:
            with pytest.raises(AsamanError, match="cannot be combined"):
                Config(**{field: "x", other: "x"})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("requirements.txt", "requirements"),
        ("pylock", "requirements"),
        ("my-pylock.toml", "requirements"),
        ("pylock.toml", "pylock"),
        ("pylock.dev.toml", "pylock"),
        ("a-1.0.tar.gz", "requirements"),
        ("uv.lock", "uv"),
        ("poetry.lock", "other lock"),
        ("pdm.lock", "other lock"),
    ],
)
def test_the_name_of_a_requirement_tells_its_format(tmp_path: Path, name: str, kind: str) -> None:
    assert format_of(tmp_path / name, "requirement").kind == kind


def test_a_path_of_a_field_has_a_format_of_that_field_whatever_is_there(tmp_path: Path) -> None:
    for field in FIELDS:
        for path in (tmp_path, tmp_path / "none", tmp_path / "none.whl"):
            assert format_of(path, field).field == field


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
    assert format_of(folder / name).field == field
    assert with_file({"file": name, "quiet": True}, folder) == {field: name, "quiet": True}


def test_an_option_may_say_the_same_and_nothing_else(folder: Path) -> None:
    assert with_file({"file": "r.txt", "requirement": "r.txt"}, folder) == {"requirement": "r.txt"}
    with pytest.raises(AsamanError, match=r"r\.txt and --requirement: cannot be combined"):
        with_file({"file": "r.txt", "requirement": "other.txt"}, folder)


def test_without_a_file_nothing_changes(folder: Path) -> None:
    assert with_file({"source": "a"}, folder) == {"source": "a"}
