"""Kinds of option values: how text and TOML become a value, one row a kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amrasaman_nox.config import processors
from amrasaman_nox.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable


_SUFFIXES: Final = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_MOST_DIGITS: Final = 18


class ValueKind(NamedTuple):
    """How a value is read: from a text of the command line, and from a value of TOML.

    ``repeats`` marks options that may be given several times; ``text`` then gives a tuple. With
    ``alone`` the only item of one that was given once is the value.
    Both functions raise :class:`ValueError` with the reason.
    """

    metavar: str
    text: Callable[[str], Any]
    toml: Callable[[Any], Any]
    repeats: bool = False
    alone: bool = False


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII) or len(text) > _MOST_DIGITS:
        raise ValueError(f"{shown(ascii(text), 60)} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text, re.ASCII):
        raise ValueError(f"{shown(ascii(text), 60)} is not a number of seconds")
    return float(text)


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,12})([KMGT]?)(i?B)?", text, re.ASCII | re.IGNORECASE)
    if match is None:
        raise ValueError(f"{shown(ascii(text), 60)} is not a size such as 1073741824, 512M or 2G")
    return int(match[1]) << _SUFFIXES[match[2].upper()]


def _setting(text: str) -> tuple[tuple[str, str], ...]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ValueError(f"{shown(ascii(text), 60)} is not KEY=VALUE")
    return ((key, value),)


def _dated(text: str) -> tuple[tuple[str, str], ...]:
    name, equals, date = text.partition("=")
    if not (name and equals and date):
        raise ValueError(f"{shown(ascii(text), 60)} is not NAME=DATE")
    return ((name, date),)


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
    if match is None:
        raise ValueError(f"{shown(ascii(text), 60)} is not K/N, such as 2/5")
    return int(match[1]), int(match[2])


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _all_or_names(text: str) -> tuple[str, ...]:
    return () if text == "all" else _comma_separated(text)


def _toml(*types: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # In TOML a boolean is not a number, in Python it is.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ValueError(f"{_TOML_NAMES[types[0]]} is required")
        return value

    return check


def _toml_texts(each: Callable[[str], tuple[Any, ...]]) -> Callable[[Any], tuple[Any, ...]]:
    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise ValueError("a list of strings is required")
        return tuple(item for part in value for item in each(part))

    return check


def _toml_files(value: Any) -> Any:
    return value if isinstance(value, str) else _toml_texts(lambda text: (text,))(value)


def _toml_size(value: Any) -> Any:
    return _size(value) if isinstance(value, str) else _toml(int)(value)


def _toml_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(part) is int for part in value):
        raise ValueError("a list of whole numbers is required")
    return tuple(value)


def _toml_seed(value: Any) -> str:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise ValueError("a string or a whole number is required")


def _processors(text: str) -> int | str:
    return text if text == processors.AUTO else _whole_number(text)


def _toml_processors(value: Any) -> Any:
    return value if isinstance(value, str) else _toml(int)(value)


def _moment(value: Any) -> Any:
    if isinstance(value, str) or hasattr(value, "year"):
        return value
    raise ValueError('"now" or a date is required')


_TOML_NAMES: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}  # noqa: E501  # fmt: skip
FLAG = ValueKind("", lambda _: True, _toml(bool))
TEXT = ValueKind("TEXT", str, _toml(str))
FILE = ValueKind("FILE", str, _toml(str))
FILES = ValueKind("FILE", lambda text: (text,), _toml_files, repeats=True, alone=True)
FOLDER = ValueKind("DIRECTORY", str, _toml(str))
NUMBER = ValueKind("INTEGER", _whole_number, _toml(int))
PROCESSORS = ValueKind("N|auto", _processors, _toml_processors)
EPOCH = ValueKind("TEXT", _whole_number, _toml(int))
TIME = ValueKind("SECONDS", _seconds, _toml(float, int))
UIDS = ValueKind("UID", lambda text: (_whole_number(text),), _toml_numbers, repeats=True)
BYTES = ValueKind("SIZE", _size, _toml_size)
MOMENT = ValueKind("DATE", str, _moment)
SEED = ValueKind("SEED", str, _toml_seed)
DATES = ValueKind("NAME=DATE", _dated, _moment, repeats=True)
PART = ValueKind("K/N", _part, _toml(str))
TEXTS = ValueKind("TEXT", lambda text: (text,), _toml_texts(lambda text: (text,)), repeats=True)
NAMES = ValueKind("NAME", _comma_separated, _toml_texts(_comma_separated), repeats=True)
VARIATIONS = ValueKind("NAME", _all_or_names, _toml_texts(_all_or_names), repeats=True)
SETTINGS = ValueKind("KEY=VALUE", _setting, _toml_texts(_setting), repeats=True)
