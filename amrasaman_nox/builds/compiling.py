"""What cargo compiles, read from its output while it works; for displays only."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.model import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.model import BuildJob, Notify

    #: Receives the output of a process as it arrives.
    Heard = Callable[[bytes], None]

#: The stage of the events.
STAGE: Final = "compile"
_LINE: Final = re.compile(rb" *Compiling ([A-Za-z0-9_-]{1,64} v[A-Za-z0-9.+-]{1,40})(?: |$)")
#: No line of cargo that names a crate is longer, but for the path of a local one.
_LONGEST: Final = 200


@contextlib.contextmanager
def told(job: BuildJob, notify: Notify | None) -> Iterator[Heard | None]:
    """Yield what takes the output of the build of *job*, and tells *notify* of each crate.

    ``None`` where nobody wants to know, or there is no Rust in it.
    """
    if notify is None or job.rust is None:
        yield None
        return
    # The source itself is compiled, too; how many crates a source brings itself is not known here.
    crates = job.source.crates
    listener = _Listener(notify=notify, left=len(crates) + 1 if crates else 0)
    notify(Event(stage=STAGE, state="total", count=listener.left))
    try:
        yield listener.take
    finally:
        listener.end()


@dataclass(slots=True)
class _Listener:
    """Turns output into events; ``left`` is how many crates of the lock were not told of yet."""

    notify: Notify
    left: int
    rest: bytes = b""
    name: str = ""

    def take(self, output: bytes) -> None:
        """Tell of the crates that *output* names; what of a line has come is kept for the next."""
        *lines, rest = (self.rest + output).split(b"\n")
        self.rest = rest[:_LONGEST]
        for line in lines:
            found = _LINE.match(line.rstrip(b"\r"))
            if found is not None:
                self._done()
                self.name = found[1].decode()
                self.notify(Event(stage=STAGE, state="start", name=self.name))

    def end(self) -> None:
        """Take back what of the lock is for another platform, or was compiled already."""
        self._done()
        self.notify(Event(stage=STAGE, state="total", count=-self.left))

    def _done(self) -> None:
        # Cargo says what begins only; what began before counts as done then.
        if self.name:
            self.left -= 1
            self.notify(Event(stage=STAGE, state="done", name=self.name))
        self.name = ""
