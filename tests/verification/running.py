"""What a run of verify in a test came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Event, Report


def unheard(event: Event) -> None:
    """Take an event."""


def verdicts(report: Report) -> dict[str, str]:
    return {one.name: str(one.verdict) for one in report.comparisons}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
