"""What build requirements resolve to, as of a date."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from amrasaman_nox.errors import AsamanError, ExitCode, shown
from amrasaman_nox.model import Pin, ResolvedFile, utc
from amrasaman_nox.sources import access
from amrasaman_nox.sources.fit import best_first
from amrasaman_nox.sources.uv import Answer, Client, Listed, listed_packages, make_folder, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.model import IndexOptions, Interpreter


#: How long a resolution may look past its date, where the date has no solution.
GRACE: Final = timedelta(days=7)
_RESOLVING_CONNECTIONS: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What requirements resolve to, sorted by file name; *notes* say where it had to deviate."""

    files: tuple[ResolvedFile, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bounds:
    """What holds in a resolution beside the requirements themselves."""

    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    undated: tuple[str, ...] = ()


def resolve(
    requirements: Sequence[str],
    *,
    index: IndexOptions,
    interpreter: Interpreter,
    as_of: datetime | None,
    cache: Path,
    constraints: Sequence[str] = (),
    overrides: Sequence[str] = (),
    undated: Sequence[str] = (),
    source: str = "NAME",
) -> Resolution:
    """Resolve build requirements to wheels as of a date; nothing is built to do so.

    :param requirements: names with specifiers (PEP 508), no URLs
    :param as_of: files uploaded later do not exist; ``None`` for all
    :param constraints: further specifiers that hold where a project is needed
    :param overrides: specifiers that hold in place of whatever else asks for a project
    :param undated: names of projects whose files count whatever their upload time
    :param source: the project whose build requirements they are, for hints
    :raises AsamanError: there is no solution (exit 3), or the index cannot be asked (exit 5)
    """
    lines = [_plain_requirement(requirement) for requirement in requirements]
    if not lines:
        return Resolution()
    access.check_index(index)
    client = Client(
        index=index,
        python=interpreter.executable,
        cache=cache,
        connections=_RESOLVING_CONNECTIONS,
    )
    limits = _Bounds(
        constraints=tuple(_plain_requirement(constraint) for constraint in constraints),
        overrides=tuple(_plain_requirement(override) for override in overrides),
        undated=tuple(undated),
    )
    answer, notes = _resolve_as_of(client, lines, limits, interpreter, as_of)
    if answer.code and as_of is not None:
        later, later_notes = _resolve_as_of(client, lines, limits, interpreter, as_of + GRACE)
        if later.code == 0:
            note = (
                f"no solution as of {utc(as_of)}: resolved as of a week later, {utc(as_of + GRACE)}"
            )
            answer, notes = later, (note, *later_notes)
    if answer.code:
        first = None if as_of is None else _first_day(client, lines, limits, interpreter)
        raise _no_solution(lines, answer, as_of, source, first)
    files = [
        _best_wheel(package, interpreter.tags, as_of, source)
        for package in listed_packages(answer.output)
    ]
    return Resolution(files=tuple(sorted(files, key=lambda file: file.filename)), notes=notes)


def _resolve_as_of(
    client: Client,
    lines: Sequence[str],
    limits: _Bounds,
    interpreter: Interpreter,
    as_of: datetime | None,
    *options: str,
) -> tuple[Answer, tuple[str, ...]]:
    """Resolve; projects without upload times are freed of the cutoff, one after the other."""
    unaged: list[str] = []
    while True:
        arguments = ["--no-build", "--python-version", interpreter.minor, *options]
        if as_of is not None:
            arguments += ["--exclude-newer", utc(as_of)]
        for name in (*limits.undated, *unaged):
            arguments += ["--exclude-newer-package", f"{name}=false"]
        with (
            _lines_file(client.cache, "--constraints", limits.constraints) as constrained,
            _lines_file(client.cache, "--overrides", limits.overrides) as overridden,
        ):
            answer = client.run([*arguments, *constrained, *overridden], lines)
        found = [name for name in _without_upload_time(answer.messages) if name not in unaged]
        if answer.code == 0 or not found:
            used = {package.name for package in listed_packages(answer.output)} & set(unaged)
            notes = (
                f"{name}: resolved without a date, since the index has no upload times"
                for name in sorted(used)
            )
            return answer, tuple(notes)
        unaged += found


def _first_day(
    client: Client, lines: Sequence[str], limits: _Bounds, interpreter: Interpreter
) -> date | None:
    """Return the first day as of which there is a solution, ``None`` if nobody can say.

    The lowest release of each project is taken, and the day after the last upload among them.
    """
    answer, _ = _resolve_as_of(client, lines, limits, interpreter, None, "--resolution", "lowest")
    packages = listed_packages(answer.output) if answer.code == 0 else []
    uploads = [[wheel.uploaded for wheel in package.wheels] for package in packages]
    firsts = [min(filter(None, each), default=None) for each in uploads]
    known = [first for first in firsts if first is not None]
    return max(known).date() + timedelta(days=1) if known and len(known) == len(firsts) else None


def _best_wheel(
    package: Listed, tags: Sequence[str], as_of: datetime | None, source: str
) -> ResolvedFile:
    pin = Pin(name=package.name, version=package.version)
    hashed = (wheel for wheel in package.wheels if wheel.digests)
    fitting = best_first(hashed, lambda wheel: wheel.filename, pin, tags)
    if not fitting:
        more = "" if as_of is None else _other_date(source)
        raise _only_sdist(pin.name, f"no wheel of {pin} fits the interpreter", more)
    wheel = fitting[0]
    return ResolvedFile(
        filename=wheel.filename, digest=wheel.digests[0], url=wheel.url, size=wheel.size
    )


def _plain_requirement(text: str) -> str:
    """Return *text* as a requirement of a name and a specifier, rendered again (PEP 508)."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise AsamanError(
            f"build requirement {shown(repr(text), 200)}", "not a name with a version specifier"
        ) from error
    if requirement.url is not None:
        raise AsamanError(f"build requirement {shown(repr(text), 200)}", "a URL is not accepted")
    return str(requirement)


@contextmanager
def _lines_file(folder: Path, option: str, lines: Sequence[str]) -> Iterator[list[str]]:
    if not lines:
        yield []
        return
    make_folder(folder)
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".txt") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        yield [option, file.name]


def _without_upload_time(messages: str) -> list[str]:
    """Return the projects of the files that the index client refused for want of a time."""
    names = []
    for filename in re.findall(r"`([^`]+)` is missing an upload date", messages):
        stem = re.match(r"(.+?)-\d", filename)
        if stem:
            names.append(canonicalize_name(stem[1]))
    return list(dict.fromkeys(names))


def _no_solution(
    lines: Sequence[str],
    answer: Answer,
    as_of: datetime | None,
    source: str,
    first: date | None,
) -> AsamanError:
    """Return why there is no solution; *first* is the first day as of which there is one."""
    when = "" if as_of is None else f" as of {utc(as_of)}"
    sdist_only = re.findall(r"Wheels are required for `([^`]+)`", answer.messages)
    if sdist_only and first is None:
        return _only_sdist(sdist_only[0], "the index has only an sdist of it, no wheel")
    why = f"no solution{when}: {reason_of(answer.messages)}"
    if sdist_only:
        why = f"no solution{when}: of {sdist_only[0]} there was no wheel that fits, only later ones"
    return AsamanError(
        f"build requirements {shown(', '.join(lines), 120)}",
        why,
        hint="" if as_of is None else _other_date(source, first),
        code=ExitCode.BUILD_FAILED,
    )


def _other_date(source: str, first: date | None = None) -> str:
    day = first or "DATE"
    return f"resolve them as of a later date: --as-of {source}={day}, or {source}=now"


def _only_sdist(name: str, why: str, more: str = "") -> AsamanError:
    hints = (f"provide a wheel of {name} with --find-links", more)
    return AsamanError(
        f"build requirement {name}",
        why,
        hint=", or ".join(filter(None, hints)),
        code=ExitCode.BUILD_FAILED,
    )
