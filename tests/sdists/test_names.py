"""File names of sdists: what they say, and what is none."""

from __future__ import annotations

import pytest

from amrasaman_nox.sdists import reader
from amrasaman_nox.sdists.names import SUFFIXES, local_name, name_and_version, suffix_of


def test_there_is_a_reader_for_each_suffix() -> None:
    assert tuple(reader._FORMATS) == SUFFIXES


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_name_says_project_and_version(suffix: str) -> None:
    name, version = name_and_version(f"A.b_c-1.0.post1{suffix}")
    assert (name, str(version)) == ("a-b-c", "1.0.post1")
    assert suffix_of(f"a-1.0{suffix}") == suffix
    assert local_name("a-b", "1.0", suffix) == f"a_b-1.0{suffix}"


def test_a_file_of_another_kind_has_no_suffix_of_an_sdist() -> None:
    assert suffix_of("a-1.0.whl") == ""


@pytest.mark.parametrize(
    "filename",
    ["a-1.0.tar", "a-1.0.tgz", "a-1.0.TAR.GZ", "a.tar.gz", "-1.0.zip", "a-x.zip", "a-.zip", ".zip"],
)
def test_another_name_is_none(filename: str) -> None:
    with pytest.raises(ValueError, match="not the file name of an sdist"):
        name_and_version(filename)
