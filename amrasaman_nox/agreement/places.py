"""Where other rebuilders keep what they built: folders, single files and HTTPS locations.

Anybody can have written what is there. A place says what it has of one of our wheels; whether that
counts is decided elsewhere.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from amrasaman_nox import record_files, records
from amrasaman_nox.agreement import envelopes, statements
from amrasaman_nox.errors import AsamanError, Kind, code_of, redacted, system_reason
from amrasaman_nox.files import digest_of, open_regular
from amrasaman_nox.model import Digest, is_release
from amrasaman_nox.sources import access, download, pages
from amrasaman_nox.strict_json import Malformed
from amrasaman_nox.wheels.reader import read_wheel, wheel_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from amrasaman_nox.agreement.statements import Statement
    from amrasaman_nox.model import BuildRecord, IndexOptions

_LARGEST_RECORD: Final = 4 << 20
_LARGEST_PAGE: Final = 4 << 20
#: The endings of what is beside a wheel, and of the wheel itself.
_ENDINGS: Final = (".whl", f".whl{records.SUFFIX}", f".whl{envelopes.SUFFIX}")
#: Where the files are below a location: a folder, or a site of ``asaman index``.
_FOLDERS: Final = ("", "wheels/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What a place has of one of our wheels.

    ``signed`` are statements whose signatures nobody has verified yet; ``told`` is a record without
    one. ``digest`` is that of the file itself, where the place has it, and ``wheel`` its path.
    ``others`` are wheels of the same release for other interpreters or platforms. ``problems`` are
    files that do not count.
    """

    place: str
    signed: tuple[Statement, ...] = ()
    told: BuildRecord | None = None
    digest: Digest | None = None
    wheel: Path | None = None
    others: tuple[str, ...] = ()
    problems: tuple[AsamanError, ...] = ()

    @property
    def record(self) -> BuildRecord | None:
        """A record of this wheel, whoever wrote it."""
        return self.signed[0].record if self.signed else self.told


class Place(Protocol):
    """Where somebody keeps wheels, records and signatures."""

    def held(self, ours: BuildRecord) -> Held:
        """Return what is there of the wheel of *ours*.

        :raises AsamanError: a location does not answer, or answers with what is refused (exit 2
            or 5)
        """


def open_place(text: str, index: IndexOptions) -> Place:
    """Return the place that *text* names: an https URL, a folder, or a file of one wheel.

    :raises AsamanError: there is nothing of the kind (exit 2)
    """
    if access.is_url(text):
        access.check_url(text, index)
        return Site(text.rstrip("/"), index)
    path = Path(text)
    if path.is_dir():
        return Folder(path)
    if path.is_file() and path.name.endswith(_ENDINGS):
        return Folder(path.parent, only=path.name)
    raise AsamanError(
        redacted(text),
        "not a folder, nor a wheel, its record or its signatures",
        hint="give a folder, a FILE.whl.intoto.jsonl or an https: location",
    )


# --- a folder --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, or with ``only`` one file of it; of our own (``ours``) only signatures count."""

    path: Path
    only: str = ""
    ours: bool = False

    def held(self, ours: BuildRecord) -> Held:
        """Return what is there of the wheel of *ours*.

        :raises AsamanError: the folder cannot be read (exit 2 or 5)
        """
        try:
            return self._held(ours)
        except OSError as error:
            why = system_reason(error)
            raise AsamanError(str(self.path), why, code=code_of(error)) from None

    def _held(self, ours: BuildRecord) -> Held:
        wheel = self.path / ours.wheel.filename
        signatures, record = envelopes.beside(wheel), record_files.beside(wheel)
        signed, problems = self._signed(signatures, wheel.name)
        told = None
        if not self.ours and self._has(record):
            read = partial(_text, record)
            told, faults = _told(read, str(record), wheel.name)
            problems += faults
        file = wheel if not self.ours and self._has(wheel) else None
        digest = Digest(algorithm="sha256", value=digest_of(file)) if file else None
        named = [one for one in (*(each.record for each in signed), told) if one]
        if digest and named and digest not in {one.wheel.digest for one in named}:
            problems.append(AsamanError(str(wheel), "not the wheel that its record names"))
        equivalent = [one for one in named if _is_said_equivalent(ours, one, digest)]
        if file and equivalent and (fault := _other_content(file, ours)):
            # Who signed that said what is not so.
            problems.append(fault)
            signed = [each for each in signed if each.record not in equivalent]
            told = None if told in equivalent else told
        return Held(
            place=str(self.path / self.only),
            signed=tuple(signed),
            told=told,
            digest=digest,
            wheel=file,
            others=() if self.ours or signed or told or digest else self._others(ours),
            problems=tuple(problems),
        )

    def _others(self, ours: BuildRecord) -> tuple[str, ...]:
        return _others(ours, (each.name for each in self.path.iterdir() if self._has(each)))

    def _has(self, path: Path) -> bool:
        return self.only in ("", path.name) and path.is_file() and not path.is_symlink()

    def _signed(self, path: Path, wheel: str) -> tuple[list[Statement], list[AsamanError]]:
        if not self._has(path):
            return [], []
        try:
            content = envelopes.read_file(path)
        except AsamanError as error:
            return [], [error]
        return statements.read(content, str(path), wheel)


