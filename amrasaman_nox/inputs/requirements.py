"""Hashed requirements files, as pip and uv write them, read into pins.

Strict where a reader could take a line for something else than the installer does: what is not
understood is an error, never skipped. All problems of a file are raised together.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from packaging.markers import (
    InvalidMarker,
    Marker,
)
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from amrasaman_nox.errors import (
    AsamanError,
    Origin,
    all_of,
    may_be_secret,
    printable,
    shown,
    with_origin,
)
from amrasaman_nox.inputs.selection import constrained, united_everywhere
from amrasaman_nox.inputs.texts import CONTROL, HASH_HINT, check_url, read_text, strong_digests
from amrasaman_nox.model import Constraint, Digest, IndexOptions, Pin, Requirements
from amrasaman_nox.sdists.names import name_and_version

if TYPE_CHECKING:
    from amrasaman_nox.config.config import Config

_DEEPEST: Final = 16
_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_NAME_END: Final = re.compile(r"[ \t\[(<>=!~;@,]")
# Other white space is the end of a line to some readers, and a blank to others.
_BLANKS: Final = " \t"
_COMMENT: Final = re.compile(r"(?:^|[ \t]+)#")
# A project's own folder, as exports name it: `-e .`, `.`, `./packages/part ; marker`,
# `-e file:.`, `-e file:///${PROJECT_ROOT}/part`, `part @ file:///home/me/project/part`.
_OWN_FOLDER: Final = re.compile(
    r"(?:(?:-e|--editable)(?:=|[ \t]*))?"
    r"(?:(?P<path>\.{1,2}(?:/[^\s;\[]*)?)(?:\[[^\]]*\])?"
    r"|(?:[\w.\[\],-]+[ \t]*@[ \t]*)?file:(?://)?(?P<url>[^\s;#]+)(?:#egg=\S*)?)"
    r"(?:[ \t]*;.*)?"
)
_PROJECT_ROOT: Final = "/${PROJECT_ROOT}"
# An option with its value attached: `-rbase.txt`.
_ATTACHED: Final = re.compile(r"(-[rci])([^-=].*)")
_EDITABLE: Final = "an editable project has no hash"
_FILE_HINT: Final = "pin NAME==VERSION, and name the file's folder: --find-links FOLDER"
_RELEASE_HINT: Final = "pin a release with the hash of its sdist: NAME==VERSION --hash=sha256:…"
_SETTINGS: Final = ("--config-settings", "--config-setting", "-C")
_OF_THE_BUILD: Final = (*_SETTINGS, "--global-option")
_SETTING_HINT: Final = "remove it, and give the setting on the command line: -C NAME:KEY=VALUE"
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    """The file that is being read; ``constraints`` is true below a ``-c``."""

    path: str
    constraints: bool = False


@dataclass(kw_only=True, slots=True)
class _Reading:
    """What was found so far, over all nested files."""

    variables: Mapping[str, str]
    pins: list[Pin] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    errors: list[AsamanError] = field(default_factory=list)
    unhashed: dict[Pin, AsamanError] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    index_url: str | None = None
    extra_index_urls: list[str] = field(default_factory=list)
    find_links: list[str] = field(default_factory=list)
    no_index: bool = False
    open_files: list[tuple[int, int]] = field(default_factory=list)
    read_files: set[tuple[int, int, bool]] = field(default_factory=set)

    def note(self, origin: Origin, text: str) -> None:
        self.notes.append(printable(f"{origin}: {text}"))

    def index(self) -> IndexOptions:
        if self.no_index:
            return IndexOptions(find_links=tuple(self.find_links), no_index=True)
        return IndexOptions(
            index_url=self.index_url,
            extra_index_urls=tuple(self.extra_index_urls),
            find_links=tuple(self.find_links),
        )


def read_configured(path: Path, config: Config) -> Requirements:
    """Return the pins of a requirements file; those of direct URLs must be allowed.

    Where it is one of several that are configured, they are read as one.

    :raises AsamanError: all problems of the file together, each with its line
    """
    others = config.more_requirements if path == config.requirement else ()
    requirements = read_requirements(path, *others, variables=dict(config.expandable))
    if not config.allow_url:
        _refuse_urls(requirements)
    return requirements


def _refuse_urls(requirements: Requirements) -> None:
    problems = [
        AsamanError(
            str(pin),
            "pinned by a direct URL",
            hint="allow direct URLs with --allow-url",
            origin=pin.origin,
        )
        for pin in requirements.pins
        if pin.url is not None
    ]
    if problems:
        raise all_of(problems)


def read_requirements(
    path: Path, *others: Path, variables: Mapping[str, str] = _NO_VARIABLES
) -> Requirements:
    """Return the pins of hashed requirements files, in order, with those of nested files.

    Several files are read as if a file included them all, as pip does.

    ``variables`` are the values of ``${NAME}`` in index options. Markers are kept, not judged:
    see :func:`select`.

    :raises AsamanError: all problems of the file together, each with its line
    """
    reading = _Reading(variables=variables)
    for each in (path, *others):
        try:
            _read_file(reading, _File(path=str(each)))
        except AsamanError as error:
            reading.errors.append(error)
    return _finished(reading, str(path))


def parse_requirements(
    text: str, *, path: str, variables: Mapping[str, str] = _NO_VARIABLES
) -> Requirements:
    """Return the pins of *text*, the present or future content of the file *path*.

    :raises AsamanError: all problems of the text together, each with its line
    """
    reading = _Reading(variables=variables)
    _read_lines(reading, _File(path=path), text)
    return _finished(reading, path)


# Files and lines


def _finished(reading: _Reading, path: str) -> Requirements:
    everywhere = [c for c in reading.constraints if c.marker is None]
    pinned = [_hashed(reading, pin, everywhere) for pin in reading.pins]
    united = united_everywhere([pin for pin in pinned if pin.digests], reading.errors)
    pins = tuple(
        pin if pin.marker else constrained(pin, everywhere, reading.errors) for pin in united
    )
    if reading.errors:
        raise all_of(reading.errors)
    if not pins:
        raise AsamanError("no requirements", f"{path} pins nothing", origin=Origin(path=path))
    return Requirements(
        kind="requirements",
        path=path,
        pins=pins,
        index=reading.index(),
        notes=tuple(reading.notes),
        constraints=tuple(reading.constraints),
    )


def _hashed(reading: _Reading, pin: Pin, constraints: Sequence[Constraint]) -> Pin:
    """Return *pin* with the hashes that constraints have for this release, if it has none."""
    if pin in reading.unhashed:
        for each in constraints:
            if each.name == pin.name and each.digests and _is_release(each, pin):
                reading.errors.remove(reading.unhashed[pin])
                return replace(pin, digests=each.digests)
    return pin


def _is_release(constraint: Constraint, pin: Pin) -> bool:
    match = re.fullmatch(r"===?([^=,*]+)", constraint.specifier)
    return match is not None and Version(match[1]) == Version(pin.version)


def _read_file(reading: _Reading, file: _File, origin: Origin | None = None) -> None:
    text, status = read_text(file.path, origin)
    identity = (status.st_dev, status.st_ino)
    if identity in reading.open_files:
        raise AsamanError(f"cannot read {file.path}", "it includes itself", origin=origin)
    if len(reading.open_files) > _DEEPEST:
        raise AsamanError(
            f"cannot read {file.path}", f"nested more than {_DEEPEST} deep", origin=origin
        )
    # A file that two others include says everything the first time.
    if (*identity, file.constraints) in reading.read_files:
        return
    reading.read_files.add((*identity, file.constraints))
    reading.open_files.append(identity)
    _read_lines(reading, file, text)
    reading.open_files.pop()


def _read_lines(reading: _Reading, file: _File, text: str) -> None:
    for number, line in _logical_lines(file, text, reading.errors):
        origin = Origin(path=file.path, line=number)
        try:
            _read_line(reading, file, line, origin)
        except AsamanError as error:
            reading.errors.append(with_origin(error, origin))


def _logical_lines(file: _File, text: str, errors: list[AsamanError]) -> Iterator[tuple[int, str]]:
    """Yield each line with its continuations and without comments, under its first number."""
    pending: list[str] = []
    start = number = 0
    for number, physical in enumerate(text.split("\n"), start=1):
        start = start if pending else number
        try:
            body, continues = _physical_line(physical.removesuffix("\r"))
        except AsamanError as error:
            errors.append(with_origin(error, Origin(path=file.path, line=number)))
            body, continues, pending = "", False, []
        pending.append(body)
        if continues:
            continue
        line = "".join(pending).strip(_BLANKS)
        pending = []
        if line:
            yield start, line
    if pending:
        origin = Origin(path=file.path, line=number)
        errors.append(
            AsamanError("malformed line", "a backslash at the end of the file", origin=origin)
        )


def _physical_line(line: str) -> tuple[str, bool]:
    """Return *line* without its comment, and whether the next one continues it."""
    comment = _COMMENT.search(line)
    body = line if comment is None else line[: comment.start()]
    if comment is not None and CONTROL.search(line, comment.start()):
        raise AsamanError("malformed line", "a control character in a comment")
    if body == line and body.endswith("\\"):
        return body[:-1], True
    if body.rstrip(_BLANKS).endswith("\\"):
        raise AsamanError("malformed line", "text after the backslash")
    if comment is not None and body.strip() and line.rstrip().endswith("\\"):
        raise AsamanError("malformed line", "a comment before the backslash")
    return body, False


def _read_line(reading: _Reading, file: _File, line: str, origin: Origin) -> None:
    if _is_own_folder(file, line):
        reading.note(origin, f"{line}: left out: a folder has no hash")
        return
    requirement, options = _split_options(line)
    if requirement:
        _check_requirement_text(requirement)
        hashes = _hashes(options)
        if file.constraints:
            reading.constraints.append(_constraint(reading, requirement, hashes, origin))
        else:
            reading.pins.append(_pin(reading, requirement, hashes, origin))
        return
    names = [name for name, _ in options]
    if len(names) > 1 and any(_OPTIONS[name].alone for name in names):
        raise AsamanError("malformed line", f"{' and '.join(names)} must be on separate lines")
    for name, value in options:
        _OPTIONS[name].read(reading, file, name, value, origin)


def _is_own_folder(file: _File, line: str) -> bool:
    """Whether *line* is the project itself, or a part of it, by its folder."""
    match = _OWN_FOLDER.fullmatch(line)
    if match is None or file.constraints or CONTROL.search(line):
        return False
    beside = Path(file.path).parent
    path = match["path"] or unquote(match["url"])
    if path.startswith(_PROJECT_ROOT):
        path = f".{path.removeprefix(_PROJECT_ROOT)}"
    # It takes any text for a path; a path object raises for a name that is too long.
    return path == "." or any(map(os.path.isdir, (beside / path, path)))


def _split_options(line: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the requirement of *line*, and its options as names and values."""
    start = re.search(r"(?:^|[ \t])-", line)
    if start is None:
        return line, []
    requirement, text = line[: start.start()].strip(_BLANKS), line[start.start() :]
    if "\\" in text or CONTROL.search(text):
        raise AsamanError("malformed line", "a backslash or control character in an option")
    try:
        tokens = iter(shlex.split(text))
    except ValueError as error:
        raise AsamanError("malformed line", str(error).lower()) from None
    return requirement, [_option(token, tokens) for token in tokens]


