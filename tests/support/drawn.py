"""The values that tests vary with: the same in each run, but for the clock."""

from __future__ import annotations

from datetime import UTC, datetime

from amrasaman_nox.verification.draw import Draw

SEED = "a seed for tests"


def draw(now: datetime | None = None) -> Draw:
    """Return the draw of a rebuild that begins *now*."""
    return Draw(seed=SEED, now=now or datetime.now(UTC))
