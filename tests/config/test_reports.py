"""The formats of reports: one row says all of a format."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.options import OPTIONS
from amrasaman_nox.config.reports import FORMATS, TO_FILE, TO_STDOUT, ReportFiles, ReportFormat
from amrasaman_nox.model import Report
from amrasaman_nox.reports.console import show

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = Report(command="reproducible_wheels")


def test_each_format_has_a_field_and_no_field_is_left_over() -> None:
    names = [field.name for field in dataclasses.fields(ReportFiles)]
    assert names == [each.name for each in FORMATS]
    assert set(TO_FILE) | set(TO_STDOUT) == set(names)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_row_becomes_an_option_that_writes_what_its_function_returns(
    form: ReportFormat, tmp_path: Path
) -> None:
    (option,) = (option for option in OPTIONS if option.name == form.name)
    assert (option.field, option.help) == (form.name, form.help)
    path = tmp_path / "report"
    show(EMPTY, Config(**{form.name: str(path)}))  # type: ignore[arg-type]
    module, _, name = form.render.partition(":")
    text = getattr(import_module(f"amrasaman_nox.{module}"), name)(EMPTY)
    assert path.read_text() == text
    assert text


@pytest.mark.parametrize("name", TO_STDOUT)
def test_a_report_on_stdout_is_alone_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (form,) = (each for each in FORMATS if each.name == name)
    module, _, function = form.render.partition(":")
    text = getattr(import_module(f"amrasaman_nox.{module}"), function)(EMPTY)
    show(EMPTY, Config(**{name: "-"}))  # type: ignore[arg-type]
    assert capsys.readouterr().out == text