def _option(token: str, following: Iterator[str]) -> tuple[str, str]:
    attached = _ATTACHED.fullmatch(token)
    if attached is not None:
        return attached[1], attached[2]
    name, equals, value = token.partition("=")
    option = _OPTIONS.get(name)
    if option is None:
        raise _unknown_option(token, name)
    if not option.value:
        if equals:
            raise AsamanError("malformed line", f"{name} takes no value")
        return name, ""
    if not equals:
        value = next(following, "")
    if not value and name != "--hash":
        raise AsamanError("malformed line", f"{name} needs a value")
    return name, value


def _unknown_option(token: str, name: str) -> AsamanError:
    if not token.startswith("-"):
        return AsamanError("malformed line", f"unexpected {shown(token, 80)}")
    if token.startswith("--"):
        return AsamanError("unknown option", shown(name, 80))
    return AsamanError(
        "invalid project name", f"{shown(token, 80)} is neither a project name nor a known option"
    )


def _hashes(options: list[tuple[str, str]]) -> list[str]:
    for name, _ in options:
        if name != "--hash":
            raise AsamanError(
                "malformed line",
                f"{name} after a requirement is not supported",
                hint=_SETTING_HINT if name in _OF_THE_BUILD else "",
            )
    return [value for _, value in options]


# Requirements


