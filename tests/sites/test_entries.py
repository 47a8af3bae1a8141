"""What a site tells of a wheel."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.record_files import beside, read_file
from amrasaman_nox.sites.entries import projects_of, read_entry

from . import handmade

if TYPE_CHECKING:
    from pathlib import Path


def test_metadata_is_that_of_the_wheel(tmp_path: Path) -> None:
    found = handmade.entry(tmp_path, "a", requires_python=">=3.8")
    assert b"\nName: a\n" in found.metadata
    assert found.requires_python == ">=3.8"


def test_projects_have_their_newest_version_first(tmp_path: Path) -> None:
    found = [handmade.entry(tmp_path, *one) for one in (("b", "1.9"), ("b", "1.10"), ("a", "1.0"))]
    first, second = projects_of(found)
    assert (first.name, second.name, second.versions) == ("a", "b", ("1.10", "1.9"))


def test_a_record_of_another_project_is_refused(tmp_path: Path) -> None:
    file = read_file(beside(handmade.put(tmp_path, "a")))
    other = dataclasses.replace(file.record, name="other")
    with pytest.raises(AsamanError, match=r"its record is of other 1\.0"):
        read_entry(dataclasses.replace(file, record=other), (), ())
