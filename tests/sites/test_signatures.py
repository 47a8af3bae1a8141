"""The signed records of a wheel that a site has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement import envelopes
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sites.signatures import signed_at

from . import handmade

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_of_several_folders_are_there_once_in_one_order(tmp_path: Path) -> None:
    wheels = [handmade.put(tmp_path / folder, "a") for folder in ("one", "two")]
    for each in wheels:
        for name in ("x", "y"):
            handmade.sign(each.parent, tmp_path / f"{name}.pem")
    found = signed_at([*wheels, tmp_path / "none.whl"], [])
    assert len(found) == 2
    assert list(found) == list(signed_at(wheels[::-1], [])) == sorted(found)
    assert {each.record.name for each in found.values()} == {"a"}


def test_what_is_no_signed_record_of_this_wheel_is_left_out_and_said(tmp_path: Path) -> None:
    wheel, other = handmade.put(tmp_path / "w", "a"), handmade.put(tmp_path / "x", "b")
    for folder in ("w", "x"):
        handmade.sign(tmp_path / folder, tmp_path / "k.pem")
    path = envelopes.beside(wheel)
    good = path.read_bytes()
    path.write_bytes(b"{}\n" + good + envelopes.beside(other).read_bytes())
    notes: list[str] = []
    assert list(signed_at([wheel], notes)) == [good.strip()]
    assert [note.split(": ")[1] for note in notes] == [f"{path} line 1", f"{path} line 3"]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    wheel = handmade.put(tmp_path, "a")
    envelopes.beside(wheel).symlink_to(wheel)
    with pytest.raises(AsamanError, match="Not a regular file"):
        signed_at([wheel], [])
