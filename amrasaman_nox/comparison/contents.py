"""Differences inside one member: one function and one row for each kind of content.

All of it is bounded and only reads: the bytes may be those of a stranger's wheel.
"""

from __future__ import annotations

import configparser
import csv
import io
import json
import re
from base64 import urlsafe_b64decode
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from amrasaman_nox.archives.inflate import allowed
from amrasaman_nox.comparison import elf, lines, nested
from amrasaman_nox.model import Change, Difference, Row, RowKind, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Members larger than this, in bytes, are compared as bytes alone.
LARGEST_MEMBER: Final = 64 << 20
#: Texts that are longer, in bytes and in lines, are compared as bytes.
_LARGEST_TEXT: Final = 16 << 20
_MOST_LINES: Final = 500_000
_LARGEST_JSON: Final = 1 << 20
#: What archives in one member may expand to altogether, in bytes.
_LARGEST_NESTED: Final = 64 << 20
_MOST_CHANGES: Final = 100
_DEEPEST: Final = 2
_MOST_NESTED: Final = 20
_DIST_INFO = re.compile(r"[^/]+\.dist-info/([^/]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One member on both sides.

    ``changed`` maps the names of all members that are not the same to their sha256 in hexadecimal
    on our and on their side (``None`` where there is no such member): a RECORD follows from them.
    ``depth`` counts the archives around it; ``allowed`` is the most bytes that archives in it may
    expand to, or ``None`` for what its size allows.
    """

    name: str
    ours: bytes
    theirs: bytes
    changed: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    depth: int = 0
    allowed: int | None = None

    @property
    def dist_info(self) -> str:
        """The file's name where it is in the wheel's dist-info folder, else ``""``."""
        match = _DIST_INFO.fullmatch(self.name)
        return match[1] if match and self.depth == 0 else ""


def compare(pair: Pair) -> Difference:
    """Return the one difference of a member that is not the same on both sides."""
    for compares in _CONTENTS:
        difference = compares(pair)
        if difference is not None:
            return difference
    return _bytes(pair)


def _record(pair: Pair) -> Difference | None:
    """Compare RECORD by row (the binary distribution format): path, hash and size."""
    texts = _texts(pair)
    if pair.dist_info != "RECORD" or texts is None:
        return None
    if texts[0].replace("\r\n", "\n") == texts[1].replace("\r\n", "\n"):
        return _made(pair, "record", normalisation="record-line-endings")
    try:
        ours, theirs = (
            [tuple(row) for row in csv.reader(io.StringIO(side, newline=""))] for side in texts
        )
    except csv.Error:
        return None
    left, right = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    rows = lines.unified([",".join(row) for row in ours], [",".join(row) for row in theirs])
    unique = len({row[:1] for row in ours}) == len(ours)
    if not left and not right:
        form = "record-order" if unique else None
        return _made(pair, "record", rows=rows, reordered="rows", normalisation=form)
    names = sorted({row[0] if row else "" for row in (*left, *right)})
    form = "record-regenerated" if unique and _follows(left, right, pair) else None
    changes = [Change(what="row", of=name) for name in names]
    return _made(pair, "record", changes, rows=rows, normalisation=form)


def _follows(left: Counter[tuple[str, ...]], right: Counter[tuple[str, ...]], pair: Pair) -> bool:
    """Tell whether the rows differ only as the members that they speak of do."""
    return all(
        len(row) == 3 and _hash_of(row[1]) == pair.changed.get(row[0], (None, None))[side]
        for side, rows in enumerate((left, right))
        for row in rows
    )


def _hash_of(field_text: str) -> str:
    algorithm, _, value = field_text.partition("=")
    try:
        return urlsafe_b64decode(value + "==").hex() if algorithm == "sha256" else ""
    except ValueError:
        return ""


def _entry_points(pair: Pair) -> Difference | None:
    """Compare ``entry_points.txt`` by row: group, name and object reference."""
    texts = _texts(pair)
    if pair.dist_info != "entry_points.txt" or texts is None:
        return None
    rows = lines.unified(texts[0].split("\n"), texts[1].split("\n"))
    try:
        ours, theirs = (_rows_of_entry_points(text) for text in texts)
    except configparser.Error:
        return _lined(_made(pair, "entry-points", rows=rows), *texts)
    changes = [
        *(Change(what="entry point", ours=row) for row in sorted(ours - theirs)),
        *(Change(what="entry point", theirs=row) for row in sorted(theirs - ours)),
    ]
    if not changes:
        return _lined(_made(pair, "entry-points", rows=rows), *texts)
    return _made(pair, "entry-points", changes, rows=rows)


def _rows_of_entry_points(text: str) -> set[str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return {
        f"[{group}] {name} = {value}"
        for group in parser.sections()
        for name, value in parser.items(group)
    }


def _metadata(pair: Pair) -> Difference | None:
    """Compare METADATA and WHEEL by field (the core metadata specification, PEP 427)."""
    texts = _texts(pair)
    if pair.dist_info not in ("METADATA", "WHEEL") or texts is None:
        return None
    (ours, our_body), (theirs, their_body) = (_fields(text) for text in texts)
    made = _made(pair, "metadata", rows=lines.unified(*(text.split("\n") for text in texts)))
    left, right = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    if left or right:
        return _with(made, _field_changes(left, right))
    if ours != theirs:
        if pair.dist_info == "WHEEL" and _without_tags(texts[0]) == _without_tags(texts[1]):
            made = replace(made, normalisation="wheel-tag-order")
            return replace(made, reordered="fields", changes=(Change(what="Tag"),))
        return replace(made, reordered="fields")
    if our_body != their_body:
        return _lined(made, our_body, their_body, "description")
    return _lined(made, *texts, "layout")


def _fields(text: str) -> tuple[list[tuple[str, str]], str]:
    head, _, body = text.partition("\n\n")
    found: list[tuple[str, list[str]]] = []
    for line in head.split("\n"):
        if line[:1] in (" ", "\t") and found:
            found[-1][1].append(line)
        else:
            name, _, value = line.partition(":")
            found.append((name, [value.strip()]))
    return [(name, "\n".join(values)) for name, values in found], body


def _without_tags(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.startswith("Tag: ")]


def _field_changes(left: Counter[tuple[str, str]], right: Counter[tuple[str, str]]) -> list[Change]:
    sides: list[dict[str, list[str]]] = [{}, {}]
    for side, values in zip(sides, (left, right), strict=True):
        for name, value in values:
            side.setdefault(name, []).append(value)
    changes = []
    for name in {**sides[0], **sides[1]}:
        ours, theirs = (", ".join(side.get(name, ())) for side in sides)
        changes.append(_change(name[:200], ours, theirs))
    return changes


def _elf(pair: Pair) -> Difference | None:
    """Compare ELF by section: the sections that differ, and the strings in them that do."""
    try:
        ours, theirs = elf.sections(pair.ours), elf.sections(pair.theirs)
    except elf.MalformedElfError:
        return None
    left, right = _by_name(ours), _by_name(theirs)
    names = [
        name
        for name in {**left, **right}
        if left.get(name) != right.get(name) and name not in (".shstrtab", "")
    ]
    names.sort(key=lambda name: not name.startswith(_FIRST))
    if not names:
        return _made(pair, "elf", rows=_hex(pair))
    rows = list(lines.HEAD)
    changes = []
    for name in names:
        mine, other = left.get(name, b""), right.get(name, b"")
        gone, new = (
            [text for text in side if name.startswith(_WORDED) or _telling(text)][:20]
            for side in lines.different_strings(mine, other)
        )
        rows.append(Row(RowKind.SAME, f"{name}: {len(mine)} → {len(other)} bytes"))
        rows += lines.two_sided(gone, new)
        changes.append(_change(name, gone[0], new[0]) if gone and new else Change(what=name))
    return _made(pair, "elf", changes, rows=lines.listed(rows))


#: Sections of text; in others only what looks like words, a time or a path is shown.
_WORDED: Final = (".rodata", ".comment", ".debug_str", ".debug_line_str", ".dynstr", ".interp")

#: Sections that tell why; they are named first, since a long list is cut.
_FIRST: Final = (".comment", ".debug", ".note", ".rodata")


def _by_name(found: tuple[elf.Section, ...]) -> dict[str, bytes]:
    bodies: dict[str, bytes] = {}
    for section in found:
        bodies[section.name] = bodies.get(section.name, b"") + section.data
    return bodies


def _telling(text: str) -> bool:
    """Tell a path, a date or words from what machine code looks like when read as text."""
    return re.search(r"/\w{3,}|\d\d:\d\d|\w{3,} .*\w{3,}", text) is not None


def _pyc(pair: Pair) -> Difference | None:
    """Compare a ``.pyc``: its header (PEP 552) apart from its code, which is never loaded."""
    if not pair.name.endswith(".pyc") or min(len(pair.ours), len(pair.theirs)) < 16:
        return None
    changes = [
        Change(what=name)
        for name, begin in (("magic number", 0), ("flags", 4))
        if pair.ours[begin : begin + 4] != pair.theirs[begin : begin + 4]
    ]
    if pair.ours[8:16] != pair.theirs[8:16]:
        ours, theirs = _source_of(pair.ours), _source_of(pair.theirs)
        changes.append(Change(what="source", ours=ours, theirs=theirs))
    if pair.ours[16:] == pair.theirs[16:]:
        return _made(pair, "pyc", changes, rows=_hex(pair))
    gone, new = lines.different_strings(pair.ours[16:], pair.theirs[16:])
    code = Change(what="code")
    if gone and new and _telling(gone[0]) and _telling(new[0]):
        code = _change("code", gone[0], new[0])
    rows = [*_hex(pair), *lines.two_sided(gone[:20], new[:20])]
    return _made(pair, "pyc", [code, *changes], rows=lines.listed(rows))


def _source_of(data: bytes) -> str:
    if int.from_bytes(data[4:8], "little") & 1:
        return f"hash {data[8:16].hex()}"
    moment = datetime.fromtimestamp(int.from_bytes(data[8:12], "little"), UTC)
    return f"time {utc(moment)} size {int.from_bytes(data[12:16], 'little')}"


def _archive(pair: Pair) -> Difference | None:
    """Compare an archive in the wheel: its members, and what is inside of those that differ."""
    if pair.depth >= _DEEPEST:
        return None
    size = max(len(pair.ours), len(pair.theirs))
    most = allowed(size, _LARGEST_NESTED) if pair.allowed is None else pair.allowed
    try:
        ours, theirs = (nested.read(side, most) for side in (pair.ours, pair.theirs))
    except nested.UnreadableError:
        return None
    left, right = ({member.name: member.data for member in side} for side in (ours, theirs))
    spent = max(sum(map(len, side.values())) for side in (left, right))
    unlike = [name for name in left if name in right and left[name] != right[name]]
    inner = [
        compare(
            Pair(
                name=name,
                ours=left[name],
                theirs=right[name],
                depth=pair.depth + 1,
                allowed=most - spent,
            )
        )
        for name in unlike[:_MOST_NESTED]
    ]
    made = _made(pair, "nested-archive", nested.differing_facts(ours, theirs))
    reordered = "members" if nested.reordered(ours, theirs) else ""
    return replace(made, inner=tuple(inner), reordered=reordered)


def _json(pair: Pair) -> Difference | None:
    if not pair.name.endswith(".json") or max(len(pair.ours), len(pair.theirs)) > _LARGEST_JSON:
        return None
    try:
        ours, theirs = (_indented(json.loads(side)) for side in (pair.ours, pair.theirs))
    except (ValueError, RecursionError):
        return None
    if ours == theirs:
        return None
    return _compared_lines(_made(pair, "json", rows=lines.unified(ours, theirs)), ours, theirs)


def _indented(value: object) -> list[str]:
    """Return *value* as lines of JSON.

    :raises ValueError: it is nested so deeply that its indentation alone is beyond the limit
    """
    pieces, size = [], 0
    for piece in json.JSONEncoder(indent=1, ensure_ascii=False).iterencode(value):
        size += len(piece)
        if size > _LARGEST_TEXT:
            raise ValueError("too deep")
        pieces.append(piece)
    return "".join(pieces).split("\n")


def _text(pair: Pair) -> Difference | None:
    texts = _texts(pair)
    if texts is None:
        return None
    ours, theirs = (text.split("\n") for text in texts)
    return _compared_lines(_made(pair, "text", rows=lines.unified(ours, theirs)), ours, theirs)


def _bytes(pair: Pair) -> Difference:
    offset = Change(what="offset", place=lines.first_difference(pair.ours, pair.theirs))
    size = Change(what="size", ours=str(len(pair.ours)), theirs=str(len(pair.theirs)))
    return _made(pair, "bytes", [offset, size], rows=_hex(pair))


def _hex(pair: Pair) -> tuple[Row, ...]:
    offset = lines.first_difference(pair.ours, pair.theirs)
    return lines.hexdump(pair.ours, pair.theirs, offset)


def _texts(pair: Pair) -> tuple[str, str] | None:
    sides = (pair.ours, pair.theirs)
    if max(map(len, sides)) > _LARGEST_TEXT or any(b"\0" in side for side in sides):
        return None
    if max(side.count(b"\n") for side in sides) > _MOST_LINES:
        return None
    try:
        return pair.ours.decode(), pair.theirs.decode()
    except UnicodeDecodeError:
        return None


def _lined(made: Difference, ours: str, theirs: str, what: str = "line") -> Difference:
    return _compared_lines(made, ours.split("\n"), theirs.split("\n"), what)


def _compared_lines(
    made: Difference, ours: list[str], theirs: list[str], what: str = "line"
) -> Difference:
    """Return *made* with the first line that differs, and whether only the order does."""
    pairs = zip(ours, theirs, strict=False)
    shared = min(len(ours), len(theirs))
    place = next((n for n, (left, right) in enumerate(pairs) if left != right), shared)
    left, right = ("".join(side[place : place + 1]) for side in (ours, theirs))
    reordered = ""
    if len(ours) == len(theirs) and sorted(ours) == sorted(theirs):
        reordered = "lines"
    elif left != right and sorted(_words(left)) == sorted(_words(right)):
        reordered = "words"
    change = replace(_change(what, left, right), place=place + 1)
    return replace(_with(made, [change]), reordered=reordered)


def _words(line: str) -> list[str]:
    return re.findall(r"[\w.]+", line[:20_000])


def _change(what: str, ours: str, theirs: str) -> Change:
    left, right = lines.excerpts(ours, theirs)
    return Change(what=what, ours=left, theirs=right)


def _with(made: Difference, changes: Sequence[Change]) -> Difference:
    return replace(made, changes=tuple(changes[:_MOST_CHANGES]), total=len(changes))


def _made(
    pair: Pair,
    kind: str,
    changes: Sequence[Change] = (),
    *,
    rows: tuple[Row, ...] = (),
    reordered: str = "",
    normalisation: str | None = None,
) -> Difference:
    made = Difference(
        kind=kind,
        member=lines.shorten(pair.name, 300),
        rows=rows,
        reordered=reordered,
        normalisation=normalisation,
    )
    return _with(made, changes)


#: The first that answers speaks for the member; what none of them knows is compared as bytes.
_CONTENTS: Final[tuple[Callable[[Pair], Difference | None], ...]] = (
    _record,
    _entry_points,
    _metadata,
    _elf,
    _pyc,
    _archive,
    _json,
    _text,
)
