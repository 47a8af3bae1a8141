"""The crates of sources without a ``Cargo.lock``: locked once, then fetched by hash."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.build_lock import requirements
from amrasaman_nox.builds import crate_lock
from amrasaman_nox.model import LockEntry
from amrasaman_nox.sources import rust
from amrasaman_nox.sources.crate_index import lookup_of

if TYPE_CHECKING:
    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.model import Prepared
    from amrasaman_nox.runs.run import Run


def with_crates(run: Run, prepared: Prepared, known: Known) -> Known:
    """Return *known* with the crates of a source that has no ``Cargo.lock``, in the store.

    They are resolved if the build lock does not have them yet.

    :raises AsamanError: they have no solution (exit 3), or cannot be had (exit 2 or 5)
    """
    if prepared.crates_locked or run.site.rust is None:
        return known
    entry = known.entry if known.entry.crates is not None else _resolved(run, prepared, known.entry)
    rust.fetch(run.site, run.site.rust, prepared.source.pin, entry.crates or ())
    return dataclasses.replace(known, entry=entry)


def completed(run: Run, prepared: Prepared, entry: LockEntry) -> Prepared:
    """Return *prepared* with the crates that its *entry* has locked, in the store.

    :raises AsamanError: they cannot be fetched (exit 2 or 5)
    """
    if entry.crates is None or run.site.rust is None:
        return prepared
    rust.fetch(run.site, run.site.rust, prepared.source.pin, entry.crates)
    return dataclasses.replace(prepared, source=entry.completing(prepared.source))


def resolved(run: Run, prepared: Prepared) -> Prepared:
    """Return *prepared* with its crates, resolved now where it has no ``Cargo.lock``.

    :raises AsamanError: as :func:`with_crates`
    """
    if prepared.crates_locked:
        return prepared
    source = prepared.source
    entry = LockEntry(
        name=source.name,
        version=source.version,
        sdist=source.digest,
        interpreter=prepared.interpreter.key,
        files=(),
    )
    found = with_crates(run, prepared, requirements.Known(entry=entry, whole=False)).entry
    return dataclasses.replace(prepared, source=found.completing(source))


def _resolved(run: Run, prepared: Prepared, entry: LockEntry) -> LockEntry:
    crates, notes = crate_lock.resolve(
        run.job(prepared.source, prepared.interpreter),
        lookup_of(run.site),
        requirements.cutoff_of_crates(prepared, run.config.as_of),
        store=run.site.store,
        isolation=run.isolation,
        notify=run.site.say,
    )
    for note in notes:
        run.site.say(f"{prepared.source.pin}: {note}")
    return dataclasses.replace(entry, crates=crates, notes=(*entry.notes, *notes))