def _check_requirement_text(text: str) -> None:
    if "${" in text:
        raise AsamanError("variable in a requirement", "only index options can have variables")
    if re.match(r"\S+://|file:", text):
        raise AsamanError(
            "unsupported requirement",
            f"{shown(text, 200)}: a name and a version are required",
            hint="write `NAME @ https://…/NAME-VERSION.tar.gz --hash=sha256:…`",
        )
    name = _NAME_END.split(text, maxsplit=1)[0]
    if not _NAME.fullmatch(name):
        raise AsamanError(
            "invalid project name",
            f"{shown(name or text, 80)} is not a valid name (PEP 508)",
            hint=_FILE_HINT if name.startswith((".", "/")) else "",
        )
    if "\\" in text or CONTROL.search(text):
        raise AsamanError("malformed line", "a backslash or control character in a requirement")


def _pin(reading: _Reading, text: str, hashes: list[str], origin: Origin) -> Pin:
    match = re.fullmatch(r"([^\s\[(<>=!~;@,]+)\s*(?:\[([^\]]*)\])?\s*(.*)", text, re.DOTALL)
    if match is None:
        raise AsamanError("malformed line", f"{shown(text, 200)} is not a requirement")
    name, extras, rest = canonicalize_name(match[1]), match[2] or "", match[3]
    if rest.startswith("@"):
        url, marker = _split_url(rest[1:].strip())
        version, more = _version_of_url(name, url)
        hashes = [*hashes, *more]
        url = url.partition("#")[0]
    else:
        specifier, separator, marker = rest.partition(";")
        if separator and not marker.strip():
            raise AsamanError("invalid marker", f"{shown(text, 200)} has an empty marker")
        url, version = "", _pinned_version(text, specifier.strip())
    marker = marker.strip()
    _check_marker(marker)
    _check_whole(text)
    pin = Pin(
        name=name,
        version=str(version),
        marker=marker or None,
        extras=tuple(extra for extra in re.split(r"\s*,\s*", extras.strip()) if extra),
        url=url or None,
        origin=origin,
    )
    return replace(pin, digests=_pin_digests(reading, pin, hashes))


