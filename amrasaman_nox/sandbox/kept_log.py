"""The output of a process in a file: its beginning and its end, however much is between them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

#: How much of the beginning is kept, and how much of the end, in bytes.
PART: Final = 8 << 20


class KeptLog:
    """Takes output and appends it to a file, in which it takes no more than twice ``PART``.

    What comes after the beginning goes round in a ring behind it, so that more output costs no
    disk; when the block ends, the ring is put in order, behind a line that says what is left out.

    :param path: the file; what it has already stays
    :param part: in bytes, how much of the beginning and how much of the end is kept
    """

    def __init__(self, path: Path, part: int = PART) -> None:
        self._part = part
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._start = os.lseek(self._file, 0, os.SEEK_END)
        #: How many bytes have been written, in all.
        self.written = 0

    def __enter__(self) -> KeptLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self.written > 2 * self._part:
                self._put_in_order()
        finally:
            os.close(self._file)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the output."""
        view = memoryview(chunk)
        while view:
            place, room = self._next()
            self._put(view[:room], place)
            self.written += len(view[:room])
            view = view[room:]

    def _next(self) -> tuple[int, int]:
        """Return where the next byte goes, counted from the start, and how many fit there."""
        if self.written < self._part:
            return self.written, self._part - self.written
        around = self._around()
        return self._part + around, self._part - around

    def _around(self) -> int:
        """Return where in the ring the next byte goes."""
        return (self.written - self._part) % self._part

    def _put_in_order(self) -> None:
        ring = os.pread(self._file, self._part, self._start + self._part)
        left_out, oldest = self.written - 2 * self._part, self._around()
        note = f"\n[{left_out} bytes of output are left out here]\n".encode()
        self._put(note + ring[oldest:] + ring[:oldest], self._part)

    def _put(self, content: bytes | memoryview, place: int) -> None:
        """Write *content* at *place*, counted from the start."""
        view = memoryview(content)
        while view:
            count = os.pwrite(self._file, view, self._start + place)
            view, place = view[count:], place + count
