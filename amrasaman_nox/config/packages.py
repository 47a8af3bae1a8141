"""Settings for single projects: their source, build requirements, config settings and variables.

``[tool.amrasaman.packages.NAME]`` has them, or ``packages."NAME>=2,<3"`` for some versions alone;
on the command line ``-C NAME:KEY=VALUE`` and ``--env NAME:VARIABLE=VALUE``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amrasaman_nox.config import processors
from amrasaman_nox.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Pairs = tuple[tuple[str, str], ...]

_NAME: Final = re.compile(r"([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)\s*(.*)", re.IGNORECASE)
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
#: A config setting or a variable of one project.
_OF_ONE: Final = re.compile(r"([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?):(.+)", re.IGNORECASE)


class Archive(NamedTuple):
    """A file that a user names with its sha256 (hexadecimal): a patch, or an archive by its URL."""

    place: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """What holds for the project *name* (normalised), in the versions of *specifier* (PEP 440).

    ``source`` is the archive that is built in the place of the pinned sdist, ``patches`` are
    applied to it in their order. ``build_requirements`` are added to those that the source has, or
    bound them; each of ``replaced_requirements`` takes the place of those of its project.
    ``build_processors`` is how many processors its build sees, ``None`` for as many as others.
    With ``only_binary`` its published wheel is used as is. ``python`` is the interpreter that
    builds it, as ``--python`` names one, ``""`` for that of the run.
    """

    name: str
    specifier: str = ""
    source: Archive | None = None
    patches: tuple[Archive, ...] = ()
    replaced_requirements: tuple[str, ...] = ()
    config_settings: Pairs = ()
    variables: Pairs = ()
    build_requirements: tuple[str, ...] = ()
    only_binary: bool = False
    build_processors: int | None = None
    python: str = ""

    def applies(self, name: str, version: str) -> bool:
        """Return whether this is about a release."""
        # Slow to import, and needed only where there are settings.
        from packaging.specifiers import SpecifierSet

        return self.name == name and SpecifierSet(self.specifier).contains(
            version, prereleases=True
        )

    def within(self, folder: Path) -> Package:
        """Return this with paths that count from *folder*."""
        patches = tuple(each._replace(place=str(folder / each.place)) for each in self.patches)
        python = str(folder / self.python) if "/" in self.python else self.python
        return replace(self, patches=patches, python=python)


class Key(NamedTuple):
    """A key of ``[tool.amrasaman.packages.NAME]``: the field that it sets, and its value's kind."""

    field: str
    value: Callable[[Any], Any]


def _table(value: Any) -> Pairs:
    if not isinstance(value, dict):
        raise ValueError("a table is required")
    pairs = []
    for key, each in value.items():
        texts = each if isinstance(each, list) else [each]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{key}: a string, or a list of strings, is required")
        pairs += [(key, text) for text in texts]
    return tuple(pairs)


def _requirements(value: Any) -> tuple[str, ...]:
    from amrasaman_nox.model import is_plain

    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError("a list of strings is required")
    for text in value:
        if not is_plain(text):
            raise ValueError(f"{shown(ascii(text), 60)} is not a name with a specifier")
    return tuple(value)


def _archive(place: str, value: Any) -> Archive:
    """Return the table with the keys *place* and ``sha256``."""
    if not isinstance(value, dict) or set(value) != {place, "sha256"}:
        raise ValueError(f"a table with the keys {place} and sha256 is required")
    if not all(isinstance(text, str) and text.isprintable() and text for text in value.values()):
        raise ValueError(f"{place} and sha256 must be strings")
    if not _SHA256.fullmatch(value["sha256"]):
        raise ValueError("sha256 must be 64 hexadecimal digits")
    return Archive(value[place], value["sha256"].lower())


def _source(value: Any) -> Archive:
    found = _archive("url", value)
    if "://" not in found.place:
        raise ValueError(f"{shown(ascii(found.place), 60)} is not a URL")
    return found


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is required")
    return value


def _python(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("a version, a command or a path is required")
    return value


def _patches(value: Any) -> tuple[Archive, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("a list of tables with the keys file and sha256 is required")
    return tuple(_archive("file", each) for each in value)


KEYS: Final[dict[str, Key]] = {
    "source": Key("source", _source),
    "patches": Key("patches", _patches),
    "replace-build-requirements": Key("replaced_requirements", _requirements),
    "config-settings": Key("config_settings", _table),
    "env": Key("variables", _table),
    "build-requirements": Key("build_requirements", _requirements),
    "build-processors": Key("build_processors", processors.number),
    "only-binary": Key("only_binary", _flag),
    "python": Key("python", _python),
}


def applying(packages: Iterable[Package], name: str, version: str) -> tuple[Package, ...]:
    """Return those of *packages* that are about a release."""
    return tuple(each for each in packages if each.applies(name, version))


def of_table(name: str, table: dict[str, Any]) -> Package:
    """Return what the table of a project says.

    :param name: as it is in the file, with a specifier or without
    :raises ValueError: it is no name, or a key is unknown or has another type
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    match = _NAME.fullmatch(name)
    try:
        if match is None:
            raise InvalidSpecifier(name)
        SpecifierSet(match[2])
    except InvalidSpecifier:
        raise ValueError(f"{shown(ascii(name), 60)} is not a valid project name") from None
    fields: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            known = ", ".join(("as-of", *KEYS))
            raise ValueError(f"{name}: unknown key {shown(ascii(key), 60)}; known keys: {known}")
        try:
            fields[KEYS[key].field] = KEYS[key].value(value)
        except ValueError as error:
            raise ValueError(f"{name}: {key}: {error}") from None
    if match[2] and fields.get("only_binary"):
        raise ValueError(
            f"{name}: only-binary: it holds for all versions, write it below {match[1]}"
        )
    return Package(name=normalized(match[1]), specifier=match[2], **fields)


def replaced(own: Iterable[Package], requires: Iterable[str]) -> tuple[str, ...]:
    """Return *requires* with the user's own requirements in the place of those of their projects.

    A URL is replaced as well. What is no requirement (PEP 508) stays.

    :param own: what holds for the release that requires them
    """
    ours = {_project(text): text for one in own for text in one.replaced_requirements}
    if not ours:
        return tuple(requires)
    return tuple(dict.fromkeys(ours.get(_project(text), text) for text in requires))


def _project(text: str) -> str:
    """Return the normalised name of the project that is required, ``""`` for no requirement."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return normalized(Requirement(text).name)
    except InvalidRequirement:
        return ""


def normalized(name: str) -> str:
    """Return the normal form of a project's name (PEP 503); packaging is slow to import."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pairs_of(pairs: Pairs, name: str) -> Pairs:
    """Return those of *pairs* that are for all projects, and those of the project *name*."""
    found = []
    for key, value in pairs:
        match = _OF_ONE.fullmatch(key)
        if match is None:
            found.append((key, value))
        elif normalized(match[1]) == name:
            found.append((match[2], value))
    return tuple(found)


def names_in(*groups: Pairs) -> tuple[str, ...]:
    """Return the projects that settings of *groups* are for, those for all left out."""
    keys = (key for pairs in groups for key, _ in pairs)
    matches = (match for key in keys if (match := _OF_ONE.fullmatch(key)) is not None)
    return tuple(dict.fromkeys(normalized(match[1]) for match in matches))
