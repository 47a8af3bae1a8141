"""The build requirements of one source: resolved once, locked by hash, fetched by hash."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from amrasaman_nox.build_lock.dates import Cutoff, build_cutoff
from amrasaman_nox.builds import builder, hooks
from amrasaman_nox.builds.workplace import workplace
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildLock, LockedFile, LockEntry
from amrasaman_nox.sources import download
from amrasaman_nox.sources.locate import find_files
from amrasaman_nox.sources.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amrasaman_nox.model import Prepared, ResolvedFile
    from amrasaman_nox.runs.workshop import Workshop

_RENEW: Final = "renew the build lock with --relock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of a source's build requirements before anything of it runs.

    The entry's files are in the store. It is ``whole`` if a lock had it; otherwise it has the
    static requirements alone, and the backend is still to be asked.
    """

    entry: LockEntry
    whole: bool


def entry_of(
    shop: Workshop,
    prepared: Prepared,
    lock: BuildLock,
    dynamic: Callable[[LockEntry], tuple[str, ...]] | None = None,
) -> LockEntry:
    """Return the lock entry of a source, resolved now where *lock* has none; its files fetched.

    :raises AsamanError: as :func:`known_of`, :func:`finished`
    :raises HookFailed: as :func:`finished`
    """
    return finished(shop, prepared, known_of(shop, prepared, lock), dynamic)


def known_of(shop: Workshop, prepared: Prepared, lock: BuildLock) -> Known:
    """Return the lock's entry, or resolve the static requirements; fetch the files.

    :raises AsamanError: the lock lacks it and may not be changed, or is not whole (exit 2); or
        its build requirements have no solution (exit 3)
    """
    source, interpreter = prepared.source, prepared.interpreter
    entry = None if shop.config.relock else lock.find(source.digest, interpreter.key)
    if entry is None:
        if shop.config.locked:
            raise AsamanError(
                str(source.pin),
                f"its build requirements are not in the build lock for {interpreter.key}",
                hint="add them with: asaman lock",
                origin=source.pin.origin,
            )
        return Known(entry=_static(shop, prepared), whole=False)
    _check_whole(entry, prepared)
    fetch_files(shop, entry.files, prepared)
    return Known(entry=entry, whole=True)


def finished(
    shop: Workshop,
    prepared: Prepared,
    known: Known,
    dynamic: Callable[[LockEntry], tuple[str, ...]] | None = None,
) -> LockEntry:
    """Return the whole entry: ask the backend, in the sandbox, for what else it requires.

    *dynamic* asks it; the default unpacks the source and asks for what a wheel requires.

    :raises AsamanError: what it asks for is not name and specifier, or has no solution (exit 3)
    :raises HookFailed: the backend could not say what else it requires
    """
    entry = known.entry
    if known.whole:
        return entry
    asked = dynamic(entry) if dynamic is not None else dynamic_of(shop, prepared, entry)
    more = tuple(name for name in asked if name not in entry.static)
    if more:
        check_plain(more, prepared)
        entry = dataclasses.replace(entry, dynamic=more)
        entry = _with_files(shop, prepared, entry, (*entry.static, *more))
    return entry


def _static(shop: Workshop, prepared: Prepared) -> LockEntry:
    date = cutoff(shop, prepared)
    static = tuple(sorted(prepared.system.requires))
    entry = LockEntry(
        name=prepared.source.name,
        version=prepared.source.version,
        sdist=prepared.source.digest,
        interpreter=prepared.interpreter.key,
        files=(),
        static=static,
        as_of=date.moment,
        as_of_reason=str(date.reason),
        notes=(date.note,) if date.note else (),
    )
    return _with_files(shop, prepared, entry, static)


def cutoff(shop: Workshop, prepared: Prepared) -> Cutoff:
    """Return the date at which the build requirements of a source are resolved, and why."""
    return build_cutoff(
        prepared.source.uploaded,
        dict(prepared.interpreter.markers)["python_version"],
        as_of=shop.config.as_of,
        now=datetime.now(UTC).replace(microsecond=0),
    )


def _with_files(
    shop: Workshop, prepared: Prepared, entry: LockEntry, wanted: Sequence[str]
) -> LockEntry:
    if not wanted:
        return entry
    resolution = resolve(
        wanted,
        index=shop.index,
        interpreter=prepared.interpreter,
        as_of=entry.as_of,
        cache=shop.index_cache,
    )
    _fetch(shop, resolution.files)
    files = tuple(
        sorted(LockedFile(filename=file.filename, digest=file.digest) for file in resolution.files)
    )
    notes = tuple(dict.fromkeys((*entry.notes, *resolution.notes)))
    return dataclasses.replace(entry, files=files, notes=notes)


def dynamic_of(shop: Workshop, prepared: Prepared, entry: LockEntry) -> tuple[str, ...]:
    """Ask the backend, in the sandbox, what it requires beyond ``pyproject.toml``.

    :raises HookFailed: it could not say
    """
    job = shop.job(prepared.source, prepared.interpreter, entry.files)
    with workplace(job, shop.store, shop.isolation) as folder:
        runner, _ = builder.ready(job, shop.store, shop.isolation, folder, shop.say)
        return hooks.requires_for_wheel(runner, builder.settings(job))


def check_plain(requires: Iterable[str], prepared: Prepared) -> None:
    """Check that the backend asks for names and versions only (no URL runs unverified).

    :raises AsamanError: it does not (exit 3)
    """
    for text in requires:
        try:
            plain = Requirement(text).url is None
        except ValueError:
            plain = False
        if not plain:
            raise AsamanError(
                str(prepared.source.pin),
                f"build requirement {text!r} is not name+specifier",
                code=ExitCode.BUILD_FAILED,
                origin=prepared.source.pin.origin,
            )


def _check_whole(entry: LockEntry, prepared: Prepared) -> None:
    """Check that each requirement of the source is satisfied by a file of its lock entry."""
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
                hint=f"{_RENEW}, or add to its files: "
                f'{{ name = "{wanted.name}-VERSION-….whl", hash = "sha256:…" }}',
                origin=prepared.source.pin.origin,
            )
        if not wanted.specifier.contains(version, prereleases=True):
            raise AsamanError(
                str(prepared.source.pin),
                f"the build lock has {wanted.name} {version}, and {text!r} is required",
                hint=_RENEW,
                origin=prepared.source.pin.origin,
            )


def fetch_files(shop: Workshop, files: Sequence[LockedFile], prepared: Prepared) -> None:
    """Bring locked files into the store; the lock has no URLs, so the index is asked for them.

    :raises AsamanError: no index serves a file with its hash
    """
    missing = [file for file in files if not _is_whole(file, shop)]
    if not missing:
        return
    found = find_files(
        missing,
        index=shop.index,
        python=prepared.interpreter.executable,
        cache=shop.index_cache,
    )
    _fetch(shop, found.values())


def _fetch(shop: Workshop, files: Iterable[ResolvedFile]) -> None:
    download.fetch_all(
        files,
        store=shop.store,
        index=shop.index,
        notify=shop.say,
        connections=shop.connections,
    )


def _is_whole(file: LockedFile, shop: Workshop) -> bool:
    present = shop.store.get(file.digest)
    if present is not None:
        present.close()
    return present is not None
