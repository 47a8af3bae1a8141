"""stdout and stderr that may be closed, broken, or of any encoding."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import printable

if TYPE_CHECKING:
    from typing import TextIO

# Escapes of a terminal: bold and yellow, then as before.
_YELLOW, _PLAIN = "\033[1;33m", "\033[0m"
#: The reader went away, or there never was one: nobody is there to be told.
_NOBODY: Final = frozenset({errno.EPIPE, errno.EBADF, errno.EINVAL, errno.ESHUTDOWN})


class Stream:
    """A text stream on which a write never raises.

    What the encoding cannot hold is replaced. After a failed write the stream is silent;
    ``failure`` holds the error, unless it only says that nobody reads.

    :param stream: the stream to write to, ``None`` for one that was closed before we started
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    @property
    def encoding(self) -> str:
        """The encoding of the stream, by name."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return whether a terminal is at the other end."""
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Return the file descriptor.

        :raises OSError: there is none
        """
        if self._stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write *text*; return how many characters were given."""
        fitting = text.encode(self.encoding, "replace").decode(self.encoding, "replace")
        self._attempt("write", fitting)
        return len(text)

    def line(self, text: str) -> None:
        """Write *text* and the end of the line, at once."""
        self.write(f"{text}\n")
        self.flush()

    def warn(self, text: str, *, color: str = "auto") -> None:
        """Write *text* as a warning, a line of its own.

        :param color: ``auto`` (on a terminal), ``always`` or ``never``
        """
        line = printable(f"warning: {text}")
        coloured = color == "always" or (color == "auto" and self.isatty())
        self.line(f"{_YELLOW}{line}{_PLAIN}" if coloured else line)

    def flush(self) -> None:
        """Write what is still in the buffer."""
        self._attempt("flush")

    def _attempt(self, action: str, *arguments: Any) -> None:
        stream = self._stream
        if stream is None:
            return
        try:
            getattr(stream, action)(*arguments)
        except ValueError:  # closed by somebody in this process
            self._stream = None
        except OSError as error:
            self._stream = None
            if error.errno not in _NOBODY:
                self.failure = error
            _silence(stream)


def _silence(stream: TextIO) -> None:
    """Let what is still in the buffer go nowhere, or the interpreter complains at its exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


def open_standard_streams() -> None:
    """Open ``/dev/null`` in place of each standard stream that was closed before we started.

    Or the next file to be opened would become stdout, and get what is meant for it.
    """
    import sys

    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
        os.set_inheritable(descriptor, True)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
