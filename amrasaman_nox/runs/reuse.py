"""Wheels that need no build: those in the output folder and in the store."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import digest_of
from amrasaman_nox.model import BuildFailure, BuildLock, BuildRecord, Source
from amrasaman_nox.runs import executors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from amrasaman_nox.model import BuildJob, Interpreter, LockEntry, Pin
    from amrasaman_nox.runs.workshop import Workshop


def present_wheels(
    shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> dict[Pin, BuildRecord]:
    """Return the wheels in the output folder that this very run would build, verified."""
    vouched: dict[str, list[tuple[BuildRecord, Path]]] = defaultdict(list)
    for record, path in records.vouched_wheels(shop.config.output):
        vouched[record.name].append((record, path))
    found = {}
    for pin in pins:
        for record, path in vouched[pin.name]:
            current = _is_current(shop, pin, record, interpreter, lock)
            if current and digest_of(path) == record.wheel.digest.value:
                found[pin] = record
                break
    return found


def _is_current(
    shop: Workshop, pin: Pin, record: BuildRecord, interpreter: Interpreter, lock: BuildLock
) -> bool:
    if record.source.digest not in pin.digests:
        return False
    if record.taken or pin.name in shop.config.only_binary:
        return record.taken and pin.name in shop.config.only_binary
    entry = lock.find(record.source.digest, interpreter.key)
    if entry is None or shop.config.relock:
        return False
    return shop.job(record.source, interpreter, entry.files).key == record.key


def built(
    shop: Workshop, source: Source, interpreter: Interpreter, entry: LockEntry
) -> tuple[BuildRecord | BuildFailure, bool]:
    """Return the record of a build, and whether it was kept from an earlier one.

    Of several runs at once, one builds and the others take its result.
    """
    job = shop.job(source, interpreter, entry.files)
    with building(shop, job):
        if not shop.config.rebuild:
            former = stored_record(shop, job.key, source)
            if former is not None:
                return former, True
        result = executors.build(shop, job)
        remember_record(shop, job, result)
        return result, False


def building(shop: Workshop, job: BuildJob) -> AbstractContextManager[None]:
    """Hold the lock of a build, so that of several runs one builds and the others take its result.

    :raises AsamanError: another run holds it for longer than a build may take (exit 5)
    """
    patience = shop.config.timeout or 1e9
    return shop.store.lock(f"build-{job.key}", timeout=patience, notify=shop.say)


def remember_record(
    shop: Workshop, job: BuildJob, result: BuildRecord | BuildFailure | None
) -> None:
    """Keep the record of a build in the store under the key of its job; failures are not kept."""
    if isinstance(result, BuildRecord):
        shop.store.put_value("records", job.key, records.render(result).encode())


def stored_record(shop: Workshop, key: str, source: Source) -> BuildRecord | None:
    """Return the record of an earlier build with the same key, if its wheel is still whole."""
    content = shop.store.get_value("records", key)
    if content is None:
        return None
    try:
        record = records.parse(content, key)
    except AsamanError:
        return None
    wheel = shop.store.get(record.wheel.digest)
    if wheel is None:
        return None
    wheel.close()
    return dataclasses.replace(record, source=source)
