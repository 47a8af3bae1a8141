"""Reading an sdist: names, links and metadata."""

from __future__ import annotations

import pytest

from amrasaman_nox.errors import AsamanError, Origin
from amrasaman_nox.model import Pin
from amrasaman_nox.sdists import reader as unpacking
from amrasaman_nox.sdists.reader import check_metadata
from tests.sdists.examples import TOP, read, zip_sdist
from tests.support.archives import (
    END,
    Entry,
    gzipped,
    link,
    pkg_info,
    sdist,
    tar_member,
)

# What is read and written


def test_a_sound_sdist_says_what_it_is() -> None:
    info = read(sdist(tar_member(f"{TOP}/pyproject.toml", b"[project]\n")))
    assert (info.name, info.version, info.top) == ("demo", "1.0", TOP)
    assert info.pyproject == b"[project]\n"
    assert info.has_setup_py
    assert info.members == 3
    assert info.notes == ()


@pytest.mark.parametrize(
    ("name", "native"),
    [("src/speed.PYX", True), ("a.rs", True), ("a.py", False), ("tests/data/a.c", False)],
)
def test_it_is_known_whether_there_is_something_to_compile(name: str, native: bool) -> None:
    assert read(sdist(tar_member(f"{TOP}/{name}", b""))).native == native


def test_a_top_folder_of_another_name_is_noted() -> None:
    (note,) = read(sdist(top="Demo_1")).notes
    assert "Demo_1" in note
    assert read(sdist(top="Demo-1.0.0")).notes == ()


@pytest.mark.parametrize(
    "members_of_it",
    [
        [link(f"{TOP}/l", "/etc/passwd")],
        [link(f"{TOP}/l", "../x")],
        [link(f"{TOP}/l", "../setup.py")],
        [link(f"{TOP}/l", "../../etc/passwd")],
        [link(f"{TOP}/l", f"../{TOP}/setup.py")],
        [link(f"{TOP}/l", "")],
        [link(f"{TOP}/l", ".")],
        [link(f"{TOP}/l", "./setup.py")],
        [link(f"{TOP}/l", "l")],
        [link(f"{TOP}/a", "b"), link(f"{TOP}/b", "a")],
        [link(f"{TOP}/a", "b"), link(f"{TOP}/b", "c"), link(f"{TOP}/c", "a")],
        [link(f"{TOP}/a", "b"), link(f"{TOP}/b", "../missing")],
        [link(f"{TOP}/d/l", "../../missing")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/a", "d"), link(f"{TOP}/b", "a/missing")],
        [link(f"{TOP}/a", "missing"), link(f"{TOP}/b", "a/missing")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/a", "d"), link(f"{TOP}/b", "a")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/a", "d"), link(f"{TOP}/b", "a/f")],
        [
            link(f"{TOP}/0", "setup.py"),
            *(link(f"{TOP}/{number}", str(number - 1)) for number in range(1, 10)),
        ],
        [link(f"{TOP}/d/l", "../d")],
        [
            *(tar_member(f"{TOP}/a/f"), tar_member(f"{TOP}/b/f")),
            *(link(f"{TOP}/a/l", "../b"), link(f"{TOP}/b/l", "../a")),
        ],
        [tar_member(f"{TOP}/d/e/f"), link(f"{TOP}/l", "d/e"), link(f"{TOP}/k", "l/../../x")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/l", "d/../setup.py")],
        [link(f"{TOP}/pyproject.toml", "setup.py")],
        [link(f"{TOP}/l", "setup.py\x1b")],
    ],
)
def test_an_unsafe_link_is_refused(members_of_it: list[bytes]) -> None:
    with pytest.raises(AsamanError, match="unsafe link"):
        read(sdist(*members_of_it))


@pytest.mark.parametrize("filename", ["d-1.egg", "d-1.tgz", "d-1.tar", "d-1.tar.zst"])
def test_other_formats_are_unsupported(filename: str) -> None:
    with pytest.raises(AsamanError, match="unsupported format"):
        read(sdist(), filename)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (Entry(f"{TOP}/l", b"setup.py", mode=0o120777), "link"),
        (Entry(f"{TOP}/f", local={"size": 5}), "do not match"),
        (Entry(f"{TOP}/f", before=b"x"), "between"),
        (Entry("other/f"), "outside the top folder"),
        (Entry(f"{TOP}{'/' + 'x' * 200}" * 30), "member name too long"),
    ],
)
def test_a_zip_sdist_keeps_to_the_strict_rules(entry: Entry, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        read(zip_sdist(entry), "demo-1.0.zip")


# PKG-INFO


def test_metadata_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_LARGEST_KEPT", len(pkg_info()))
    assert read(sdist()).name == "demo"
    with pytest.raises(AsamanError, match="is too large"):
        read(sdist(metadata=pkg_info() + b"\n"))


@pytest.mark.parametrize(
    "metadata",
    [
        b"Metadata-Version: 2.1\n",
        b"Name: demo\n",
        b"Version: 1.0\n",
        pkg_info() + b"Name: demo\n",
        pkg_info() + b"version: 2.0\n",
        b"\n" + pkg_info(),
        pkg_info("-r", "1.0"),
        pkg_info("demo", "1.0/../x"),
        pkg_info("demo", ""),
    ],
)
def test_metadata_without_one_name_and_one_version_is_refused(metadata: bytes) -> None:
    with pytest.raises(AsamanError, match="metadata mismatch"):
        read(sdist(metadata=metadata))


def test_an_sdist_without_metadata_is_refused() -> None:
    nested = tar_member(f"{TOP}/demo.egg-info/PKG-INFO", pkg_info())
    with pytest.raises(AsamanError, match="no PKG-INFO"):
        read(gzipped(nested + END))


def test_nested_metadata_is_left_alone() -> None:
    assert read(sdist(tar_member(f"{TOP}/x/PKG-INFO", pkg_info("other")))).name == "demo"


@pytest.mark.parametrize(("name", "version"), [("Demo", "1.0"), ("demo", "1.0.0"), ("DEMO", "1")])
def test_metadata_of_the_pin_is_accepted(name: str, version: str) -> None:
    check_metadata(read(sdist(metadata=pkg_info(name, version))), Pin(name="demo", version="1.0"))


@pytest.mark.parametrize(("name", "version"), [("demo2", "1.0"), ("demo", "1.0.1"), ("d", "1.0")])
def test_metadata_that_is_not_the_pins_is_refused(name: str, version: str) -> None:
    info = read(sdist(metadata=pkg_info(name, version)))
    pin = Pin(name="demo", version="1.0", origin=Origin(path="requirements.txt", line=7))
    with pytest.raises(AsamanError, match="metadata mismatch") as caught:
        check_metadata(info, pin)
    assert "requirements.txt line 7" in caught.value.lines()[0]
