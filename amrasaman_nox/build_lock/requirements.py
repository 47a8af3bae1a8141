"""The build requirements of one source: resolved once, locked by hash, fetched by hash."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from amrasaman_nox.build_lock.dates import Cutoff, build_cutoff, crates_cutoff
from amrasaman_nox.config.packages import applying, replaced
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildLock, LockedFile, LockEntry, is_plain
from amrasaman_nox.sources import download
from amrasaman_nox.sources.locate import find_files
from amrasaman_nox.sources.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from amrasaman_nox.config.packages import Package
    from amrasaman_nox.model import Pin, Prepared
    from amrasaman_nox.sources.site import Site
    from amrasaman_nox.sources.store import Store

_RENEW: Final = "resolve again with --relock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of a source's build requirements before anything of it runs.

    The entry's files are in the store. It is ``whole`` if a lock had it; otherwise it has the
    static requirements alone, and the backend is still to be asked.
    """

    entry: LockEntry
    whole: bool


def known_of(
    site: Site,
    prepared: Prepared,
    lock: BuildLock,
    *,
    locked: bool = False,
    as_of: str | None = None,
    date: Cutoff | None = None,
) -> Known:
    """Return the lock's entry, or resolve the static requirements; fetch the files.

    :param locked: whether an entry that *lock* lacks is an error
    :param as_of: the date of resolution, or ``now``; ``None`` for the one that follows from the
        source
    :param date: one date for a whole tree of sources, in the place of *as_of*
    :raises AsamanError: the lock lacks it and may not be changed, or is not whole (exit 2); or
        its build requirements have no solution (exit 3)
    """
    source, interpreter = prepared.source, prepared.interpreter
    entry = lock.find(source.digest, interpreter.key)
    if locked:
        _check_in_lock(prepared, entry)
    if entry is None:
        return Known(entry=_static(site, prepared, date or cutoff(prepared, as_of)), whole=False)
    check_whole(entry, prepared)
    fetch_files(site, entry.files, interpreter.executable)
    return Known(entry=entry, whole=True)


def _check_in_lock(prepared: Prepared, entry: LockEntry | None) -> None:
    """Check that nothing is left to be resolved."""
    if entry is None:
        lacking = "its build requirements"
    elif entry.crates is None and not prepared.crates_locked:
        lacking = "its crates, since it has no Cargo.lock,"
    else:
        return
    pin = prepared.source.pin
    raise AsamanError(
        str(pin),
        f"{lacking} are not in the build lock for {prepared.interpreter.key}",
        hint="add them with: asaman lock",
        origin=pin.origin,
    )


def completed(site: Site, prepared: Prepared, known: LockEntry, asked: Sequence[str]) -> LockEntry:
    """Return the entry *known* with what the backend *asked* for as well, resolved and fetched.

    :raises AsamanError: what it asks for is not name and specifier, or has no solution (exit 3)
    """
    source = prepared.source
    own = applying(site.packages, source.name, source.version)
    asked = replaced(own, asked)
    check_plain(asked, source.pin)
    more = tuple(name for name in asked if name not in known.static)
    _say_unmatched(site, source.pin, own, {*known.static, *more})
    if not more:
        return known
    entry = dataclasses.replace(known, dynamic=more)
    return _with_files(site, prepared, entry, (*entry.static, *more))


def _say_unmatched(site: Site, pin: Pin, own: Sequence[Package], requires: Collection[str]) -> None:
    """Say which of the user's requirements replace nothing."""
    for text in (text for each in own for text in each.replaced_requirements):
        if text not in requires:
            site.say(f"{pin}: replace-build-requirements: {text} replaces no requirement")


def _static(site: Site, prepared: Prepared, date: Cutoff) -> LockEntry:
    static = tuple(sorted(prepared.system.requires))
    entry = LockEntry(
        name=prepared.source.name,
        version=prepared.source.version,
        sdist=prepared.source.digest,
        modified=prepared.source.modified,
        interpreter=prepared.interpreter.key,
        files=(),
        static=static,
        as_of=date.moment,
        as_of_reason=str(date.reason),
        notes=(date.note,) if date.note else (),
    )
    return _with_files(site, prepared, entry, static)


def cutoff(prepared: Prepared, as_of: str | None) -> Cutoff:
    """Return the date at which the build requirements of a source are resolved, and why."""
    return build_cutoff(
        prepared.source.uploaded,
        dict(prepared.interpreter.markers)["python_version"],
        as_of=as_of,
        now=_now(),
    )


def cutoff_of_crates(prepared: Prepared, as_of: str | None) -> datetime:
    """Return the date (UTC) at which the crates of a source without a lock are resolved."""
    return crates_cutoff(prepared.source.uploaded, as_of=as_of, now=_now())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _with_files(
    site: Site, prepared: Prepared, entry: LockEntry, wanted: Sequence[str]
) -> LockEntry:
    if not wanted:
        return entry
    resolution = resolve(
        wanted,
        index=site.index,
        interpreter=prepared.interpreter,
        as_of=entry.as_of,
        cache=site.index_cache,
        source=prepared.source.name,
    )
    download.fetch_all(resolution.files, site)
    files = tuple(
        sorted(LockedFile(filename=file.filename, digest=file.digest) for file in resolution.files)
    )
    notes = tuple(dict.fromkeys((*entry.notes, *resolution.notes)))
    return dataclasses.replace(entry, files=files, notes=notes)


def check_plain(requires: Iterable[str], pin: Pin) -> None:
    """Check that the backend asks for names and versions only (no URL runs unverified).

    :raises AsamanError: it does not (exit 3)
    """
    for text in requires:
        if not is_plain(text):
            raise AsamanError(
                str(pin),
                f"build requirement {text!r} is not a name with a version specifier",
                code=ExitCode.BUILD_FAILED,
                origin=pin.origin,
            )


def check_whole(entry: LockEntry, prepared: Prepared) -> None:
    """Check that each requirement of the source is satisfied by a file of its lock entry.

    :raises AsamanError: one is not (exit 2)
    """
    locked = {}
    for file in entry.files:
        name, found, _, _ = parse_wheel_filename(file.filename)
        locked[name] = found
    markers = dict(prepared.interpreter.markers)
    for text in (*prepared.system.requires, *entry.dynamic):
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({**markers, "extra": ""}):
            continue
        version = locked.get(canonicalize_name(wanted.name))
        if version is None:
            raise AsamanError(
                str(prepared.source.pin),
                f"build requirement {text!r} is not pinned in the build lock",
                hint=f"{_RENEW}, or add to the files of the entry: "
                f'{{ name = "{wanted.name}-VERSION-….whl", hash = "sha256:…" }}',
                origin=prepared.source.pin.origin,
            )
        if not wanted.specifier.contains(version, prereleases=True):
            raise AsamanError(
                str(prepared.source.pin),
                f"the build lock has {wanted.name} {version}, which does not satisfy {text!r}",
                hint=_RENEW,
                origin=prepared.source.pin.origin,
            )


def fetch_files(site: Site, files: Sequence[LockedFile], python: str) -> None:
    """Bring locked files into the store; the lock has no URLs, so the index is asked for them.

    :param python: the interpreter whose files they are
    :raises AsamanError: no index serves a file with its hash
    """
    missing = [file for file in files if not _is_whole(file, site.store)]
    if not missing:
        return
    found = find_files(
        missing,
        index=site.index,
        python=python,
        cache=site.index_cache,
    )
    download.fetch_all(found.values(), site)


def _is_whole(file: LockedFile, store: Store) -> bool:
    present = store.get(file.digest)
    if present is not None:
        present.close()
    return present is not None
