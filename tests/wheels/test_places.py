"""Members that installers put in one place, or where metadata of another project would be."""

from __future__ import annotations

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.wheels import places

from ..support.archives import Entry
from .test_reader import read, wheel

DATA = "demo-1.0.data"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("purelib/a/b.py", "site-packages/a/b.py"),
        ("platlib/a.py", "site-packages/a.py"),
        ("scripts/run", "bin/run"),
        ("data/lib/python3.11/site-packages/a.py", "site-packages/a.py"),
        ("data/lib64/python3/site-packages/a.py", "site-packages/a.py"),
        ("data/Lib/site-packages/a.py", "site-packages/a.py"),
        ("data/Scripts/run.exe", "bin/run.exe"),
        ("data/share/man/man1/run.1", "data/share/man/man1/run.1"),
        ("headers/a.h", "headers/a.h"),
    ],
)
def test_a_file_among_the_data_has_its_place(path: str, expected: str) -> None:
    assert places.place(path) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pkg/a.py", f"{DATA}/purelib/pkg/a.py"),
        ("pkg/a.py", f"{DATA}/platlib/PKG/A.py"),
        (f"{DATA}/purelib/a.py", f"{DATA}/platlib/a.py"),
        ("a.py", f"{DATA}/data/lib/python3.11/site-packages/a.py"),
        (f"{DATA}/scripts/run", f"{DATA}/data/bin/run"),
        ("demo-1.0.dist-info/LICENSE", f"{DATA}/purelib/demo-1.0.dist-info/LICENSE"),
    ],
)
def test_two_files_in_one_place_are_refused(one: str, other: str) -> None:
    for names in ((one, other), (other, one)):
        with pytest.raises(AsamanError, match=r"are installed in one place|is metadata in a data"):
            read(wheel(*(Entry(name, b"x") for name in names)), lenient=True)


@pytest.mark.parametrize(
    "name",
    [
        f"{DATA}/purelib/pip-1.dist-info/METADATA",
        f"{DATA}/platlib/Pip-1.Dist-Info/RECORD",
        f"{DATA}/data/lib/python3.12/site-packages/pip-1.dist-info/entry_points.txt",
    ],
)
def test_metadata_of_another_project_is_refused_among_the_data(name: str) -> None:
    with pytest.raises(AsamanError, match="is metadata in a data folder"):
        read(wheel(Entry(name)))


def test_an_entry_point_is_no_second_script_wherever_that_is() -> None:
    entries = Entry("demo-1.0.dist-info/entry_points.txt", b"[gui_scripts]\nrun = demo:main\n")
    with pytest.raises(AsamanError, match="is also an entry point"):
        read(wheel(entries, Entry(f"{DATA}/data/bin/Run")))


def test_what_has_places_of_its_own_is_accepted() -> None:
    names = ("pkg/a.py", f"{DATA}/purelib/pkg/b.py", f"{DATA}/scripts/a.py", f"{DATA}/data/a.py")
    assert len(read(wheel(*map(Entry, names))).members) == 8
