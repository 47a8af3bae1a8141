"""Two sdists compared, member by member."""

from __future__ import annotations

import io

import pytest

from amrasaman_nox.comparison.sdists import compare_sdists, read_members
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Difference, Digest
from amrasaman_nox.reports.wording import difference_line
from tests.sdists.examples import NAME, TOP
from tests.support.archives import link, sdist, tar_member


def compared(ours: bytes, theirs: bytes, other: str = NAME) -> tuple[Difference, ...]:
    files = [io.BytesIO(ours), io.BytesIO(theirs)]
    left, right = (
        read_members(file, name, Digest.of(file.getvalue()))
        for file, name in zip(files, (NAME, other), strict=True)
    )
    return compare_sdists(left, right, *files)


def test_the_same_members_have_no_difference() -> None:
    assert compared(sdist(), sdist()) == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        (tar_member(f"{TOP}/a"), tar_member(f"{TOP}/a") + tar_member(f"{TOP}/b"), "member-added"),
        (tar_member(f"{TOP}/a") + tar_member(f"{TOP}/b"), tar_member(f"{TOP}/a"), "member-missing"),
        (tar_member(f"{TOP}/b", b"1\n"), tar_member(f"{TOP}/b", b"2\n"), "text"),
        (
            tar_member(f"{TOP}/b", mode=b"0000644\0"),
            tar_member(f"{TOP}/b", mode=b"0000755\0"),
            "executable-bit",
        ),
        (link(f"{TOP}/b", "setup.py"), link(f"{TOP}/b", "PKG-INFO"), "text"),
    ],
)
def test_a_member_that_differs_is_named_with_its_kind(
    ours: bytes, theirs: bytes, kind: str
) -> None:
    (found,) = compared(sdist(ours), sdist(theirs))
    assert (found.kind, found.member) == (kind, "b")


def test_a_text_shows_the_line_that_differs() -> None:
    ours, theirs = (sdist(tar_member(f"{TOP}/b", text)) for text in (b"1\n", b"2\n"))
    assert difference_line(compared(ours, theirs)[0]) == "line 1: 1 → 2"


def test_another_file_name_alone_is_a_difference() -> None:
    (found,) = compared(sdist(), sdist(), other="demo-1.1.tar.gz")
    assert (found.kind, found.changes[0].what) == ("metadata", "file name")


def test_a_damaged_sdist_is_refused() -> None:
    with pytest.raises(AsamanError, match="truncated gzip"):
        compared(sdist(), sdist()[:-4])
