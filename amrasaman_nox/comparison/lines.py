"""Bounded, escaped texts that show where two values differ; safe for hostile bytes."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable

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

_STRING = re.compile(rb"[\x20-\x7e]{%d,}" % _SHORTEST_STRING)


def shorten(text: str, longest: int = 120) -> str:
    """Return *text* escaped for a terminal and cut to *longest* characters."""
    escaped = printable(text)
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"


def excerpts(ours: str, theirs: str, longest: int = 70) -> str:
    """Return ``OURS → THEIRS``, each cut to what is around the first character that differs."""
    if ours[:1].isspace() and _indent(ours) == _indent(theirs):
        ours, theirs = ours.lstrip(), theirs.lstrip()
    start = _first_difference(ours, theirs)
    begin = max(0, start - 24)
    lead = "…" if begin else ""
    return " → ".join(
        lead + shorten(side[begin : begin + 4 * longest], longest) for side in (ours, theirs)
    )


def unified(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """Return a unified diff of two lists of lines, of at most :data:`MOST_LINES` lines.

    Equal lines at both ends are skipped before anything is aligned, and only a window of what is
    left is, so that the time is bounded for every input.
    """
    head = _common(ours, theirs)
    tail = _common(ours[head:][::-1], theirs[head:][::-1])
    begin, keep = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    left, right = (_window(side, begin, keep) for side in (ours, theirs))
    lines = list(
        itertools.islice(
            difflib.unified_diff(left, right, "ours", "theirs", lineterm="", n=_CONTEXT),
            MOST_LINES + 1,
        )
    )
    shown = [shorten(_moved(line, begin), LONGEST_LINE) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES or max(len(ours), len(theirs)) - begin - keep > _WINDOW:
        shown.append("… cut")
    return "\n".join(shown)


def listed(rows: Iterable[str], most: int = MOST_LINES) -> str:
    """Return *rows* one a line, escaped, at most *most* of them."""
    taken = list(itertools.islice(rows, most + 1))
    shown = [shorten(row, LONGEST_LINE) for row in taken[:most]]
    return "\n".join(shown + ["… cut"] * (len(taken) > most))


def first_difference(ours: bytes, theirs: bytes) -> int:
    """Return the offset of the first byte in which two values differ."""
    step = 1 << 16
    for offset in range(0, min(len(ours), len(theirs)), step):
        left, right = ours[offset : offset + step], theirs[offset : offset + step]
        if left != right:
            return offset + _first_difference(left, right)
    return min(len(ours), len(theirs))


def hexdump(ours: bytes, theirs: bytes, offset: int) -> str:
    """Return the rows of 16 bytes around *offset*, of both sides, as a diff."""
    begin = max(0, offset // 16 - 2) * 16
    rows = ["--- ours", "+++ theirs"]
    for start in range(begin, begin + 80, 16):
        left, right = (_hex_row(side, start) for side in (ours, theirs))
        rows += [f" {left}"] if left == right else [f"-{left}", f"+{right}"]
    return "\n".join(row.rstrip() for row in rows if row.strip())


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


def _window(side: Sequence[str], begin: int, keep: int) -> list[str]:
    # Long lines are cut here too, since comparing them costs time.
    end = min(len(side) - keep, begin + _WINDOW)
    return [line[: 16 * LONGEST_LINE] for line in side[begin:end]]


def _moved(line: str, offset: int) -> str:
    """Return a hunk header with the number of the skipped lines added; other lines as they are."""
    if not line.startswith("@@"):
        return line
    return re.sub(r"(?<=[-+])\d+", lambda match: str(int(match[0]) + offset), line)


def _hex_row(data: bytes, start: int) -> str:
    row = data[start : start + 16]
    if not row:
        return ""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{start:08x}  {row.hex(' '):<47}  {text}"
