"""The main job: pins in, wheels with records and a build lock out."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, TypeVar

from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.builds import builder, hooks
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import (
    BuildFailure,
    BuildLock,
    BuildOutcome,
    BuildRecord,
    Event,
    Report,
    is_release,
)
from amrasaman_nox.runs import taken
from amrasaman_nox.runs.durations import estimates, remember
from amrasaman_nox.runs.lock import current_lock, keep_entries
from amrasaman_nox.runs.lookups import Lookups
from amrasaman_nox.runs.outcome import Done, done_records, failure_of, joined
from amrasaman_nox.runs.publish import publish, publish_source
from amrasaman_nox.runs.reuse import building, built, present_wheels, remember_record, stored_record
from amrasaman_nox.runs.run import run_command
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sources import prepare

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Interpreter, LockEntry, Pin, Prepared, Requirements
    from amrasaman_nox.runs.workshop import Notify, Workshop


def build_wheels(config: Config, *, notify: Notify) -> Report:
    """Build what is pinned into the output folder, with a record each and a build lock.

    :raises AsamanError: bad input (exit 2), isolation or an interpreter that is not to be had
        (exit 4), or a fault of the disk or the network (exit 5). A build that fails is no error:
        the report has it.
    """
    return run_command(config, notify, "reproducible_wheels", _build)


def _build(shop: Workshop, requirements: Requirements) -> BuildOutcome:
    """Build for each interpreter in turn; a pure wheel of one serves the others."""
    lock = current_lock(shop, requirements)
    total = BuildOutcome()
    pure: set[Pin] = set()
    for interpreter in shop.interpreters:
        applying, left_out = select(requirements, dict(interpreter.markers))
        pins = [pin for pin in applying if pin not in pure]
        outcome, lock = _build_for(shop, pins, interpreter, lock)
        total = joined(total, outcome, left_out)
        by_name = {pin.name: pin for pin in pins}
        pure |= {
            by_name[record.name]
            for record in outcome.records
            if record.wheel.filename.endswith("-none-any.whl")
        }
    left_out = tuple(
        (pin, why)
        for pin, why in total.left_out
        if not any(_is_of(pin, record) for record in total.records)
    )
    return dataclasses.replace(total, left_out=left_out)


def _is_of(pin: Pin, record: BuildRecord) -> bool:
    return pin.name == record.name and is_release(pin.version, record.version)


def _build_for(
    shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> tuple[BuildOutcome, BuildLock]:
    kept = {} if shop.config.rebuild else present_wheels(shop, pins, interpreter, lock)
    shop.notify(Event(stage="build", state="total", count=len(pins)))
    for pin in kept:
        shop.notify(Event(stage="build", state="kept", name=str(pin)))
    left = [pin for pin in pins if pin not in kept]
    done = _build_all(shop, left, interpreter, lock)
    remember(done_records([item for item in done if not item.kept]), shop.store)
    entries = [item.entry for item in done if item.entry is not None]
    lock = keep_entries(shop, lock, entries)
    built = dict(zip(left, done, strict=True))
    results = [Done(record=kept[pin], kept=True) if pin in kept else built[pin] for pin in pins]
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
) -> list[Done]:
    """Fetch and check all *pins*, then build them; meanwhile the index is asked what they need."""
    with Lookups(shop, lock) as lookups:
        prepared = prepare.prepare(shop, pins, interpreter, lock, each=lookups.add)
        lookups.builds_begin()
        weights = estimates(prepared, shop.store)
        build = functools.partial(_one, shop, known=lookups.of)
        return in_parallel(shop.workers, prepared, build, weights)


def _one(shop: Workshop, prepared: Prepared, known: Callable[[Prepared], Known]) -> Done:
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
                return Done(entry=entry, failure=result)
            record = result
        note = publish(record, shop.config.output, shop.store, force=shop.config.force)
    except (AsamanError, hooks.HookFailed) as error:
        shop.notify(Event(stage="build", state="failed", name=str(pin)))
        return Done(entry=entry, failure=failure_of(shop, prepared, error))
    shop.notify(Event(stage="build", state="kept" if kept else "done", name=str(pin)))
    return Done(entry=entry, record=record, kept=kept, note=note)


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
        with building(shop, job):
            if (
                not shop.config.rebuild
                and stored_record(shop, job.key, prepared.source) is not None
            ):
                return requires.dynamic_of(shop, prepared, entry)
            asked, self.result = builder.ask_and_build(
                job, entry.static, store=shop.store, isolation=shop.isolation, notify=shop.say
            )
            remember_record(shop, job, self.result)
        return asked
