"""Strict reading of ``entry_points.txt``: refused where installers would differ.

The specification (entry points, of the PyPA) calls it an INI file for Python's ``configparser``,
and installers have parsers of their own: they differ about ``[DEFAULT]``, values of several lines,
repeated entries and ``;`` comments. Of two groups, each entry becomes a file that is run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from amrasaman_nox.archives.names import Subject, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE: Final = "entry_points.txt"
#: Groups of which each entry becomes a file in the folder of scripts.
_SCRIPTS: Final = frozenset({"console_scripts", "gui_scripts"})
#: What configparser copies into every other section.
_DEFAULT: Final = "default"
_GROUP: Final = re.compile(r"\[([^\[\]]+)\]")
_SCRIPT_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_REFERENCE: Final = re.compile(r"([\w.]+)\s*:\s*([\w.]+)\s*(?:\[[\w\s,.-]*\])?")
#: What ends a line or is stripped for some readers, and what shows nothing.
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ufeff]|[^\\S \t]")


def script_names(data: bytes, subject: Subject) -> tuple[str, ...]:
    """Return the names of the scripts that installers make of the entry points in *data*.

    :raises AsamanError: readers would differ about it, or a script is not a plain file that calls a
        function
    """
    groups: set[str] = set()
    names: set[tuple[str, str]] = set()
    group, scripts = "", []
    for where, text in _lines(data, subject):
        if text.startswith("["):
            group = _group(text, where, subject)
            if group in groups:
                raise subject.refusal(f"{where} repeats the group {quoted(group)}")
            groups.add(group)
            continue
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (group and name and equals) or name.startswith(";"):
            raise subject.refusal(f"{where} is not a valid entry: {quoted(text)}")
        if group in _SCRIPTS:
            _check_script(name, value, where, subject)
            scripts.append(name)
        # Scripts of both groups are in one folder, where case may not count.
        key = ("", name.casefold()) if group in _SCRIPTS else (group, name)
        if key in names:
            raise subject.refusal(f"{where} repeats {quoted(name)}")
        names.add(key)
    return tuple(scripts)


def _lines(data: bytes, subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield where each line is that counts, and its text without the space around it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise subject.refusal(f"{_FILE} is not UTF-8") from None
    deepest = None
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        where, plain = f"line {number} of {_FILE}", line.strip(" \t")
        if _CONTROL.search(line):
            raise subject.refusal(f"{where} has a control character")
        if not plain or plain.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" \t"))
        if deepest is not None and indent > deepest:
            raise subject.refusal(f"{where} is read as part of the previous value by some readers")
        deepest = None if plain.startswith("[") else indent
        yield where, plain


def _group(text: str, where: str, subject: Subject) -> str:
    match = _GROUP.fullmatch(text)
    group = match[1] if match is not None else ""
    if not group.strip() or group != group.strip() or group.casefold() == _DEFAULT:
        raise subject.refusal(f"{where} is not a valid group: {quoted(text)}")
    return group


def _check_script(name: str, value: str, where: str, subject: Subject) -> None:
    if not _SCRIPT_NAME.fullmatch(name):
        raise subject.refusal(f"{where}: {quoted(name)} is not a valid script name")
    match = _REFERENCE.fullmatch(value)
    parts = (part for path in match.groups() for part in path.split(".")) if match else ("",)
    if not all(part.isidentifier() for part in parts):
        raise subject.refusal(f"{where}: {quoted(value)} is not an object reference")
