"""Lock files (``pylock.toml``, PEP 751) read into pins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    Pylock,
    PylockValidationError,
)
from packaging.utils import canonicalize_name, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from amrasaman_nox import strict_toml
from amrasaman_nox.errors import AsamanError, Kind, Origin, all_of, shown
from amrasaman_nox.inputs.selection import united_everywhere
from amrasaman_nox.inputs.texts import check_url, read_text, strong_digests
from amrasaman_nox.model import Digest, Fault, LockScope, Pin, Requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from amrasaman_nox.config.config import Config

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SDIST_HINT: Final = (
    "lock it with its sdist (no --only-binary), or give --only-binary {name} to take its wheel"
)
_VCS_HINT: Final = "lock a release of it, or an sdist that you made of it, with its hash"
#: What replaces the version of a checkout whose lock names none.
_UNKNOWN: Final = Version("0+unknown")
# What the validation says, and how our error begins; the first row that matches counts.
_VALIDATION: Final = (
    (r"Missing required value in '(.*\.)?hashes'", "not hashed"),
    (r"At least one hash must be provided", "not hashed"),
    (r"path or url must be provided", "invalid artifact location"),
    (r"is not consistent with package", "name mismatch"),
    (r"Invalid (sdist|wheel) filename", "name mismatch"),
    (r"is not normalized", "invalid project name"),
    (r"", "malformed lock"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lock:
    """The lock's path as it was given, and which packages may have wheels only."""

    path: str
    only_binary: frozenset[str]


def read_configured(path: Path, config: Config) -> Requirements:
    """Return the pins of a lock file, with wheels of the projects that are taken as published."""
    return read_pylock(path, only_binary=frozenset(config.only_binary))


def read_pylock(path: Path, *, only_binary: frozenset[str] = frozenset()) -> Requirements:
    """Return the pins of a lock file (PEP 751), each with the hashes of its sdist.

    ``only_binary`` are normalised names: such a pin has its wheels' hashes, too, and may lack an
    sdist. Markers are kept, not judged: see :func:`amrasaman_nox.inputs.requirements.select`.

    :raises AsamanError: all problems of the file together, each with its package's line
    """
    text, _ = read_text(str(path))
    return parse_pylock(text, path, only_binary=only_binary)


def parse_pylock(
    text: str,
    path: Path,
    *,
    only_binary: frozenset[str] = frozenset(),
    lines: Callable[[list[Any]], list[int | None]] | None = None,
) -> Requirements:
    """Return the pins of *text*, the content of a lock file (PEP 751), as :func:`read_pylock` does.

    :param path: the file that messages name, and below whose folder local files are
    :param lines: returns the line of each package in that file, if *text* is not its content
    :raises AsamanError: all problems of the text together, each with its package's line
    """
    lock = _Lock(path=str(path), only_binary=only_binary)
    document = _parsed(lock, text)
    notes = _check_version(lock, document)
    packages = document.get("packages")
    if not isinstance(packages, list):
        raise AsamanError(
            "packages missing", "a lock file must have [[packages]]", origin=_origin(lock)
        )
    scope = _scope(lock, {**document, "lock-version": "1.0", "packages": []})
    numbers = _lines(text, len(packages)) if lines is None else lines(packages)
    pins, errors = _pins(lock, packages, numbers, notes)
    united = united_everywhere(pins, errors)
    if errors:
        raise all_of(errors)
    if not pins:
        raise AsamanError("no requirements", f"{path} pins nothing", origin=_origin(lock))
    return Requirements(kind="pylock", path=str(path), pins=united, notes=tuple(notes), scope=scope)


def _origin(lock: _Lock, line: int | None = None) -> Origin:
    return Origin(path=lock.path, line=line)


def _parsed(lock: _Lock, text: str) -> dict[str, Any]:
    try:
        return strict_toml.parse(text)
    except strict_toml.NotToml as error:
        why = str(error)
        place = re.search(r"at line (\d+)", why)
        # At the end of the document the parser names no line.
        line = int(place[1]) if place else text.count("\n") + 1
        raise AsamanError("malformed TOML", why, origin=_origin(lock, line)) from None


