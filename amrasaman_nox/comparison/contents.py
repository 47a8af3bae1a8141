"""Differences inside one member: one function a kind of content, one row each in one table.

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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from amrasaman_nox.comparison import elf, lines, nested
from amrasaman_nox.model import Difference, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Members larger than this, in bytes, are compared as bytes alone.
LARGEST_MEMBER: Final = 64 << 20
_LARGEST_JSON: Final = 1 << 20
_DEEPEST: Final = 2
_MOST_NESTED: Final = 20
_DIST_INFO = re.compile(r"[^/]+\.dist-info/([^/]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One member on both sides.

    ``changed`` maps the names of all members that are not the same to their sha256 in hexadecimal
    on our and on their side (``None`` where there is no such member): a RECORD follows from them.
    ``depth`` counts the archives around it.
    """

    name: str
    ours: bytes
    theirs: bytes
    changed: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    depth: int = 0

    @property
    def dist_info(self) -> str:
        """The file's name where it stands in the wheel's dist-info folder, else ``""``."""
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
        return _made(pair, "record", "line endings", "", "record-line-endings")
    try:
        ours, theirs = (
            [tuple(row) for row in csv.reader(io.StringIO(side, newline=""))] for side in texts
        )
    except csv.Error:
        return None
    left, right = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    diff = lines.unified([",".join(row) for row in ours], [",".join(row) for row in theirs])
    unique = len({row[:1] for row in ours}) == len(ours)
    if not left and not right:
        form = "record-order" if unique else None
        return _made(pair, "record", "rows in another order", diff, form)
    rows = sorted({row[0] if row else "" for row in (*left, *right)})
    detail = f"{len(rows)} of the rows differ: {_some(rows)}"
    if unique and _follows(left, right, pair):
        return _made(pair, "record", detail, diff, "record-regenerated")
    return _made(pair, "record", detail, diff)


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
    diff = lines.unified(texts[0].split("\n"), texts[1].split("\n"))
    try:
        ours, theirs = (_rows_of_entry_points(text) for text in texts)
    except configparser.Error:
        return _made(pair, "entry-points", _line_detail(*texts), diff)
    changes = [
        f"{sign}{row}"
        for sign, rows in (("-", ours - theirs), ("+", theirs - ours))
        for row in sorted(rows)
    ]
    return _made(pair, "entry-points", _some(changes) or _line_detail(*texts), diff)


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
    diff = lines.unified(texts[0].split("\n"), texts[1].split("\n"))
    left, right = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    if left or right:
        return _made(pair, "metadata", _field_changes(left, right), diff)
    if ours != theirs:
        detail = "fields in another order"
        if pair.dist_info == "WHEEL" and _without_tags(texts[0]) == _without_tags(texts[1]):
            return _made(pair, "metadata", f"{detail}: Tag", diff, "wheel-tag-order")
        return _made(pair, "metadata", detail, diff)
    if our_body != their_body:
        return _made(pair, "metadata", f"description: {_line_detail(our_body, their_body)}", diff)
    return _made(pair, "metadata", f"layout: {_line_detail(*texts)}", diff)


def _fields(text: str) -> tuple[list[tuple[str, str]], str]:
    head, _, body = text.partition("\n\n")
    found: list[tuple[str, str]] = []
    for line in head.split("\n"):
        if line[:1] in (" ", "\t") and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
        else:
            name, _, value = line.partition(":")
            found.append((name, value.strip()))
    return found, body


def _without_tags(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.startswith("Tag: ")]


def _field_changes(left: Counter[tuple[str, str]], right: Counter[tuple[str, str]]) -> str:
    names = dict.fromkeys(name for name, _ in (*left, *right))
    found = []
    for name in names:
        ours, theirs = (
            ", ".join(value for key, value in side if key == name) or "nothing"
            for side in (left, right)
        )
        found.append(f"{lines.shorten(name, 40)}: {lines.excerpts(ours, theirs)}")
    return "; ".join(found[:3]) + "; …" * (len(found) > 3)


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
        return _made(pair, "elf", "outside of the sections", _hex(pair))
    rows = ["--- ours", "+++ theirs"]
    first = ""
    for name in names:
        mine, other = left.get(name, b""), right.get(name, b"")
        gone, new = (
            [text for text in side if name.startswith(_WORDED) or _telling(text)][:20]
            for side in lines.different_strings(mine, other)
        )
        rows += [f" {name}: {len(mine)} → {len(other)} bytes"]
        rows += [f"-{text}" for text in gone] + [f"+{text}" for text in new]
        if not first and gone and new:
            first = f"; {lines.excerpts(gone[0], new[0])}"
    return _made(pair, "elf", f"sections {_some(names, 6)}{first}", lines.listed(rows))


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
    parts = [
        name
        for name, begin in (("magic number", 0), ("flags", 4))
        if pair.ours[begin : begin + 4] != pair.theirs[begin : begin + 4]
    ]
    if pair.ours[8:16] != pair.theirs[8:16]:
        parts.append(f"source {_source_of(pair.ours)} → {_source_of(pair.theirs)}")
    if pair.ours[16:] == pair.theirs[16:]:
        return _made(pair, "pyc", f"header: {', '.join(parts)}; same code", _hex(pair))
    gone, new = lines.different_strings(pair.ours[16:], pair.theirs[16:])
    if gone and new and _telling(gone[0]) and _telling(new[0]):
        parts.append(lines.excerpts(gone[0], new[0]))
    rows = [f"-{text}" for text in gone[:20]] + [f"+{text}" for text in new[:20]]
    detail = "; ".join(["code", *parts])
    return _made(pair, "pyc", detail, lines.listed([*_hex(pair).split("\n"), *rows]))


