"""What takes the builds of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from amrasaman_nox.runs.cluster import Cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """Where the builds of a run go.

    ``executor`` takes them, ``width`` at a time; ``room`` tells whether there is memory for one
    more beside that many, and ``stop`` ends what runs. ``cluster`` is set where builds run on other
    machines.
    """

    executor: Executor
    width: int
    room: Callable[[int], bool]
    stop: Callable[[], None]
    cluster: Cluster | None = None