def _check_version(lock: _Lock, document: Mapping[str, Any]) -> list[str]:
    """Return notes on the lock's version, which must be 1.x."""
    written = document.get("lock-version")
    try:
        version = Version(written) if isinstance(written, str) else None
    except InvalidVersion:
        version = None
    if version is None or version.major != 1 or version.epoch:
        why = "it is missing" if written is None else f"{written!r} is not 1.0"
        raise AsamanError("unsupported lock-version", why, origin=_origin(lock))
    if version > Version("1.0"):
        return [f"{lock.path}: lock-version {version} is newer than 1.0, and is read as 1.0"]
    return []


def _scope(lock: _Lock, head: Mapping[str, Any]) -> LockScope:
    try:
        pylock = Pylock.from_dict(head)
    except PylockValidationError as error:
        raise AsamanError("malformed lock", str(error), origin=_origin(lock)) from None
    return LockScope(
        environments=tuple(str(marker) for marker in pylock.environments or ()),
        requires_python=str(pylock.requires_python) if pylock.requires_python else None,
        extras=tuple(pylock.extras or ()),
        dependency_groups=tuple(pylock.dependency_groups or ()),
        default_groups=tuple(pylock.default_groups or ()),
    )


def _lines(text: str, count: int) -> list[int | None]:
    """Return the line of each package, where the lock is written with one heading a package."""
    heading = re.compile(r"\s*\[\[\s*packages\s*\]\]")
    found = [n for n, line in enumerate(text.split("\n"), 1) if heading.match(line)]
    return [*found] if len(found) == count else [None] * count


def _pins(
    lock: _Lock, packages: list[Any], lines: list[int | None], notes: list[str]
) -> tuple[list[Pin], list[AsamanError]]:
    pins: list[Pin] = []
    errors: list[AsamanError] = []
    for index, (data, line) in enumerate(zip(packages, lines, strict=True)):
        origin = _origin(lock, line)
        try:
            pin, note = _pin(lock, _package(data, index), origin)
        except AsamanError as error:
            errors.append(AsamanError(error.what, error.why, hint=error.hint, origin=origin))
            continue
        pins.extend(pin)
        notes.extend(note)
    return pins, errors


def _package(data: object, index: int) -> Package:
    """Return the validated package; each is validated alone, so that all faults are found."""
    lock = {"lock-version": "1.0", "created-by": "-", "packages": [data]}
    name = data.get("name") if isinstance(data, dict) else None
    called = f"{name} (packages[{index}])" if isinstance(name, str) else f"packages[{index}]"
    try:
        package = Pylock.from_dict(lock).packages[0]
    except (PylockValidationError, RecursionError) as error:
        said = str(error).replace("packages[0]", f"packages[{index}]")
        what = next(what for pattern, what in _VALIDATION if re.search(pattern, said))
        raise AsamanError(what, f"{called}: {said}") from None
    if package.marker is not None and _CONTROL.search(str(package.marker)):
        raise AsamanError("invalid marker", f"{called}: a control character")
    return package


def _pin(lock: _Lock, package: Package, origin: Origin) -> tuple[list[Pin], list[str]]:
    """Return the pin of a package, none if it is a folder; and notes."""
    if package.directory:
        said = f"{lock.path}: {package.name}: left out: a folder has no hash"
        return [], [said]
    fault = _fault(lock, package)
    file = None if package.vcs else package.sdist or package.archive
    url, path = _location(lock, package, file) if file else (None, None)
    version = _version(package, file, unquote(urlsplit(url).path) if url else path)
    called = f"{package.name}=={version}"
    digests, notes = _digests(lock, package, called)
    if package.wheels and package.name in lock.only_binary:
        # Which of the wheels fits is for the index to say; the hash decides.
        url, path = None, None
    pin = Pin(
        name=package.name,
        version=str(version),
        digests=digests,
        marker=str(package.marker) if package.marker else None,
        url=url,
        path=path,
        requires_python=str(package.requires_python) if package.requires_python else None,
        origin=origin,
        fault=fault,
        wheels=bool(package.wheels),
    )
    return [pin], notes