# --- a location ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Site:
    """A location over HTTPS: a site that ``asaman index`` made, or a folder of files.

    There files are under the exact name of our wheel. Redirects are not followed: who controls a
    location is who is asked.
    """

    url: str
    index: IndexOptions

    def held(self, ours: BuildRecord) -> Held:
        """Return what is there of the wheel of *ours*; the wheel itself is not fetched."""
        name = ours.wheel.filename
        where, content = self._first(f"{name}{envelopes.SUFFIX}", envelopes.LARGEST)
        signed, problems = statements.read(content, where, name) if content else ([], [])
        told = None
        if not content:
            where, content = self._first(f"{name}{records.SUFFIX}", _LARGEST_RECORD)
            told, problems = _told(lambda: content, where, name) if content else (None, [])
        missing = not (signed or told or problems)
        return Held(
            place=redacted(self.url),
            signed=tuple(signed),
            told=told,
            others=_others(ours, self._listed(ours.name)) if missing else (),
            problems=tuple(problems),
        )

    def _first(self, name: str, largest: int) -> tuple[str, bytes]:
        """Return the first of the files of this name, and its URL; nothing where there is none."""
        for folder in _FOLDERS:
            url = f"{self.url}/{folder}{quote(name)}"
            content = self._get(url, largest, "application/json, */*;q=0.5")
            if content is not None:
                return redacted(url), content
        return "", b""

    def _listed(self, project: str) -> Iterable[str]:
        """Return the names of the files of *project* on the site's own pages."""
        url = f"{self.url}/simple/{project}/"
        content = self._get(url, _LARGEST_PAGE, "text/html")
        links = pages.links(content.decode(errors="replace")) if content is not None else ()
        return [unquote(posixpath.basename(urlsplit(link).path)) for link in links]

    def _get(self, url: str, largest: int, accept: str) -> bytes | None:
        try:
            return download.page(url, self.index, accept=accept, largest=largest, redirects=0)
        except AsamanError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise


# --- both ------------------------------------------------------------------------------------


def _text(path: Path) -> bytes:
    return record_files.read_file(path).text


def _told(
    read: Callable[[], bytes], where: str, wheel: str
) -> tuple[BuildRecord | None, list[AsamanError]]:
    """Return the record that *read* gives, or why there is none."""
    try:
        return statements.record_of(read(), wheel), []
    except Malformed as malformed:
        return None, [AsamanError(where, f"not counted: {malformed}")]
    except AsamanError as error:
        return None, [error]


def _is_said_equivalent(ours: BuildRecord, theirs: BuildRecord, digest: Digest | None) -> bool:
    """Return whether *theirs*, of the file with *digest*, claims our content in another archive."""
    same = theirs.wheel.content_digest == ours.wheel.content_digest
    return same and theirs.wheel.digest == digest != ours.wheel.digest


def _other_content(file: Path, ours: BuildRecord) -> AsamanError | None:
    """Return what is wrong with the claim that the wheel *file* has the content of our wheel."""
    try:
        with open_regular(file) as opened:
            found = wheel_value(read_wheel(opened, file.name, lenient=True))
    except AsamanError as error:
        return error
    if found.content_digest == ours.wheel.content_digest:
        return None
    return AsamanError(str(file), "its record names other content")


def _others(ours: BuildRecord, names: Iterable[str]) -> tuple[str, ...]:
    """Return the other wheels of our release that files with *names* are of."""
    wheels = {
        name.removesuffix(ending.removeprefix(".whl"))
        for name in names
        for ending in _ENDINGS
        if name.endswith(ending)
    }
    return tuple(sorted(each for each in wheels if _is_other(ours, each)))


def _is_other(ours: BuildRecord, wheel: str) -> bool:
    try:
        name, version, _, _ = parse_wheel_filename(wheel)
    except InvalidWheelFilename:
        return False
    same = name == ours.name and is_release(ours.version, str(version))
    return same and wheel != ours.wheel.filename
