"""Bounded, escaped texts that show where two values differ; safe for hostile bytes."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.model import Row, RowKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The longest diff in lines, and the longest line in characters.
MOST_LINES: Final = 200
LONGEST_LINE: Final = 400
#: What of two long texts is aligned at all; the alignment is quadratic at worst.
_WINDOW: Final = 500
_CONTEXT: Final = 3
_SHORTEST_STRING: Final = 4
_MOST_STRINGS: Final = 200_000

#: How much of a long value is kept, in characters.
_EXCERPT: Final = 280
_CUT: Final = Row(RowKind.HEAD, "… cut")
#: What a diff begins with.
HEAD: Final = (Row(RowKind.HEAD, "--- ours"), Row(RowKind.HEAD, "+++ theirs"))

_STRING = re.compile(rb"[\x20-\x7e]{%d,}" % _SHORTEST_STRING)


def shorten(text: str, longest: int = 120) -> str:
    """Return *text* escaped for a terminal and cut to *longest* characters."""
    escaped = printable(text)
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"


def excerpts(ours: str, theirs: str) -> tuple[str, str]:
    """Return both texts, each cut to what is around the first character that differs."""
    if ours[:1].isspace() and _indent(ours) == _indent(theirs):
        ours, theirs = ours.lstrip(), theirs.lstrip()
    begin = max(0, _first_difference(ours, theirs) - 24)
    lead = "…" if begin else ""
    return lead + ours[begin : begin + _EXCERPT], lead + theirs[begin : begin + _EXCERPT]


def unified(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Row, ...]:
    """Return a unified diff of two lists of lines, of at most :data:`MOST_LINES` lines.

    Equal lines at both ends are skipped before anything is aligned, and only a window of what is
    left is, so that the time is bounded for every input.
    """
    head = _common(ours, theirs)
    tail = _common_end(ours, theirs, head)
    begin, keep = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    left, right = (_window(side, begin, keep) for side in (ours, theirs))
    lines = list(
        itertools.islice(
            difflib.unified_diff(left, right, "ours", "theirs", lineterm="", n=_CONTEXT),
            MOST_LINES + 1,
        )
    )
    shown = [_row(line, number < 2, begin) for number, line in enumerate(lines[:MOST_LINES])]
    if len(lines) > MOST_LINES or max(len(ours), len(theirs)) - begin - keep > _WINDOW:
        shown.append(_CUT)
    return tuple(shown)


def _row(line: str, is_head: bool, offset: int) -> Row:
    """Return a line of :func:`difflib.unified_diff`, whose first character tells what it is."""
    if is_head:
        return Row(RowKind.HEAD, line)
    if line.startswith("@@"):
        return Row(RowKind.HEAD, _moved(line, offset))
    return Row(RowKind(line[0]), shorten(line[1:], LONGEST_LINE))


def two_sided(ours: Iterable[str], theirs: Iterable[str]) -> tuple[Row, ...]:
    """Return *ours* and then *theirs* as rows of a diff, without a head."""
    return (
        *(Row(RowKind.OURS, text) for text in ours),
        *(Row(RowKind.THEIRS, text) for text in theirs),
    )


def listed(rows: Iterable[Row], most: int = MOST_LINES) -> tuple[Row, ...]:
    """Return *rows* escaped, at most *most* of them."""
    taken = list(itertools.islice(rows, most + 1))
    shown = [Row(kind, shorten(text, LONGEST_LINE)) for kind, text in taken[:most]]
    return (*shown, *([_CUT] if len(taken) > most else []))


def first_difference(ours: bytes, theirs: bytes) -> int:
    """Return the offset of the first byte in which two values differ."""
    step = 1 << 16
    for offset in range(0, min(len(ours), len(theirs)), step):
        left, right = ours[offset : offset + step], theirs[offset : offset + step]
        if left != right:
            return offset + _first_difference(left, right)
    return min(len(ours), len(theirs))


def hexdump(ours: bytes, theirs: bytes, offset: int) -> tuple[Row, ...]:
    """Return the rows of 16 bytes around *offset*, of both sides, as a diff."""
    begin = max(0, offset // 16 - 2) * 16
    rows = list(HEAD)
    for start in range(begin, begin + 80, 16):
        left, right = (_hex_row(side, start) for side in (ours, theirs))
        both = [Row(RowKind.SAME, left)] if left == right else two_sided([left], [right])
        rows += [row for row in both if row.text]
    return tuple(rows)


def strings(data: bytes) -> list[str]:
    """Return the runs of printable ASCII characters in *data*, as the tool of that name does."""
    found = itertools.islice(_STRING.finditer(data), _MOST_STRINGS)
    return [match[0].decode("ascii") for match in found]


def different_strings(ours: bytes, theirs: bytes) -> tuple[list[str], list[str]]:
    """Return the strings that only the one and only the other holds; those with a path first."""
    left, right = Counter(strings(ours)), Counter(strings(theirs))
    return _paths_first(left - right), _paths_first(right - left)


def _paths_first(found: Counter[str]) -> list[str]:
    return sorted(found, key=lambda text: "/" not in text)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _first_difference(ours: Sequence[object], theirs: Sequence[object]) -> int:
    return _common(ours, theirs)


def _common(ours: Sequence[object], theirs: Sequence[object]) -> int:
    pairs = zip(ours, theirs, strict=False)
    return next(
        (place for place, (left, right) in enumerate(pairs) if left != right),
        min(len(ours), len(theirs)),
    )


def _common_end(ours: Sequence[str], theirs: Sequence[str], head: int) -> int:
    """Return how many lines at the end are the same, of those behind the first *head*."""
    most = min(len(ours), len(theirs)) - head
    return next((n for n in range(most) if ours[-1 - n] != theirs[-1 - n]), most)


def _window(side: Sequence[str], begin: int, keep: int) -> list[str]:
    # Long lines are cut here too, since comparing them costs time.
    end = min(len(side) - keep, begin + _WINDOW)
    return [line[: 16 * LONGEST_LINE] for line in side[begin:end]]


def _moved(line: str, offset: int) -> str:
    """Return a hunk header with the number of the skipped lines added."""
    return re.sub(r"(?<=[-+])\d+", lambda match: str(int(match[0]) + offset), line)


def _hex_row(data: bytes, start: int) -> str:
    row = data[start : start + 16]
    if not row:
        return ""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{start:08x}  {row.hex(' '):<47}  {text}".rstrip()
