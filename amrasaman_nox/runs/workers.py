"""The workers that take the builds of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.model import BuildFailure, BuildJob, BuildRecord
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.site import Site

    Build = Callable[[BuildJob, Site, Isolation], BuildRecord | BuildFailure]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """Where the builds of a run go.

    ``build`` builds a job; its wheel is in the store then. A failure is a value, whether the build
    fails or the worker does; it raises only if the run is interrupted or the workers cannot be
    reached (exit 5). ``width`` builds run at a time; ``room`` tells whether there is memory for one
    more beside that many, and ``stop`` ends what runs. ``here`` tells whether they run on this
    machine.
    """

    build: Build
    width: int
    room: Callable[[int], bool]
    stop: Callable[[], None]
    here: bool = True
