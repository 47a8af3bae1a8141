"""What is not ready for a release, in words and as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Finding, Report


def lines(report: Report) -> Iterator[str]:
    """Yield a line for each finding, with how to fix it."""
    for one in report.findings:
        label = f"{one.check} (allowed)" if one.allowed else one.check
        yield f"{label}: {one.what}. Fix: {one.fix}"


def document(finding: Finding) -> dict[str, str | bool]:
    """Return *finding* as a value for the JSON report."""
    return {
        "check": finding.check,
        "what": finding.what,
        "fix": finding.fix,
        "allowed": finding.allowed,
    }
