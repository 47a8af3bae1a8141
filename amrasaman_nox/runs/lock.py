"""The build lock of a run: read, completed and written."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox import files
from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.build_lock.file import lock_of, merged, read_lock, write_lock, written_lock
from amrasaman_nox.builds import hooks
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import BuildLock, BuildOutcome, Event, Report
from amrasaman_nox.runs import project
from amrasaman_nox.runs.outcome import Done, failure_of, joined
from amrasaman_nox.runs.run import run_command
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sources import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import LockEntry, Prepared, Requirements
    from amrasaman_nox.runs.workshop import Notify, Workshop


def lock_build_requirements(config: Config, *, notify: Notify) -> Report:
    """Resolve what the build lock lacks, all of it with ``relock``, and write the lock only.

    :raises AsamanError: as :func:`build_wheels`
    """
    return run_command(config, notify, "lock_build_requirements", _lock)


def current_lock(shop: Workshop, requirements: Requirements) -> BuildLock:
    """Return the build lock without the entries of sdists that no pin names any more."""
    path = lock_of(shop.config)
    for folder in (path.parent, shop.config.output):
        files.sweep_beside(folder)
    lock = read_lock(path)
    if shop.config.shard is not None:
        # A part may be empty, and asaman merge wants a folder of each.
        shop.config.output.mkdir(parents=True, exist_ok=True)
        own = read_lock(written_lock(shop.config))
        lock = merged(
            lock, own.entries, sdists={entry.sdist for entry in (*lock.entries, *own.entries)}
        )
    used = {digest for pin in requirements.pins for digest in pin.digests}
    if requirements.kind == "project":
        used.add(project.tree_digest(Path(requirements.path)))
    return merged(lock, (), sdists=used)


def keep_entries(
    shop: Workshop,
    former: BuildLock,
    entries: Sequence[LockEntry],
) -> BuildLock:
    """Return the lock *former* with *entries*, written to its file unless it is locked.

    :raises AsamanError: it cannot be written (exit 5)
    """
    used = {entry.sdist for entry in (*former.entries, *entries)}
    lock = merged(former, entries, sdists=used)
    if shop.config.locked or (not lock.entries and not former.entries):
        return lock
    path = written_lock(shop.config)
    new = not path.exists()
    write_lock(path, lock)
    if new:
        shop.say(f"the build requirements are locked in {path}")
    return lock


def _lock(shop: Workshop, requirements: Requirements) -> BuildOutcome:
    """Resolve for each interpreter what the lock lacks, and write it."""
    lock = current_lock(shop, requirements)
    total = BuildOutcome()
    for interpreter in shop.interpreters:
        pins, left_out = select(requirements, dict(interpreter.markers))
        prepared = [
            item for item in prepare.prepare(shop, pins, interpreter, lock) if not item.source.taken
        ]
        shop.notify(Event(stage="lock", state="total", count=len(prepared)))
        done = in_parallel(shop.workers, prepared, functools.partial(_lock_one, shop, lock))
        entries = [item.entry for item in done if item.entry is not None]
        lock = keep_entries(shop, lock, entries)
        failures = tuple(item.failure for item in done if item.failure is not None)
        total = joined(total, BuildOutcome(failures=failures), left_out)
    return total


def _lock_one(shop: Workshop, lock: BuildLock, prepared: Prepared) -> Done:
    try:
        entry = requires.entry_of(shop, prepared, lock)
    except (AsamanError, hooks.HookFailed) as error:
        shop.notify(Event(stage="lock", state="failed", name=str(prepared.source.pin)))
        return Done(failure=failure_of(shop, prepared, error))
    shop.notify(Event(stage="lock", state="done", name=str(prepared.source.pin)))
    return Done(entry=entry)
