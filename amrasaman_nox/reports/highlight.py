"""What differs within the lines of a diff."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from amrasaman_nox.comparison.lines import HEAD
from amrasaman_nox.model import Row, RowKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Parts = list[tuple[str, bool]]

#: Longer lines, in characters, are compared as a whole: it takes the product of both lengths.
_LONGEST: Final = 400
#: As many pairs of lines are looked at in one diff.
_MOST: Final = 100
#: What is compared as one: a word, or a character between words.
_WORDS: Final = re.compile(r"\w+|\W")
#: Lines that have less than this part of their words in common are other lines.
_ALIKE: Final = 0.5


def highlighted(rows: Sequence[Row], sides: tuple[str, str]) -> Iterator[tuple[Row, Parts]]:
    """Yield each row of a diff with its text in parts, each with whether it differs.

    A removed line is compared with the added one that is in its place. Heads name the *sides*.
    """
    found: dict[int, Parts] = {}
    for one, other in _pairs(rows)[:_MOST]:
        found[one], found[other] = _parts(rows[one].text, rows[other].text)
    named = dict(zip(HEAD, sides, strict=True))
    for number, row in enumerate(rows):
        text = f"{row.text[:4]}{named[row]}" if row in named else row.text
        yield row, found.get(number, [(text, False)])


def _pairs(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Return the numbers of rows that replace each other: a block of removed ones, then added."""
    pairs: list[tuple[int, int]] = []
    removed: list[int] = []
    added: list[int] = []
    for number, row in enumerate((*rows, Row(RowKind.SAME, ""))):
        if row.kind is RowKind.OURS and not added:
            removed.append(number)
        elif row.kind is RowKind.THEIRS and removed:
            added.append(number)
        else:
            pairs += list(zip(removed, added, strict=False))
            removed, added = [number] if row.kind is RowKind.OURS else [], []
    return pairs


def _parts(one: str, other: str) -> tuple[Parts, Parts]:
    if max(len(one), len(other)) > _LONGEST:
        return [(one, False)], [(other, False)]
    left, right = _WORDS.findall(one), _WORDS.findall(other)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return [(one, False)], [(other, False)]
    ours: Parts = []
    theirs: Parts = []
    for what, begin, end, there, last in matcher.get_opcodes():
        ours += [("".join(left[begin:end]), what != "equal")] if end > begin else []
        theirs += [("".join(right[there:last]), what != "equal")] if last > there else []
    return ours, theirs
