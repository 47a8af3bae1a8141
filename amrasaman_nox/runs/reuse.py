"""Wheels that need no build: those in the output folder and in the store."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import digest_of
from amrasaman_nox.model import BuildFailure, BuildLock, BuildRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from amrasaman_nox.model import BuildJob, Interpreter, Pin
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sources.store import Store


def present_wheels(
    run: Run, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> dict[Pin, BuildRecord]:
    """Return the wheels in the output folder that this very run would build, verified."""
    vouched: dict[str, list[tuple[BuildRecord, Path]]] = defaultdict(list)
    for record, path in records.vouched_wheels(run.config.output):
        vouched[record.name].append((record, path))
    found = {}
    for pin in pins:
        for record, path in vouched[pin.name]:
            current = _is_current(run, pin, record, interpreter, lock)
            if current and digest_of(path) == record.wheel.digest.value:
                found[pin] = record
                break
    return found


def _is_current(
    run: Run, pin: Pin, record: BuildRecord, interpreter: Interpreter, lock: BuildLock
) -> bool:
    if record.source.digest not in pin.digests:
        return False
    wanted = pin.name in run.config.only_binary
    if record.taken or wanted:
        return record.taken and wanted
    entry = run.known(lock).find(record.source.digest, interpreter.key)
    return entry is not None and run.job(record.source, interpreter, entry.files).key == record.key


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
    """Return the record of an earlier build of *job*, if its wheel is still whole."""
    content = store.get_value("records", job.key)
    if content is None:
        return None
    try:
        record = records.parse(content, job.key)
    except AsamanError:
        return None
    wheel = store.get(record.wheel.digest)
    if wheel is None:
        return None
    wheel.close()
    return dataclasses.replace(record, source=job.source)