def _pin_digests(reading: _Reading, pin: Pin, hashes: list[str]) -> tuple[Digest, ...]:
    if not hashes:
        # An error, unless a constraints file has them.
        error = AsamanError("not hashed", f"{pin} has no --hash", hint=HASH_HINT, origin=pin.origin)
        reading.unhashed[pin] = error
        reading.errors.append(error)
        return ()
    strong, unused = strong_digests(hashes, str(pin))
    if unused and pin.origin:
        reading.note(pin.origin, f"{pin}: {', '.join(unused)} is ignored")
    return strong


def _pinned_version(text: str, specifier: str) -> Version:
    if specifier and specifier[0] not in "=<>!~(,":
        raise AsamanError("malformed line", f"{shown(text, 200)} is not a requirement")
    inner = re.fullmatch(r"\(\s*(.*?)\s*\)", specifier)
    match = re.fullmatch(r"===?(?!=)\s*([^,]*)", inner[1] if inner else specifier)
    if match is None or match[1].endswith(".*"):
        raise AsamanError(
            "not pinned with ==", shown(text, 200), hint="pin one version: NAME==VERSION"
        )
    return _version(match[1])


def _version(text: str) -> Version:
    try:
        if not text.isascii():
            raise ValueError(text)
        return Version(text)
    except ValueError:
        raise AsamanError(
            "invalid version", f"{shown(text, 80)} is not a valid version (PEP 440)"
        ) from None


def _split_url(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"(\S+?)(?:\s+;\s*(\S.*))?", text)
    if match is None:
        raise AsamanError(
            "malformed line", "a direct URL ends with a space, or with ` ; ` and a marker"
        )
    return match[1], match[2] or ""


