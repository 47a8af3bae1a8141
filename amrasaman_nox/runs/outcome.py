"""What became of the sources of a run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.model import BuildFailure, BuildOutcome, BuildRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import LockEntry, Pin


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What became of one source."""

    entry: LockEntry | None = None
    record: BuildRecord | None = None
    failure: BuildFailure | None = None
    kept: bool = False
    note: str = ""


def joined(
    total: BuildOutcome, outcome: BuildOutcome, left_out: tuple[tuple[Pin, str], ...]
) -> BuildOutcome:
    """Return *total* with *outcome* and the pins that were left out added."""
    return BuildOutcome(
        records=(*total.records, *outcome.records),
        failures=(*total.failures, *outcome.failures),
        kept=total.kept | outcome.kept,
        left_out=(*total.left_out, *left_out),
        notes=(*total.notes, *outcome.notes),
        bootstraps=(*total.bootstraps, *outcome.bootstraps),
    )


def done_records(done: Sequence[Done]) -> tuple[BuildRecord, ...]:
    """Return the records among *done*, in order."""
    return tuple(item.record for item in done if item.record is not None)
