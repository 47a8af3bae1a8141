"""What folders, files and locations have of a wheel of ours."""

from __future__ import annotations

import dataclasses
import io
import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement.places import Folder, Held, open_place
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, IndexOptions
from amrasaman_nox.record_files import beside
from amrasaman_nox.wheels.reader import read_wheel, wheel_value

from ..support.projects import make_wheel
from ..support.rebuilders import Rebuilder, rebuilder, record
from ..support.served import served
from ..support.tampering import changed_byte, tampered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = record()
NONE = IndexOptions()


def held(place: str) -> Held:
    return open_place(place, NONE).held(OURS)


@pytest.fixture
def own(tmp_path: Path) -> Rebuilder:
    return rebuilder(tmp_path, "a")


@pytest.fixture(params=["folder", "location", "site"])
def place(request: pytest.FixtureRequest, own: Rebuilder, tmp_path: Path) -> Iterator[str]:
    """The rebuilder's folder, as it is or over HTTP, or below the folder of a site."""
    own.folder.mkdir(exist_ok=True)
    if request.param == "folder":
        yield str(own.folder)
        return
    if request.param == "site":
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "wheels").symlink_to(own.folder)
    with served(own.folder if request.param == "location" else tmp_path / "site") as url:
        yield url


def test_signed_statements_are_found(own: Rebuilder, place: str) -> None:
    own.signs()
    found = held(place)
    assert [each.record for each in found.signed] == [OURS]
    assert found.record == OURS
    assert found.problems == found.others == ()


def test_a_record_without_a_signature_is_found(own: Rebuilder, place: str) -> None:
    own.has()
    found = held(place)
    assert (found.signed, found.told, found.record) == ((), OURS, OURS)


def test_what_does_not_count_is_named(own: Rebuilder, place: str) -> None:
    own.signs().write_text("words\n")
    (problem,) = held(place).problems
    assert str(problem).endswith(".intoto.jsonl line 1: not counted: not JSON")


def test_a_place_without_this_wheel_has_nothing(place: str) -> None:
    found = held(place)
    assert (found.record, found.digest, found.others, found.problems) == (None, None, (), ())


def test_other_wheels_of_the_release_are_named(own: Rebuilder) -> None:
    own.folder.mkdir()
    for name in (
        "six-1.0-cp312-none-any.whl",
        "six-1.1-py3-none-any.whl",
        "x-1.0-py3-none-any.whl",
    ):
        (own.folder / name).touch()
    assert held(str(own.folder)).others == ("six-1.0-cp312-none-any.whl",)


def test_other_wheels_on_the_pages_of_a_site_are_named(tmp_path: Path) -> None:
    page = tmp_path / "simple" / "six"
    page.mkdir(parents=True)
    (page / "index.html").write_text('<a href="../../wheels/six-1.0-cp312-none-any.whl#x">w</a>')
    with served(tmp_path) as url:
        assert held(url).others == ("six-1.0-cp312-none-any.whl",)


def test_of_our_own_folder_only_signatures_count(own: Rebuilder) -> None:
    own.signs()
    found = Folder(own.folder, ours=True).held(OURS)
    assert found.signed
    assert (found.told, found.digest) == (None, None)


@pytest.mark.parametrize("ending", ["", ".provenance.json", ".intoto.jsonl"])
def test_a_file_can_be_named_alone(ending: str, own: Rebuilder) -> None:
    path = own.signs()
    found = held(str(path).removesuffix(".intoto.jsonl") + ending)
    assert bool(found.signed) == (ending == ".intoto.jsonl")
    assert (found.told is not None) == (ending == ".provenance.json")
    assert (found.digest == Digest.of(b"wheel")) == (ending == "")


def test_a_forged_wheel_beside_a_record_is_named(own: Rebuilder) -> None:
    own.has().write_bytes(b"forged")
    (problem,) = held(str(own.folder)).problems
    assert problem.why == "not the wheel that its record names"


@pytest.mark.parametrize("kind", ["honest", "changed", "unreadable"])
def test_the_content_that_a_record_names_is_held_against_the_wheel_beside_it(
    kind: str, own: Rebuilder
) -> None:
    wheel = make_wheel("six", "1.0")
    name = OURS.wheel.filename
    ours = wheel_value(read_wheel(io.BytesIO(wheel), name))
    theirs = {
        "honest": tampered(wheel, lambda contents: None),
        "changed": tampered(wheel, changed_byte),
        "unreadable": b"no archive",
    }[kind]
    claim = dataclasses.replace(ours, digest=Digest.of(theirs), size=len(theirs))
    own.signs(theirs, wheel=claim)
    found = open_place(str(own.folder), NONE).held(dataclasses.replace(OURS, wheel=ours))
    assert (found.record is not None, bool(found.signed), not found.problems) == (
        (kind == "honest",) * 3
    )
    assert found.digest == Digest.of(theirs)
    if kind == "changed":
        assert found.problems[0].why == "its record names other content"


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_regular_file_is_not_read(kind: str, own: Rebuilder) -> None:
    path = own.signs()
    beside(path.with_name(OURS.wheel.filename)).unlink()
    path.rename(own.folder / "moved")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(own.folder / "moved")
    else:
        path.mkdir()
    assert held(str(own.folder)).signed == ()


@pytest.mark.parametrize("text", ["missing", "http://example.org/", "ftp://example.org/"])
def test_what_is_no_place_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(AsamanError):
        open_place(text if ":" in text else str(tmp_path / text), NONE)


# --- locations that misbehave ----------------------------------------------------------------


def test_a_redirect_is_refused(own: Rebuilder) -> None:
    own.signs()
    with (
        served(own.folder) as good,
        served(own.folder, {".jsonl": good}) as url,
        pytest.raises(AsamanError, match=r"redirect to .* is refused"),
    ):
        held(url)


def test_what_never_ends_is_refused(own: Rebuilder) -> None:
    own.folder.mkdir()
    with (
        served(own.folder, {".jsonl": 100 << 20}) as url,
        pytest.raises(AsamanError, match="larger than 32768 KiB"),
    ):
        held(url)


def test_a_folder_that_cannot_be_read_is_one_line(own: Rebuilder) -> None:
    own.folder.mkdir()
    place = open_place(str(own.folder), NONE)
    own.folder.rmdir()
    with pytest.raises(AsamanError, match="No such file"):
        place.held(OURS)