def _source_of(data: bytes) -> str:
    if int.from_bytes(data[4:8], "little") & 1:
        return f"hash {data[8:16].hex()}"
    moment = datetime.fromtimestamp(int.from_bytes(data[8:12], "little"), UTC)
    return f"time {utc(moment)} size {int.from_bytes(data[12:16], 'little')}"


def _archive(pair: Pair) -> Difference | None:
    """Compare an archive in the wheel: its members, and what is inside of those that differ."""
    if pair.depth >= _DEEPEST:
        return None
    try:
        ours, theirs = nested.read(pair.ours), nested.read(pair.theirs)
    except nested.UnreadableError:
        return None
    facts = nested.differing_facts(ours, theirs)
    left, right = ({member.name: member for member in side} for side in (ours, theirs))
    unlike = [name for name in left if name in right and left[name].data != right[name].data]
    inner = [
        compare(
            Pair(
                name=f"{pair.name}/{name}",
                ours=left[name].data,
                theirs=right[name].data,
                depth=pair.depth + 1,
            )
        )
        for name in unlike[:_MOST_NESTED]
    ]
    details = [*facts, *(f"{one.member[len(pair.name) + 1 :]}: {one.detail}" for one in inner)]
    rows = [f" {fact}" for fact in facts]
    for one in inner:
        rows += [f" {one.member}", *one.diff.split("\n")]
    detail = _some(details, 2, 300) or "packed in another way, same members"
    return _made(pair, "nested-archive", detail, lines.listed(rows))


def _json(pair: Pair) -> Difference | None:
    if not pair.name.endswith(".json") or max(len(pair.ours), len(pair.theirs)) > _LARGEST_JSON:
        return None
    try:
        ours, theirs = (
            json.dumps(json.loads(side), indent=1, ensure_ascii=False).split("\n")
            for side in (pair.ours, pair.theirs)
        )
    except (ValueError, RecursionError):
        return None
    if ours == theirs:
        return None
    return _made(pair, "json", _rows_detail(ours, theirs), lines.unified(ours, theirs))


def _text(pair: Pair) -> Difference | None:
    texts = _texts(pair)
    if texts is None:
        return None
    ours, theirs = (text.split("\n") for text in texts)
    return _made(pair, "text", _rows_detail(ours, theirs), lines.unified(ours, theirs))


def _bytes(pair: Pair) -> Difference:
    offset = lines.first_difference(pair.ours, pair.theirs)
    sizes = f"{len(pair.ours)} → {len(pair.theirs)} bytes"
    return _made(pair, "bytes", f"from offset {offset}; {sizes}", _hex(pair))


def _hex(pair: Pair) -> str:
    offset = lines.first_difference(pair.ours, pair.theirs)
    return lines.hexdump(pair.ours, pair.theirs, offset)


def _texts(pair: Pair) -> tuple[str, str] | None:
    if b"\0" in pair.ours or b"\0" in pair.theirs:
        return None
    try:
        return pair.ours.decode(), pair.theirs.decode()
    except UnicodeDecodeError:
        return None


def _line_detail(ours: str, theirs: str) -> str:
    return _rows_detail(ours.split("\n"), theirs.split("\n"))


def _rows_detail(ours: list[str], theirs: list[str]) -> str:
    """Return one line that names the first line which differs, and whether only the order does."""
    pairs = zip(ours, theirs, strict=False)
    shared = min(len(ours), len(theirs))
    place = next((n for n, (left, right) in enumerate(pairs) if left != right), shared)
    left, right = ("".join(side[place : place + 1]) for side in (ours, theirs))
    order = ""
    if len(ours) == len(theirs) and sorted(ours) == sorted(theirs):
        order = "the same lines in another order, "
    elif left != right and sorted(_words(left)) == sorted(_words(right)):
        order = "the same words in another order, "
    return f"{order}line {place + 1}: {lines.excerpts(left, right)}"


def _words(line: str) -> list[str]:
    return re.findall(r"[\w.]+", line[:20_000])


def _some(texts: list[str], most: int = 3, longest: int = 160) -> str:
    shown = ", ".join(lines.shorten(text, longest) for text in texts[:most])
    return shown + f" and {len(texts) - most} more" * (len(texts) > most)


def _made(
    pair: Pair, kind: str, detail: str, diff: str, normalisation: str | None = None
) -> Difference:
    return Difference(
        kind=kind,
        member=lines.shorten(pair.name, 300),
        detail=detail,
        diff=diff,
        normalisation=normalisation,
    )


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