def _version_of_url(name: str, url: str) -> tuple[Version, list[str]]:
    """Return the version in the file name of *url*, and the hashes in its fragment."""
    _check_direct(name, url)
    parts = urlsplit(url)
    filename = unquote(parts.path.rsplit("/", 1)[-1])
    try:
        found, version = name_and_version(filename)
    except ValueError:
        raise AsamanError(
            f"no version for {name}",
            f"{_part_of_url(filename)} is not the file name of an sdist",
            hint=_wheel_hint(filename),
        ) from None
    if found != name:
        raise AsamanError("name mismatch", f"{_part_of_url(filename)} is not an sdist of {name}")
    return version, _fragment_hashes(parts.fragment)


def _check_direct(name: str, url: str) -> None:
    try:
        check_url(url, f"URL of {name}", ("https", "http"))
    except AsamanError as error:
        hints = {"file:": _FILE_HINT, "git+": _RELEASE_HINT, "hg+": _RELEASE_HINT}
        hint = next((hints[start] for start in hints if url.startswith(start)), "")
        raise AsamanError(error.what, error.why, hint=hint) from None


def _wheel_hint(filename: str) -> str:
    """Return what to do where a URL is that of a wheel."""
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return ""
    return f"pin the release with its hashes: {name}=={version}"


def _fragment_hashes(fragment: str) -> list[str]:
    hashes = []
    for item in filter(None, fragment.split("&")):
        key, _, value = item.partition("=")
        if key.startswith(("sha", "md5")):
            hashes.append(f"{key}:{value}")
        elif key != "egg":
            why = f"{_part_of_url(key)} in the URL is not supported"
            raise AsamanError("malformed line", why)
    return hashes


def _part_of_url(text: str) -> str:
    """Return a part of a URL for a message; it may be one of a password with a slash in it."""
    return shown(f"://{text}", 200).removeprefix("://")


def _check_marker(marker: str) -> None:
    if not marker:
        return
    try:
        Marker(marker)
    except (InvalidMarker, RecursionError):
        raise AsamanError(
            "invalid marker", f"{shown(marker, 200)} is not a valid marker (PEP 508)"
        ) from None


def _check_whole(text: str) -> Requirement:
    """Return what the reference implementation reads in *text*, as a second opinion."""
    try:
        return Requirement(text)
    except (InvalidRequirement, ValueError, RecursionError):
        raise AsamanError("malformed line", f"{shown(text, 200)} is not a requirement") from None


def _constraint(reading: _Reading, text: str, hashes: list[str], origin: Origin) -> Constraint:
    requirement = _check_whole(text)
    if requirement.extras or requirement.url:
        raise AsamanError("malformed constraint", f"{shown(text, 200)} has extras or a URL")
    digests, weak = strong_digests(hashes, requirement.name)
    if weak:
        reading.note(origin, f"{requirement.name}: {', '.join(weak)} is ignored")
    return Constraint(
        name=canonicalize_name(requirement.name),
        specifier=str(requirement.specifier),
        digests=digests,
        marker=str(requirement.marker) if requirement.marker else None,
        origin=origin,
    )


# Options


def _nested(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
    constraints = name in {"-c", "--constraint"}
    if "${" in value:
        raise AsamanError("variable in a file name", "only index options can have variables")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value) or may_be_secret(value):
        raise AsamanError(f"cannot read {_shown(value)}", "only local files can be included")
    if file.constraints and not constraints:
        raise AsamanError(
            f"cannot read {_shown(value)}", "a constraints file can include others only with -c"
        )
    path = str(Path(file.path).parent / value)
    _read_file(reading, _File(path=path, constraints=constraints), origin)


def _expanded(reading: _Reading, name: str, value: str) -> str:
    """Return *value* with its variables, as pip expands them; the values are never shown."""

    def expand(match: re.Match[str]) -> str:
        content = reading.variables.get(match[1], "")
        if not content:
            raise AsamanError("variable not set", f"{match[0]} in {name}")
        return content

    if "${" in _VARIABLE.sub("", value):
        raise AsamanError(
            "malformed variable", f"{name} allows only ${{NAME}} with capital letters, digits and _"
        )
    return _VARIABLE.sub(expand, value)


def _shown(value: str) -> str:
    if "://" not in value and may_be_secret(value):
        return "****"
    return printable(_VARIABLE.sub("****", value))


