"""The beginning and the end of a log are kept, however much is between them."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.sandbox.kept_log import PART, KeptLog

if TYPE_CHECKING:
    from pathlib import Path


def kept(path: Path, output: bytes, *, part: int, chunk: int) -> bytes:
    with KeptLog(path, part) as log:
        for start in range(0, len(output), chunk):
            log.write(output[start : start + chunk])
            assert path.stat().st_size <= 2 * part
        assert log.written == len(output)
    return path.read_bytes()


def expected(output: bytes, part: int) -> bytes:
    left_out = len(output) - 2 * part
    if left_out <= 0:
        return output
    note = f"\n[{left_out} bytes of output are left out here]\n".encode()
    return output[:part] + note + output[-part:]


@pytest.mark.parametrize("chunk", [1, 7, 10, 64, 1000])
@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 19, 20, 21, 25, 30, 39, 40, 41, 999])
def test_the_beginning_and_the_end_are_kept(size: int, chunk: int, tmp_path: Path) -> None:
    output = random.Random(size).randbytes(size)
    found = kept(tmp_path / "log", output, part=10, chunk=chunk)
    assert found == expected(output, 10)


def test_what_the_log_has_from_hooks_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for output in (b"a" * 25, b"b" * 25):
        with KeptLog(path, 10) as log:
            log.write(output)
    first, second = expected(b"a" * 25, 10), expected(b"b" * 25, 10)
    assert path.read_bytes() == first + second


def test_a_block_that_ends_in_an_error_leaves_a_log_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"

    def interrupted() -> None:
        with KeptLog(path, 3) as log:
            log.write(b"0123456789")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == expected(b"0123456789", 3)


def test_a_gigabyte_of_output_takes_16_mebibytes_of_disk(tmp_path: Path) -> None:
    chunk = os.urandom(1 << 16)
    with KeptLog(tmp_path / "log") as log:
        for _ in range(1 << 14):
            log.write(chunk)
        assert log.written == 1 << 30
        assert (tmp_path / "log").stat().st_size == 2 * PART == 16 << 20
