from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path


class Failing(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error
        self.calls = 0

    def write(self, text: str) -> int:
        self.calls += 1
        raise self.error


def test_lines_are_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w") as file:
        Stream(file).line("a line")
        assert path.read_text() == "a line\n"


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-9", "utf-8"])
def test_what_the_encoding_lacks_is_replaced(encoding: str) -> None:
    raw = io.BytesIO()
    stream = Stream(io.TextIOWrapper(raw, encoding=encoding))
    stream.line("‖ … \udcff")
    assert stream.failure is None
    raw.getvalue().decode(encoding)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EBADF])
def test_a_reader_that_went_away_is_no_failure_and_is_not_bothered_again(number: int) -> None:
    failing = Failing(OSError(number, "gone"))
    stream = Stream(failing)
    stream.line("one")
    stream.line("two")
    assert (failing.calls, stream.failure) == (1, None)


def test_a_full_disk_is_a_failure_that_is_kept() -> None:
    error = OSError(errno.ENOSPC, "full")
    stream = Stream(Failing(error))
    stream.line("one")
    assert stream.failure is error


def test_a_closed_stream_is_silent(tmp_path: Path) -> None:
    file = (tmp_path / "out").open("w")
    file.close()
    for stream in (Stream(file), Stream(None)):
        stream.line("nobody hears it")
        stream.flush()
        assert (stream.failure, stream.isatty()) == (None, False)


def test_a_stream_without_a_descriptor_says_so() -> None:
    with pytest.raises(OSError):
        Stream(None).fileno()


def test_a_broken_pipe_leaves_nothing_in_the_buffer() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        stream = Stream(file)
        stream.line("x" * 100_000)
        # Closing flushes what is left; it goes nowhere, and quietly.
    assert stream.failure is None
