"""Strict reading of the headers of METADATA and WHEEL: refused where installers would differ.

The core metadata specification calls them headers of an email, and readers of email differ: some
decode words such as ``=?utf-8?q?x?=``, some unfold lines, some stop at a line that is not a header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from amrasaman_nox.archives.names import Subject, quoted

#: Fields that installers act on, and not only show; in lower case.
_STRUCTURED: Final = frozenset(
    {
        *("metadata-version", "name", "version", "dynamic", "platform", "supported-platform"),
        *("requires-python", "requires-dist", "requires-external", "requires"),
        *("provides-dist", "provides-extra", "provides", "obsoletes-dist", "obsoletes"),
        *("license-expression", "license-file", "import-name", "import-namespace"),
        *("wheel-version", "generator", "root-is-purelib", "tag", "build"),
    }
)
#: Fields that are there once at most; in lower case.
_SINGLE: Final = frozenset(
    {
        *("metadata-version", "name", "version", "requires-python", "license-expression"),
        *("wheel-version", "root-is-purelib", "build"),
    }
)
_FIELD: Final = re.compile(r"([!-9;-~]+):(.*)", re.DOTALL)
#: RFC 2047.
_ENCODED_WORD: Final = re.compile(r"=\?[^\s?]*\?[bq]\?", re.IGNORECASE)
#: What ends a line, or a text, for some readers.
_ENDS: Final = re.compile("[\x00\r]")
#: What shows nothing, and spaces that only some readers strip. Licences have form feeds.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]|[^\S \t]")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of *file* in their order, names in lower case."""

    file: str
    fields: tuple[tuple[str, str], ...]
    subject: Subject

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of the field *name*."""
        return tuple(value for field, value in self.fields if field == name.lower())

    def one(self, name: str) -> str:
        """Return the value of a field that must be there exactly once.

        :raises AsamanError: it is missing or repeated
        """
        found = self.all(name)
        if len(found) != 1:
            raise self.subject.refusal(
                f"metadata mismatch: {len(found)} {name} lines in {self.file}"
            )
        return found[0]


def parse(data: bytes, file: str, subject: Subject) -> Headers:
    """Return the headers of *file*, one of METADATA and WHEEL, up to its first empty line.

    Lines behind the fields that hold none are the beginning of the description.

    :raises AsamanError: readers would differ about it
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _refusal(subject, file, "is not UTF-8") from None
    head = _head(text.replace("\r\n", "\n"))
    fields: list[tuple[str, str]] = []
    for number, line in enumerate(head, 1):
        where = f"line {number} of {file}"
        if _ENDS.search(line):
            raise _refusal(subject, where, "has a control character")
        if line[0] in " \t":
            _check_folded(fields, subject, where)
            fields[-1] = (fields[-1][0], f"{fields[-1][1]}\n{line}")
            continue
        match = _FIELD.fullmatch(line)
        if match is None:
            if number > 1 and not any(
                ":" in each or each[0] in " \t" for each in head[number - 1 :]
            ):
                # flit_core 4.0 forgets the empty line before a description: to those that stop
                # here and to those that go on, the fields are the same.
                break
            raise _refusal(subject, where, f"is not a header field: {quoted(line)}")
        name, value = match[1].lower(), match[2].strip(" \t")
        if name in _STRUCTURED and _ENCODED_WORD.search(value):
            raise _refusal(subject, where, f"has an encoded word: {quoted(line)}")
        if name in _STRUCTURED and _CONTROL.search(value):
            raise _refusal(subject, where, f"has a control character: {quoted(line)}")
        if name in _SINGLE and any(name == other for other, _ in fields):
            raise _refusal(subject, where, f"repeats {match[1]}")
        fields.append((name, value))
    return Headers(file, tuple(fields), subject)


def _head(text: str) -> list[str]:
    """Return the lines before the first empty one, which ends the headers."""
    lines = text.split("\n")
    return lines[: lines.index("")] if "" in lines else lines


def _check_folded(fields: list[tuple[str, str]], subject: Subject, where: str) -> None:
    if not fields:
        raise _refusal(subject, where, "continues no field")
    if fields[-1][0] in _STRUCTURED:
        raise _refusal(subject, where, f"continues {fields[-1][0]}, which has one line")


def _refusal(subject: Subject, where: str, why: str) -> Exception:
    return subject.refusal(f"metadata mismatch: {where} {why}")
