"""Differences written as a reader sees them."""

from __future__ import annotations

from amrasaman_nox.model import Change, Row, RowKind

_HEADS = ("--- ", "+++ ", "@@")


def rows(diff: str) -> tuple[Row, ...]:
    """Return the rows of a diff that is given as text."""
    kinds = {kind.value: kind for kind in RowKind if kind.value}
    return tuple(
        Row(RowKind.HEAD, line)
        if line.startswith(_HEADS) or line[:1] not in kinds
        else Row(kinds[line[0]], line[1:])
        for line in (diff.split("\n") if diff else ())
    )


def changed(*names: str, ours: str = "", theirs: str = "") -> tuple[Change, ...]:
    """Return a change for each of *names*, all with the same values."""
    return tuple(Change(what=name, ours=ours, theirs=theirs) for name in names)
