"""Reading text files of input."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.requirements import read_requirements
from tests.inputs.reading import HASH, failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_with_a_mark_is_read(tmp_path: Path, order: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(f"\ufefffoo==1 {HASH} # é\r\n".encode(f"utf-16-{order}"))
    assert [str(pin) for pin in read_requirements(path).pins] == ["foo==1"]
    path.write_bytes(path.read_bytes()[:-1])
    assert failure(lambda: read_requirements(path)).why == "not UTF-16"


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "no such file or directory"),
        (lambda path: path.mkdir(), "is a directory"),
        (make_fifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.write_bytes(b"foo\n\xff"), "not UTF-8"),
        (lambda path: path.write_bytes("foo==1\n".encode("utf-16-le")), "not UTF-8"),
        (lambda path: path.write_bytes("foo==1\n".encode("utf-32")), "not UTF-16"),
    ],
    ids=["missing", "directory", "fifo", "zero", "latin", "utf-16", "utf-32"],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, make: Callable[[Path], object], why: str
) -> None:
    path = tmp_path / "r.txt"
    make(path)
    error = failure(lambda: read_requirements(path))
    assert (error.what, error.why) == (f"cannot read {path}", why)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.touch(0o000)
    assert failure(lambda: read_requirements(path)).why == "permission denied"


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EIO, 5), (errno.ENOSPC, 5), (errno.EACCES, 2), (errno.ENOENT, 2)]
)
def test_a_fault_of_the_disk_is_none_of_the_file(
    number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object) -> int:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "requirements.txt"
    path.write_text("")
    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(AsamanError, match=os.strerror(number).lower()) as caught:
        read_requirements(path)
    assert caught.value.code == code
