"""The main job: pins in, wheels with records and a build lock out."""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from amrasaman_nox import files, records
from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.build_lock.file import merged, read_lock, write_lock
from amrasaman_nox.builds import builder, hooks, shard
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs import readers
from amrasaman_nox.inputs.requirements import select
from amrasaman_nox.model import (
    BuildFailure,
    BuildLock,
    BuildOutcome,
    BuildRecord,
    Event,
    IndexOptions,
    Report,
    Source,
)
from amrasaman_nox.runs import executors, project, schedule, taken, workshop
from amrasaman_nox.runs.publish import digest_of, publish, publish_source
from amrasaman_nox.sources import access, prepare

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildJob, Interpreter, LockEntry, Pin, Requirements
    from amrasaman_nox.runs.workshop import Notify, Workshop
    from amrasaman_nox.sources.prepare import Prepared


def build_wheels(config: Config, *, notify: Notify) -> Report:
    """Build what is pinned into the output folder, with a record each and a build lock.

    :raises AsamanError: bad input (exit 2), isolation or an interpreter that is not to be had
        (exit 4), or a fault of the disk or the network (exit 5). A build that fails is no error:
        the report has it.
    """
    return _run(config, notify, "reproducible_wheels", _build)


def lock_build_requirements(config: Config, *, notify: Notify) -> Report:
    """Resolve what the build lock lacks, all of it with ``relock``, and write the lock only.

    :raises AsamanError: as :func:`build_wheels`
    """
    return _run(config, notify, "lock_build_requirements", _lock)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Done:
    """What became of one source."""

    entry: LockEntry | None = None
    record: BuildRecord | None = None
    failure: BuildFailure | None = None
    kept: bool = False
    note: str = ""


def _run(
    config: Config,
    notify: Notify,
    command: str,
    act: Callable[[Workshop, Requirements], BuildOutcome],
) -> Report:
    requirements = readers.read_input(config)
    folder = readers.project_of(config) if requirements is None else Path()
    with workshop.opened(config, notify) as shop:
        if requirements is None:
            requirements = readers.read_project(shop, folder)
        shop = dataclasses.replace(shop, index=with_file_options(shop.index, requirements.index))
        requirements = shard.part(requirements, config.shard)
        for note in requirements.notes:
            shop.say(note)
        outcome = act(shop, requirements)
    return Report(
        command=command,
        build=outcome,
        isolation=shop.isolation.rung,
        output=str(config.output),
        notes=shop.isolation.reasons,
    )


def with_file_options(index: IndexOptions, file: IndexOptions) -> IndexOptions:
    """Return the user's index options with those that stand in the requirements file.

    The user's own index wins over the file's; further indexes and links are added.

    :raises AsamanError: one of them is reached by plain HTTP, or is no URL (exit 2)
    """
    whole = dataclasses.replace(
        index,
        index_url=index.index_url or file.index_url,
        extra_index_urls=(*index.extra_index_urls, *file.extra_index_urls),
        find_links=(*index.find_links, *file.find_links),
        no_index=index.no_index or file.no_index,
    )
    access.check_index(whole)
    return whole


def _build(shop: Workshop, requirements: Requirements) -> BuildOutcome:
    """Build for each interpreter in turn; a pure wheel of one serves the others."""
    lock = _current_lock(shop, requirements)
    total = BuildOutcome()
    pure: set[Pin] = set()
    for interpreter in shop.interpreters:
        applying, left_out = select(requirements, dict(interpreter.markers))
        pins = [pin for pin in applying if pin not in pure]
        outcome, lock = _build_for(shop, pins, interpreter, lock)
        total = _joined(total, outcome, left_out)
        by_name = {(pin.name, pin.version): pin for pin in pins}
        pure |= {
            by_name[record.name, record.version]
            for record in outcome.records
            if record.wheel.filename.endswith("-none-any.whl")
        }
    applied = {(record.name, record.version) for record in total.records}
    left_out = tuple(
        (pin, why) for pin, why in total.left_out if (pin.name, pin.version) not in applied
    )
    return dataclasses.replace(total, left_out=left_out)


def _joined(
    total: BuildOutcome, outcome: BuildOutcome, left_out: tuple[tuple[Pin, str], ...]
) -> BuildOutcome:
    return BuildOutcome(
        records=(*total.records, *outcome.records),
        failures=(*total.failures, *outcome.failures),
        kept=total.kept | outcome.kept,
        left_out=(*total.left_out, *left_out),
        notes=(*total.notes, *outcome.notes),
    )


