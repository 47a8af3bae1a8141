"""Verdicts, variations and differences in words, for every report format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox.comparison.lines import listed, shorten
from amrasaman_nox.errors import printable
from amrasaman_nox.model import Comparison, Row, RowKind, Verdict
from amrasaman_nox.verification.explain import PUBLISHED, RANDOM, explanation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amrasaman_nox.model import Change, Difference


def variation_label(variation: str) -> str:
    """Return a variation as the reports say it, such as ``varied: build path``."""
    if variation in PUBLISHED:
        return "as published"
    if variation == RANDOM:
        return "nothing varied"
    return f"varied: {printable(variation).replace('-', ' ')}"


def verdict_line(comparison: Comparison) -> str:
    """Return one line with the verdict and, where there is one, its first cause and the fix."""
    head = printable(f"{comparison.name} {comparison.version}  {comparison.verdict}")
    why = why_line(comparison)
    return f"{head}  {why}" if why else head


def why_line(comparison: Comparison) -> str:
    """Return why a comparison has its verdict, as one line, or ``""``."""
    return printable(_because(comparison))


def _because(comparison: Comparison) -> str:
    if comparison.proof:
        return comparison.proof
    if comparison.votes:
        return comparison.reason
    told = comparison.reason and comparison.against in PUBLISHED
    if comparison.verdict is Verdict.DIFFERENT and told:
        # What a published wheel itself tells says more than the differences that follow from it.
        return comparison.reason + (f" → {comparison.hint}" if comparison.hint else "")
    if comparison.causes and comparison.verdict in (Verdict.DIFFERENT, Verdict.EQUIVALENT):
        cause, *others = comparison.causes
        row = explanation_of(cause)
        member = f"{cause.member.rsplit('/', 1)[-1] or cause.member}: " if cause.member else ""
        more = f" and {len(others)} more" if others else ""
        return f"{member}{row.title} ({variation_label(cause.variation)}){more} → {row.packager}"
    if comparison.verdict is Verdict.EQUIVALENT:
        return f"(normalised: {', '.join(comparison.normalisations)})"
    return comparison.reason or (comparison.kept and f"both files are in {comparison.kept}")


def difference_line(difference: Difference) -> str:
    """Return what differs as one escaped line, such as ``Version: 1.0 → 1.1``.

    It is ``""`` where the kind of the difference says everything.
    """
    return printable(_LINES.get(difference.kind, _changes)(difference))


def diff_rows(difference: Difference) -> tuple[Row, ...]:
    """Return the escaped rows of a diff; of a nested archive those of the members in it."""
    return listed(_rows(difference)) if difference.kind == _NESTED else difference.rows


def diff_text(difference: Difference) -> str:
    """Return :func:`diff_rows` as one text."""
    return "\n".join(f"{row.kind.value}{row.text}" for row in diff_rows(difference))


_NESTED: Final = "nested-archive"
_REORDERED: Final = {
    "lines": "the same lines in another order",
    "words": "the same words in another order",
    "fields": "fields in another order",
    "rows": "rows in another order",
    "members": "members in another order",
}


def _rows(difference: Difference) -> Iterator[Row]:
    if difference.kind != _NESTED:
        yield from difference.rows
        return
    yield from (Row(RowKind.SAME, text) for text in _facts(difference))
    for one in difference.inner:
        yield Row(RowKind.SAME, one.member)
        yield from _rows(one)


def _values(change: Change, longest: int = 70) -> str:
    return f"{shorten(change.ours, longest)} → {shorten(change.theirs, longest)}"


def _some(texts: Iterable[str], total: int, most: int = 3, longest: int = 160) -> str:
    shown = [shorten(text, longest) for text in texts][:most]
    return ", ".join(shown) + (f" and {total - len(shown)} more" if total > len(shown) else "")


def _changes(difference: Difference) -> str:
    return "; ".join(
        f"{change.what} {_values(change)}" if change.ours or change.theirs else change.what
        for change in difference.changes
    )


def _line(difference: Difference) -> str:
    parts = [_REORDERED[difference.reordered]] if difference.reordered else []
    for change in difference.changes:
        what = "line" if change.what == "line" else f"{change.what}: line"
        parts.append(f"{what} {change.place}: {_values(change)}")
    return ", ".join(parts)


def _record(difference: Difference) -> str:
    if difference.reordered:
        return _REORDERED[difference.reordered]
    if not difference.changes:
        return "line endings"
    names = [change.of for change in difference.changes]
    return f"{difference.total} of the rows differ: {_some(names, difference.total)}"


def _entry_points(difference: Difference) -> str:
    if any(change.place for change in difference.changes):
        return _line(difference)
    rows = [f"-{one.ours}" if one.ours else f"+{one.theirs}" for one in difference.changes]
    return _some(rows, difference.total)


def _metadata(difference: Difference) -> str:
    if difference.reordered == "fields":
        return ": ".join(["fields in another order", *(one.what for one in difference.changes)])
    if any(change.place for change in difference.changes):
        return _line(difference)
    found = [
        f"{shorten(one.what, 40)}: {shorten(one.ours, 70) or 'nothing'} → "
        f"{shorten(one.theirs, 70) or 'nothing'}"
        for one in difference.changes[:3]
    ]
    return "; ".join(found) + "; …" * (difference.total > len(found))


def _elf(difference: Difference) -> str:
    if not difference.changes:
        return "outside of the sections"
    names = _some((one.what for one in difference.changes), difference.total, 6)
    first = next((one for one in difference.changes if one.ours and one.theirs), None)
    return f"sections {names}" + (f"; {_values(first)}" if first else "")


def _pyc(difference: Difference) -> str:
    parts = [
        f"source {one.ours} → {one.theirs}" if one.what == "source" else one.what
        for one in difference.changes
        if one.what != "code"
    ]
    if not difference.has("code"):
        return f"header: {', '.join(parts)}; same code"
    code = next(one for one in difference.changes if one.what == "code")
    return "; ".join(["code", *parts, *([_values(code)] if code.ours else [])])


def _archive(difference: Difference) -> str:
    details = _facts(difference)
    details += [f"{one.member}: {difference_line(one)}" for one in difference.inner]
    return _some(details, len(details), 2, 300) or "packed in another way, same members"


def _facts(difference: Difference) -> list[str]:
    """Return a line for each fact beside the contents in which two nested archives differ."""
    lines = []
    for one in difference.changes:
        if one.what in ("missing", "added"):
            lines.append(f"{one.what}: {one.of}")
        else:
            values = f"{one.ours} → {one.theirs}"
            lines.append(f"{one.what} of {_members(one.count)}, {shorten(one.of, 80)}: {values}")
    if difference.reordered:
        lines.append(_REORDERED[difference.reordered])
    return lines


def _members(count: int) -> str:
    return "1 member" if count == 1 else f"{count} members"


def _bytes(difference: Difference) -> str:
    found = {change.what: change for change in difference.changes}
    if not found:
        return "too large to compare in detail"
    parts = []
    if "sha256" in found:
        digests = (found["sha256"].ours, found["sha256"].theirs)
        parts.append("sha256 " + " → ".join(f"{digest[:16]}…" for digest in digests))
    if "offset" in found:
        parts.append(f"from offset {found['offset'].place}")
    parts.append(f"{found['size'].ours} → {found['size'].theirs} bytes")
    return "; ".join(parts) + (", not compared in detail" if "sha256" in found else "")


def _one_sided(difference: Difference) -> str:
    return "; ".join(f"{one.count} bytes, {one.what[:23]}…" for one in difference.changes)


def _order(difference: Difference) -> str:
    return "; ".join(f"from {one.what} {one.place}: {_values(one)}" for one in difference.changes)


def _fact(difference: Difference) -> str:
    parts = []
    for one in difference.changes:
        if one.of:
            such = "such as " if one.count > 1 else ""
            first = f"{_members(one.count)}, {such}{shorten(one.of, 100)}"
            parts.append(f"{one.what} of {first}: {_values(one, 80)}")
        else:
            parts.append(one.what)
    return "; ".join(parts)


#: How a difference of each kind is put into words; others name what changed.
_LINES: Final[dict[str, Callable[[Difference], str]]] = {
    "record": _record,
    "entry-points": _entry_points,
    "metadata": _metadata,
    "elf": _elf,
    "pyc": _pyc,
    _NESTED: _archive,
    "json": _line,
    "text": _line,
    "bytes": _bytes,
    "member-missing": _one_sided,
    "member-added": _one_sided,
    "archive-order": _order,
    "zip-times": _fact,
    "zip-modes": _fact,
    "compression": _fact,
    "zip-framing": _fact,
}
