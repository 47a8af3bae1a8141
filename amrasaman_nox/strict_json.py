"""Strict reading of untrusted JSON: bounded, unambiguous, with checked types.

A :class:`Value` knows its place in the document, so that an error names it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Objects and lists within each other.
_DEEPEST: Final = 32
_TEXTS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[{\]}]")
#: More digits than any number that is meant.
_LONGEST_NUMBER: Final = 18


class Malformed(ValueError):  # noqa: N818 - a reason, which becomes part of an error
    """A document is not JSON that can be read in one way only, or not of the form wanted."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a document, and its *place* in it, such as ``predicate.runDetails``."""

    raw: Any
    place: str = ""

    def __getitem__(self, key: str) -> Value:
        """Return the member *key* of an object.

        :raises Malformed: it is not an object, or has no such key
        """
        found = self.get(key)
        if found is None:
            raise Malformed(f"no {self._of(key)}")
        return found

    def get(self, key: str) -> Value | None:
        """Return the member *key* of an object, ``None`` where it is missing or null."""
        member = self._typed(dict, "an object").get(key)
        return None if member is None else Value(member, self._of(key))

    def members(self) -> Iterator[tuple[str, Value]]:
        """Yield the members of an object, in the order of the document."""
        for key, member in self._typed(dict, "an object").items():
            yield key, Value(member, self._of(key))

    def items(self) -> tuple[Value, ...]:
        """Return the items of a list."""
        found = self._typed(list, "a list")
        return tuple(Value(item, f"{self.place}[{at}]") for at, item in enumerate(found))

    def text(self) -> str:
        """Return a text that is valid Unicode."""
        text = self._typed(str, "a string")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.malformed("a string has a lone surrogate") from None
        return str(text)

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.text() for item in self.items())

    def whole(self) -> int:
        """Return a whole number."""
        if isinstance(self.raw, bool):
            raise self.malformed("a whole number is required")
        return int(self._typed(int, "a whole number"))

    def flag(self) -> bool:
        """Return true or false."""
        return bool(self._typed(bool, "true or false"))

    def moment(self) -> datetime:
        """Return a moment with its time zone (RFC 3339)."""
        try:
            found = datetime.fromisoformat(self.text())
            offset = found.utcoffset()
        except ValueError:
            offset = None
        if offset is None:
            raise self.malformed("a date and a time in UTC are required")
        return found

    def malformed(self, why: str) -> Malformed:
        """Return the error that this value is not what is wanted."""
        return Malformed(f"{self.place}: {why}" if self.place else why)

    def _typed(self, kind: type, name: str) -> Any:
        if not isinstance(self.raw, kind):
            raise self.malformed(f"{name} is required")
        return self.raw

    def _of(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def parse(content: bytes) -> Value:
    """Return the document in *content*, which the caller has bounded.

    Refused are a key that is there twice, NaN and infinities, numbers of more than 18 digits, and
    nesting of more than 32 levels (RFC 8259 leaves them to each reader).

    :raises Malformed: it is not such a document
    """
    _check_depth(content)
    try:
        return Value(
            json.loads(
                content.decode(),
                object_pairs_hook=_object,
                parse_int=_number,
                parse_constant=_constant,
            )
        )
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    except Malformed:
        raise
    except ValueError:
        raise Malformed("not JSON") from None


def _check_depth(content: bytes) -> None:
    """Check how deep the document is before it is parsed: the parser goes as deep as its stack."""
    depth = 0
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", content)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST:
            raise Malformed(f"nested deeper than {_DEEPEST} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("duplicate key")
    return found


def _number(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise Malformed("a number is too long")
    return int(text)


def _constant(_: str) -> float:
    raise Malformed("NaN and infinities are not JSON")
