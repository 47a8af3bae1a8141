"""Wheels that need no build: those in the output folder and in the store."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from amrasaman_nox import records
from amrasaman_nox.files import digest_of
from amrasaman_nox.model import BuildFailure, BuildLock, BuildRecord
from amrasaman_nox.sources import modified
from amrasaman_nox.sources.trusted import is_of_store, is_whole, record_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from amrasaman_nox.model import BuildJob, Interpreter, Pin
    from amrasaman_nox.record_files import RecordFile, RecordFolder
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sources.store import Store


def present_wheels(
    run: Run, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock, present: RecordFolder
) -> dict[Pin, BuildRecord]:
    """Return those of the wheels *present* that this very run would build, verified."""
    by_name: dict[str, list[RecordFile]] = defaultdict(list)
    for file in present.files:
        by_name[file.record.name].append(file)
    found = {}
    for pin in pins:
        for file in by_name[pin.name]:
            if _is_current(run, pin, file, interpreter, lock) and is_whole(file):
                found[pin] = file.record
                break
    return found


def _is_current(
    run: Run, pin: Pin, file: RecordFile, interpreter: Interpreter, lock: BuildLock
) -> bool:
    record, digest = file.record, file.record.source.digest
    same = modified.of_pin(run.config.packages, pin, record.source)
    if not same or run.config.attestations:
        return False
    wanted = pin.name in run.config.only_binary
    if record.as_published or wanted:
        # A wheel used as published is checked by its pinned hash alone.
        same = digest_of(file.wheel, digest.algorithm) == digest.value
        return record.as_published and wanted and same
    entry = run.known(lock).find(record.source.digest, interpreter.key)
    if entry is None:
        return False
    source = entry.completing(record.source)
    if run.job(source, interpreter, entry.files).key != record.key:
        return False
    return is_of_store(run.site.store, record)


def built(run: Run, job: BuildJob) -> tuple[BuildRecord | BuildFailure, bool]:
    """Return the record of a build, and whether it was kept from an earlier one.

    Of several runs at once, one builds and the others take its result.
    """
    with building(run, job):
        if not run.config.rebuild:
            former = stored_record(job, run.site.store)
            if former is not None:
                return former, True
        result = run.build(job)
        remember_record(job, result, run.site.store)
        return result, False


def building(run: Run, job: BuildJob) -> AbstractContextManager[None]:
    """Hold the lock of a build, so that of several runs one builds and the others take its result.

    :raises AsamanError: another run holds it for longer than a build may take (exit 5)
    """
    patience = run.config.timeout or 1e9
    return run.site.store.lock(f"build-{job.key}", timeout=patience, notify=run.site.say)


def remember_record(job: BuildJob, result: BuildRecord | BuildFailure | None, store: Store) -> None:
    """Keep the record of a build in the store under the key of its job; failures are not kept."""
    if isinstance(result, BuildRecord):
        store.put_value("records", job.key, records.render(result).encode())


def stored_record(job: BuildJob, store: Store) -> BuildRecord | None:
    """Return the record of an earlier build of *job*, if its wheel is still whole.

    It has the source as *job* names it, and says where build requirements come from as *job* does.
    """
    record = record_in(store, job.key)
    if record is None:
        return None
    wheel = store.get(record.wheel.digest)
    if wheel is None:
        return None
    wheel.close()
    return dataclasses.replace(
        record, source=job.source, requirements=tuple(sorted(job.requirements))
    )
