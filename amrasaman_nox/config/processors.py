"""How many processors: those of this machine, and those that the build of a project sees."""

from __future__ import annotations

import os
from typing import Final

#: As many as this machine has.
AUTO: Final = "auto"
#: More than any machine that this is meant for has.
MOST: Final = 1024


def available() -> int:
    """Return how many processors this process may use, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def number(value: object) -> int:
    """Return how many processors *value* means: a whole number, or ``auto``.

    :raises ValueError: it is neither, or out of range
    """
    if value == AUTO:
        return min(available(), MOST)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise ValueError(f"{AUTO}, or a whole number from 1 to {MOST}, is required")
    return value