def _fault(lock: _Lock, package: Package) -> Fault | None:
    """Return why neither the sdist of a package is there nor the wheel that is wanted."""
    if package.vcs:
        return Fault(reason="no sdist: a version control checkout has no hash", hint=_VCS_HINT)
    if package.archive and package.archive.subdirectory:
        return Fault(reason="a subdirectory of an archive is not supported", hint=_VCS_HINT)
    if package.name in lock.only_binary:
        return None if package.wheels else Fault(reason="no wheel: the lock has an sdist only")
    if package.sdist or package.archive:
        return None
    hint = _SDIST_HINT.format(name=package.name)
    return Fault(reason="no sdist: the lock has wheels only", hint=hint, takes_wheel=True)


def _location(
    lock: _Lock, package: Package, file: PackageSdist | PackageArchive
) -> tuple[str | None, str | None]:
    """Return the URL, or the absolute path of an existing file below the lock's folder."""
    what = "invalid artifact location"
    if file.url and file.path:
        raise AsamanError(what, f"{package.name} has both a url and a path")
    if file.url:
        try:
            check_url(file.url, "URL", ("https", "http"))
        except AsamanError as error:
            raise AsamanError(what, f"{package.name}: {error.why}") from None
        return file.url.partition("#")[0], None
    return None, str(_local_file(lock, package, file.path or ""))


def _local_file(lock: _Lock, package: Package, relative: str) -> Path:
    what = "invalid artifact location"
    parts = PurePosixPath(relative)
    if parts.is_absolute() or ".." in parts.parts or "\\" in relative or _CONTROL.search(relative):
        raise AsamanError(what, f"{package.name}: {relative} is not below the lock's folder")
    folder = Path(lock.path).parent.absolute()
    file = folder / parts
    if not file.resolve().is_relative_to(folder.resolve()):
        raise AsamanError(what, f"{package.name}: {relative} is outside the lock's folder")
    if not file.is_file():
        raise AsamanError(what, f"{package.name}: {relative} is not a file")
    return file


def _version(
    package: Package, file: PackageSdist | PackageArchive | None, place: str | None
) -> Version:
    """Return the version of the package, or of its archive's file name."""
    if package.vcs or (package.archive and package.archive.subdirectory):
        return package.version or _UNKNOWN
    if isinstance(file, PackageArchive):
        return _version_of(package, (place or "").rsplit("/", 1)[-1])
    if package.version is not None:
        return package.version
    if isinstance(file, PackageSdist):
        return _version_of(package, file.filename)
    raise AsamanError(f"no version for {package.name}", "the lock has none")


def _version_of(package: Package, filename: str) -> Version:
    try:
        name, version = parse_sdist_filename(filename)
    except ValueError:
        raise AsamanError(
            f"no version for {package.name}",
            f"{shown(filename, 200)} is not the file name of an sdist",
        ) from None
    if name != canonicalize_name(package.name) or version != (package.version or version):
        raise AsamanError(
            "name mismatch", f"{shown(filename, 200)} is not an sdist of {package.name}"
        )
    return version


def _digests(lock: _Lock, package: Package, called: str) -> tuple[tuple[Digest, ...], list[str]]:
    """Return the strong digests of the sdist, and of the wheels where they are wanted."""
    files = [file for file in (package.sdist or package.archive,) if file is not None]
    wheels = list(package.wheels or ()) if package.name in lock.only_binary else []
    found: list[Digest] = []
    notes: list[str] = []
    for file in (*files, *wheels):
        values = [f"{algorithm}:{value}" for algorithm, value in file.hashes.items()]
        try:
            strong, weak = strong_digests(values, called)
        except AsamanError as error:
            what = "not hashed" if error.kind is Kind.WEAK_HASH else error.what
            raise AsamanError(what, f"{called}: {error}") from None
        found.extend(strong)
        notes.extend(f"{lock.path}: {called}: {name} is ignored" for name in weak)
    return tuple(dict.fromkeys(found)), list(dict.fromkeys(notes))
