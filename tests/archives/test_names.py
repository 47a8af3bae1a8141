"""Names of members, judged alike in every format."""

from __future__ import annotations

import unicodedata

import pytest

from amrasaman_nox.archives import names as members
from amrasaman_nox.errors import AsamanError
from tests.sdists.examples import NAME, TOP, read, zip_sdist
from tests.support.archives import (
    Entry,
    pax,
    sdist,
    tar_member,
)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        f"{TOP}/../../x",
        f"{TOP}/..",
        "/abs",
        f"/{TOP}/abs",
        f"././{TOP}/f",
        f".//{TOP}/f",
        f"{TOP}/./f",
        f"{TOP}//f",
        f"{TOP}/a\\b",
        f"{TOP}/a\nb",
        f"{TOP}/a\x1b[0m",
        f"{TOP}/a\x7f",
        f"{TOP}/a\u0085b",
        f"{TOP}/a\u202eb",
        "C:/x",
    ],
)
@pytest.mark.parametrize("how", ["header", "pax", "gnu", "zip"])
def test_an_unsafe_name_is_refused(name: str, how: str) -> None:
    raw = name.encode()
    data = {
        "header": lambda: sdist(tar_member(raw)),
        "pax": lambda: sdist(pax((b"path", raw)), tar_member(f"{TOP}/f")),
        "gnu": lambda: sdist(tar_member("l", raw, kind=b"L"), tar_member(f"{TOP}/f")),
        "zip": lambda: zip_sdist(Entry(raw, flags=0x800)),
    }[how]()
    with pytest.raises(AsamanError, match="unsafe member name"):
        read(data, "demo-1.0.zip" if how == "zip" else NAME)


COMPOSED = unicodedata.normalize("NFC", "é")
DECOMPOSED = unicodedata.normalize("NFD", "é")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (COMPOSED, DECOMPOSED, "differ only by Unicode normalisation"),
        (f"{COMPOSED}/a", f"{DECOMPOSED}/b", "differ only by Unicode normalisation"),
        ("a", "a/b", "a file and a folder"),
        ("a/b", "a", "a file and a folder"),
    ],
)
@pytest.mark.parametrize("how", ["tar", "zip"])
def test_two_members_that_a_file_system_could_take_for_one_are_refused(
    first: str, second: str, why: str, how: str
) -> None:
    names = (f"{TOP}/{first}", f"{TOP}/{second}")
    data = sdist(*map(tar_member, names)) if how == "tar" else zip_sdist(*(Entry(n) for n in names))
    with pytest.raises(AsamanError, match=why):
        read(data, f"demo-1.0.{'zip' if how == 'zip' else 'tar.gz'}")


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_MEMBERS", 5)
    with pytest.raises(AsamanError, match="more than 5 members"):
        read(sdist(*(tar_member(f"{TOP}/{number}") for number in range(5))))
