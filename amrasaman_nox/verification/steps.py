"""Progress of the search for a cause, build by build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from amrasaman_nox.model import Comparison, Event

if TYPE_CHECKING:
    from amrasaman_nox.model import Cause, Notify

#: Receives what the next build is for, and what is known before it, if anything is.
Tell = Callable[[str, Comparison | None], None]


def teller(notify: Notify, pin: str) -> Tell:
    """Return what tells displays of the steps of a search for *pin*, and reports what is known."""

    def tell(step: str, known: Comparison | None) -> None:
        results = () if known is None else (known,)
        notify(Event(stage="rebuild", state="step", name=pin, note=step, results=results))

    return tell


class Steps:
    """Counts the builds of a search, and tells of each before it begins.

    :param tell: receives such as ``searching for the cause: build 4 of about 6``, and what a run
        that is interrupted during that build knows
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._purpose = ""
        self._known: Comparison | None = None
        self._built = 0
        self._about = 0

    def begin(self, purpose: str, known: Comparison | None = None) -> None:
        """Count from here on: the builds before are no search.

        :param purpose: what the search is for, as a user reads it
        :param known: the comparison, as far as it is known
        """
        self._purpose, self._known = purpose, known
        self._built = self._about = 0

    def expect(self, builds: int) -> None:
        """Take it that about so many builds will follow."""
        self._about = self._built + builds

    def found(self, causes: tuple[Cause, ...]) -> None:
        """Add causes to what is known."""
        if self._known is not None:
            self._known = replace(self._known, causes=(*self._known.causes, *causes))

    def next(self) -> None:
        """Tell of the build that begins now."""
        if not self._purpose:
            return
        self._built += 1
        which = f"build {self._built} of about {max(self._built, self._about)}"
        known = self._known and replace(
            self._known, reason=f"interrupted while {self._purpose}, in {which}"
        )
        self._tell(f"{self._purpose}: {which}", known)