def _index_url(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
    del file
    url = _expanded(reading, name, value)
    check_url(url, f"value of {name}", ("https", "http", "file"))
    if name == "--extra-index-url":
        reading.extra_index_urls.append(url)
        reading.note(
            origin,
            f"{_shown(value)} is used as an additional index; only files with pinned hashes "
            "are accepted",
        )
        return
    before = ", instead of the one above" if reading.index_url not in {None, url} else ""
    reading.index_url = url
    reading.note(
        origin, f"{_shown(value)} is the index{before}; only files with pinned hashes are accepted"
    )


def _find_links(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
    place = _expanded(reading, name, value)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", place):
        check_url(place, f"value of {name}", ("https", "http", "file"))
    else:
        # As pip has it: beside the file, else in the current folder.
        found = (folder / place for folder in (Path(file.path).parent, Path()))
        existing = next(filter(os.path.exists, found), None)
        if existing is None and may_be_secret(place):
            raise AsamanError(f"invalid value of {name}", "not a URL")
        if existing is None:
            raise AsamanError(f"cannot read {_shown(value)}", "no such file or directory")
        place = str(existing.absolute())
    reading.find_links.append(place)
    reading.note(
        origin, f"{_shown(value)} is searched for files; only files with pinned hashes are accepted"
    )


def _no_index(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
    del file, value
    reading.no_index = True
    reading.note(origin, f"{name}: no index is used")


def _already_so(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
    """Accept what is so in any case: all is hashed, and a version is given."""
    del reading, file, name, value, origin


def _of_no_effect(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
    del file
    reading.note(origin, f"{' '.join(filter(None, (name, _shown(value))))} has no effect here")


def _refused(why: str, hint: str = "") -> _Read:
    def refuse(reading: _Reading, file: _File, name: str, value: str, origin: Origin) -> None:
        del reading, file, value, origin
        raise AsamanError(f"{name} is refused", why, hint=hint)

    return refuse


_Read = Callable[[_Reading, _File, str, str, Origin], None]


@dataclass(frozen=True, slots=True)
class _LineOption:
    """How an option is read, whether it takes a value, and whether it needs a line of its own."""

    read: _Read
    value: bool = True
    alone: bool = False


_OPTIONS: Final[Mapping[str, _LineOption]] = MappingProxyType(
    {
        "-r": _LineOption(_nested, alone=True),
        "--requirement": _LineOption(_nested, alone=True),
        "-c": _LineOption(_nested, alone=True),
        "--constraint": _LineOption(_nested, alone=True),
        "-i": _LineOption(_index_url),
        "--index-url": _LineOption(_index_url),
        "--extra-index-url": _LineOption(_index_url),
        "-f": _LineOption(_find_links),
        "--find-links": _LineOption(_find_links),
        "--no-index": _LineOption(_no_index, value=False),
        "--hash": _LineOption(_refused("it does not follow a requirement")),
        "--require-hashes": _LineOption(_already_so, value=False),
        "--pre": _LineOption(_of_no_effect, value=False),
        "--prefer-binary": _LineOption(_of_no_effect, value=False),
        "--use-feature": _LineOption(_of_no_effect),
        "--all-releases": _LineOption(_of_no_effect),
        "--only-final": _LineOption(_of_no_effect),
        "--no-binary": _LineOption(_of_no_effect),
        "--only-binary": _LineOption(
            _refused(
                "wheels are built from source here",
                hint="remove the line, and give --only-binary NAME on the command line",
            )
        ),
        "--trusted-host": _LineOption(
            _refused(
                "a file cannot turn off certificate checks",
                hint="give --trusted-host HOST on the command line",
            )
        ),
        "-e": _LineOption(_refused(_EDITABLE, hint=_RELEASE_HINT), alone=True),
        "--editable": _LineOption(_refused(_EDITABLE, hint=_RELEASE_HINT), alone=True),
        **dict.fromkeys(
            _SETTINGS,
            _LineOption(
                _refused(
                    "config settings are given on the command line",
                    hint="give -C/--config-setting KEY=VALUE on the command line",
                )
            ),
        ),
        "--global-option": _LineOption(_refused("options of setup.py are not supported")),
    }
)