def _build_for(
    shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> tuple[BuildOutcome, BuildLock]:
    kept = {} if shop.config.rebuild else _present(shop, pins, interpreter, lock)
    shop.notify(Event(stage="build", state="total", count=len(pins)))
    for pin in kept:
        shop.notify(Event(stage="build", state="kept", name=str(pin)))
    prepared, done = _build_all(shop, [pin for pin in pins if pin not in kept], interpreter, lock)
    schedule.remember(done_records([item for item in done if not item.kept]), shop.store)
    entries = [item.entry for item in done if item.entry is not None]
    lock = _write_lock(shop, lock, entries)
    built = {item.source.pin: result for item, result in zip(prepared, done, strict=True)}
    results = [_Done(record=kept[pin], kept=True) if pin in kept else built[pin] for pin in pins]
    if shop.config.keep_sources:
        for record in done_records(results):
            publish_source(record.source, shop.config.output, shop.store)
    return BuildOutcome(
        records=done_records(results),
        failures=tuple(item.failure for item in results if item.failure is not None),
        kept=frozenset(item.record.key for item in results if item.kept and item.record),
        notes=tuple(item.note for item in results if item.note),
    ), lock


def _build_all(
    shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> tuple[tuple[Prepared, ...], list[_Done]]:
    """Fetch and check all *pins*, then build them; meanwhile the index is asked what they need."""
    with requires.Lookups(shop, lock) as lookups:
        prepared = prepare.prepare(shop, pins, interpreter, lock, each=lookups.add)
        lookups.builds_begin()
        weights = schedule.estimates(prepared, shop.store)
        build = functools.partial(_one, shop, known=lookups.of)
        return prepared, in_parallel(shop, prepared, build, weights)


def done_records(done: Sequence[_Done]) -> tuple[BuildRecord, ...]:
    """Return the records among *done*, in order."""
    return tuple(item.record for item in done if item.record is not None)


def _present(
    shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> dict[Pin, BuildRecord]:
    """Return the wheels in the output folder that this very run would build, verified."""
    vouched: dict[tuple[str, str], list[tuple[BuildRecord, Path]]] = defaultdict(list)
    for record, path in records.vouched_wheels(shop.config.output):
        vouched[record.name, record.version].append((record, path))
    found = {}
    for pin in pins:
        for record, path in vouched[pin.name, pin.version]:
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


def _one(shop: Workshop, prepared: Prepared, known: Callable[[Prepared], Known]) -> _Done:
    """Lock, build and publish one source; whatever fails becomes a value."""
    pin = prepared.source.pin
    shop.notify(Event(stage="build", state="start", name=str(pin)))
    entry = None
    result: BuildRecord | BuildFailure
    try:
        if prepared.source.taken:
            record, kept = taken.take(shop, prepared.source), False
        else:
            early = _Early(shop, prepared)
            entry = requires.finished(shop, prepared, known(prepared), early)
            if early.result is not None:
                result, kept = early.result, False
            else:
                result, kept = built(shop, prepared.source, prepared.interpreter, entry)
            if isinstance(result, BuildFailure):
                shop.notify(Event(stage="build", state="failed", name=str(pin)))
                return _Done(entry=entry, failure=result)
            record = result
        note = publish(record, shop.config.output, shop.store, force=shop.config.force)
    except (AsamanError, hooks.HookFailed) as error:
        shop.notify(Event(stage="build", state="failed", name=str(pin)))
        return _Done(entry=entry, failure=failure_of(shop, prepared, error))
    shop.notify(Event(stage="build", state="kept" if kept else "done", name=str(pin)))
    return _Done(entry=entry, record=record, kept=kept, note=note)


@dataclasses.dataclass(slots=True)
class _Early:
    """Asks a backend what it requires, and has the wheel built at once if that is nothing more.

    ``result`` is set if that went well; else the wheel is built on its own.

    Elsewhere than on this machine, on the rung ``none`` (where a hook leaves the source changed),
    and where the store has the wheel, it only asks.
    """

    shop: Workshop
    prepared: Prepared
    result: BuildRecord | None = None

    def __call__(self, entry: LockEntry) -> tuple[str, ...]:
        shop, prepared = self.shop, self.prepared
        job = shop.job(prepared.source, prepared.interpreter, entry.files)
        if shop.workers.cluster is not None or not shop.isolation.constant_paths:
            return requires.dynamic_of(shop, prepared, entry)
        with _locked(shop, job):
            if not shop.config.rebuild and _stored(shop, job.key, prepared.source) is not None:
                return requires.dynamic_of(shop, prepared, entry)
            asked, self.result = builder.ask_and_build(
                job, entry.static, store=shop.store, isolation=shop.isolation, notify=shop.say
            )
            _remember(shop, job, self.result)
        return asked


def failure_of(
    shop: Workshop, prepared: Prepared, error: AsamanError | hooks.HookFailed
) -> BuildFailure:
    """Return *error* as the failure of a source."""
    job = shop.job(prepared.source, prepared.interpreter, ())
    if isinstance(error, hooks.HookFailed):
        return builder.failure_of(job, error)
    return builder.failed(job, "lock", error)


def built(
    shop: Workshop, source: Source, interpreter: Interpreter, entry: LockEntry
) -> tuple[BuildRecord | BuildFailure, bool]:
    """Return the record of a build, and whether it was kept from an earlier one.

    Of several runs at once, one builds and the others take its result.
    """
    job = shop.job(source, interpreter, entry.files)
    with _locked(shop, job):
        if not shop.config.rebuild:
            former = _stored(shop, job.key, source)
            if former is not None:
                return former, True
        result = executors.build(shop, job)
        _remember(shop, job, result)
        return result, False


def _locked(shop: Workshop, job: BuildJob) -> AbstractContextManager[None]:
    patience = shop.config.timeout or 1e9
    return shop.store.lock(f"build-{job.key}", timeout=patience, notify=shop.say)


def _remember(shop: Workshop, job: BuildJob, result: BuildRecord | BuildFailure | None) -> None:
    if isinstance(result, BuildRecord):
        shop.store.put_value("records", job.key, records.render(result).encode())


def _stored(shop: Workshop, key: str, source: Source) -> BuildRecord | None:
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


def in_parallel(
    shop: Workshop,
    items: Sequence[T],
    act: Callable[[T], R],
    weights: Sequence[float] = (),
) -> list[R]:
    """Return *act* of each item, in their order, some at a time; a failure must be a value.

    When the run is interrupted, all sandboxes end before this returns.

    :param weights: how long each takes, in seconds; what takes long starts early
    """
    return schedule.run(
        items,
        act,
        jobs=shop.workers.width,
        weights=weights,
        room=shop.workers.room,
        stop=shop.workers.stop,
    )


def _current_lock(shop: Workshop, requirements: Requirements) -> BuildLock:
    """Return the build lock without the entries of sdists that no pin names any more."""
    path = readers.lock_of(shop.config)
    for folder in (path.parent, shop.config.output):
        files.sweep_beside(folder)
    lock = read_lock(path)
    if shop.config.shard is not None:
        # A part may be empty, and asaman merge wants a folder of each.
        shop.config.output.mkdir(parents=True, exist_ok=True)
        own = read_lock(readers.written_lock(shop.config))
        lock = merged(
            lock, own.entries, sdists={entry.sdist for entry in (*lock.entries, *own.entries)}
        )
    used = {digest for pin in requirements.pins for digest in pin.digests}
    if requirements.kind == "project":
        used.add(project.tree_digest(Path(requirements.path)))
    return merged(lock, (), sdists=used)


def _write_lock(
    shop: Workshop,
    former: BuildLock,
    entries: Sequence[LockEntry],
) -> BuildLock:
    used = {entry.sdist for entry in (*former.entries, *entries)}
    lock = merged(former, entries, sdists=used)
    if shop.config.locked or (not lock.entries and not former.entries):
        return lock
    path = readers.written_lock(shop.config)
    new = not path.exists()
    write_lock(path, lock)
    if new:
        shop.say(f"the build requirements are locked in {path}")
    return lock


def _lock(shop: Workshop, requirements: Requirements) -> BuildOutcome:
    """Resolve for each interpreter what the lock lacks, and write it."""
    lock = _current_lock(shop, requirements)
    total = BuildOutcome()
    for interpreter in shop.interpreters:
        pins, left_out = select(requirements, dict(interpreter.markers))
        prepared = [
            item for item in prepare.prepare(shop, pins, interpreter, lock) if not item.source.taken
        ]
        shop.notify(Event(stage="lock", state="total", count=len(prepared)))
        done = in_parallel(shop, prepared, functools.partial(_lock_one, shop, lock))
        entries = [item.entry for item in done if item.entry is not None]
        lock = _write_lock(shop, lock, entries)
        failures = tuple(item.failure for item in done if item.failure is not None)
        total = _joined(total, BuildOutcome(failures=failures), left_out)
    return total


def _lock_one(shop: Workshop, lock: BuildLock, prepared: Prepared) -> _Done:
    try:
        entry = requires.entry_of(shop, prepared, lock)
    except (AsamanError, hooks.HookFailed) as error:
        shop.notify(Event(stage="lock", state="failed", name=str(prepared.source.pin)))
        return _Done(failure=failure_of(shop, prepared, error))
    shop.notify(Event(stage="lock", state="done", name=str(prepared.source.pin)))
    return _Done(entry=entry)
