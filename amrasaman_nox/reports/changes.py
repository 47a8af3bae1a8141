"""What wheels are built from now and were before, in words and as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import PinChange, Report


def lines(report: Report) -> Iterator[str]:
    """Yield a line for each project whose wheels are built from something else."""
    for one in report.changes:
        verdict = f" [{one.verdict}]" if one.verdict else ""
        yield f"{one.name} {versions(one)}: {'; '.join(one.why)}{verdict}"


def versions(change: PinChange) -> str:
    """Return the versions before and now, as one text."""
    if change.before == change.after:
        return change.after
    return f"{change.before or 'none'} → {change.after or 'none'}"


def document(change: PinChange) -> dict[str, Any]:
    """Return *change* as a value for the JSON report."""
    return {
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "why": list(change.why),
        "verdict": change.verdict,
    }
