from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import ownership
from amrasaman_nox.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

OURS, OTHER, OUR_GROUP, OTHER_GROUP = 1000, 1001, 100, 101


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "geteuid", lambda: OURS)
    monkeypatch.setattr(os, "getegid", lambda: OUR_GROUP)
    return tmp_path


def facts(mode: int, owner: int, group: int) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, owner, group, 0, 0, 0, 0))


def fault(path: Path, mode: int, owner: int, group: int, *trusted: int) -> str:
    return " | ".join(ownership._fault(facts(mode, owner, group), path, trusted))


@pytest.mark.parametrize(
    ("mode", "owner", "group", "trusted"),
    [
        (0o100644, OURS, OTHER_GROUP, ()),
        (0o40755, 0, 0, ()),
        (0o40775, OURS, OUR_GROUP, ()),
        (0o100664, 0, OUR_GROUP, ()),
        (0o100644, OTHER, OTHER_GROUP, (OTHER,)),
        (0o104755, OURS, OUR_GROUP, ()),
    ],
)
def test_what_only_we_can_have_written_is_ours(
    path: Path, mode: int, owner: int, group: int, trusted: tuple[int, ...]
) -> None:
    assert fault(path, mode, owner, group, *trusted) == " | "


@pytest.mark.parametrize(
    ("mode", "owner", "group", "why", "hint"),
    [
        (0o100644, OTHER, OUR_GROUP, "another user owns it", "--trust-owner 1001"),
        (0o100644, 65534, OUR_GROUP, "another user owns it", "--trust-owner 65534"),
        (0o100666, OURS, OUR_GROUP, "it is writable by everybody", "chmod o-w "),
        (0o41777, 0, 0, "it is writable by everybody", "chmod o-w "),
        (0o40777, OURS, OTHER_GROUP, "it is writable by everybody", "chmod o-w "),
        (0o100664, OURS, OTHER_GROUP, "it is writable by another group", "chmod g-w "),
        (0o40775, 0, 0, "it is writable by another group", "chmod g-w "),
    ],
)
def test_what_others_can_have_written_is_not(
    path: Path, mode: int, owner: int, group: int, why: str, hint: str
) -> None:
    said = fault(path, mode, owner, group)
    assert said.startswith(f"{why} | ")
    assert hint in said


def test_a_trusted_owner_does_not_make_up_for_the_mode(path: Path) -> None:
    assert "writable by everybody" in fault(path, 0o100666, OTHER, OTHER_GROUP, OTHER)


def test_the_error_has_owner_mode_and_the_command_that_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    folder.chmod(0o1777)
    found = ownership.why_not_ours(folder)
    assert found is not None
    assert found.code is ExitCode.NOT_AVAILABLE
    line, hint = found.lines()
    assert line.startswith(f"error: {folder}: it is writable by everybody (owner {os.geteuid()}, ")
    assert "mode 1777)" in line
    assert hint == f"hint: if its content is yours: chmod o-w '{folder}'"
    folder.chmod(0o755)
    assert ownership.why_not_ours(folder) is None


def test_what_is_missing_is_not_ours(tmp_path: Path) -> None:
    found = ownership.why_not_ours(tmp_path / "no")
    assert found is not None
    assert found.code is ExitCode.BAD_INPUT


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """Return an access control list: owner, owning group, others, and *entries* between them."""
    unnamed = 2**32 - 1
    rows = sorted([(0x01, 6, unnamed), *entries, (0x04, 4, unnamed), (0x20, 4, unnamed)])
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


USER, GROUP, MASK = 0x02, 0x08, 0x10


@pytest.mark.parametrize(
    ("entries", "lets"),
    [
        ((), False),
        (((USER, 6, OTHER), (MASK, 6, 0)), True),
        (((USER, 2, OTHER), (MASK, 7, 0)), True),
        (((USER, 6, OTHER), (MASK, 4, 0)), False),
        (((USER, 4, OTHER), (MASK, 6, 0)), False),
        (((USER, 6, OURS), (USER, 6, 0), (MASK, 6, 0)), False),
        (((GROUP, 6, OTHER_GROUP), (MASK, 6, 0)), True),
        (((GROUP, 6, OUR_GROUP), (MASK, 6, 0)), False),
    ],
)
def test_an_access_control_list_counts(
    path: Path, entries: tuple[tuple[int, int, int], ...], lets: bool
) -> None:
    assert ownership._lets_others_write(access_list(*entries), ()) is lets
    assert (
        not ownership._lets_others_write(access_list(*entries), (OTHER,)) or entries[0][0] == GROUP
    )


def test_a_file_with_a_list_that_lets_others_write_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "wheel"
    file.touch(mode=0o600)
    assert ownership.why_not_ours(file) is None
    try:
        os.setxattr(
            file, "system.posix_acl_access", access_list((USER, 6, 65534), (MASK, 6, 2**32 - 1))
        )
    except OSError as error:
        pytest.skip(f"no access control lists here: {error}")
    # The mode alone says that the group may write, which is the caller's own.
    found = ownership.why_not_ours(file)
    assert found is not None
    assert "access control list" in str(found)
    assert found.hint.endswith(f"setfacl -b {file}")
