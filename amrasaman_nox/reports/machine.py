"""What a machine has, in words and as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Fact, Report


def lines(report: Report) -> Iterator[str]:
    """Yield a line for each fact; for what does not work, with how to fix it."""
    width = max((len(one.name) for one in report.facts), default=0)
    for one in report.facts:
        said = one.value if one.works else f"no: {one.value}"
        fix = f". Fix: {one.fix}" if one.fix and not one.works else ""
        yield f"{one.name:<{width}}  {said}{fix}"


def document(fact: Fact) -> dict[str, str | bool]:
    """Return *fact* as a value for the JSON report."""
    return {
        "name": fact.name,
        "value": fact.value,
        "works": fact.works,
        "required": fact.required,
        "fix": fact.fix,
    }
