"""The pins of one interpreter: fetched, built and published, each to a wheel with its record."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from amrasaman_nox.agreement.publishers import check_library
from amrasaman_nox.build_lock.dates import is_before_interpreter
from amrasaman_nox.builds import builder, hooks
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import (
    BuildFailure,
    BuildLock,
    BuildOutcome,
    BuildRecord,
    Event,
    Prepared,
)
from amrasaman_nox.record_files import RecordFolder, read_folder
from amrasaman_nox.runs import as_published, published_by, pythons
from amrasaman_nox.runs.asked import whole_entry
from amrasaman_nox.runs.durations import estimator, remember
from amrasaman_nox.runs.lock import (
    check_asked,
    check_lock,
    check_output,
    keep_entries,
    known_in,
)
from amrasaman_nox.runs.lookups import Lookups
from amrasaman_nox.runs.outcome import Done, done_records, joined
from amrasaman_nox.runs.publish import publish, publish_source
from amrasaman_nox.runs.reuse import built, present_wheels
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sources import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.model import Interpreter, LockEntry, Pin, Requirements
    from amrasaman_nox.runs.run import Run
Lock = TypeVar("Lock")
#: Builds pins for an interpreter by what a lock says, beside the wheels that are there.
BuildFor = Callable[
    ["Run", list["Pin"], "Interpreter", Lock, RecordFolder], tuple[BuildOutcome, Lock]
]


def for_each_interpreter(
    run: Run, requirements: Requirements, lock: Lock, build: BuildFor[Lock]
) -> BuildOutcome:
    """Build for each interpreter in turn; a pure wheel of one serves the others.

    A project with an interpreter of its own is built once, by that one.

    :param lock: what *build* is given first; later on it is given what it returned
    """
    present = RecordFolder() if run.config.rebuild else read_folder(run.config.output)
    total = BuildOutcome(notes=present.notes)
    done: set[Pin] = set()
    for interpreter in run.interpreters:
        applying, left_out = select(requirements, dict(interpreter.markers))
        pins = [pin for pin in applying if pin not in done]
        total = joined(total, BuildOutcome(), left_out)
        for python, own in run.by_interpreter(pins, interpreter).items():
            outcome, lock = build(run, own, python, lock, present)
            if python is not interpreter:
                done |= set(own)
                outcome = pythons.with_notes(outcome, interpreter)
            total = joined(total, outcome, ())
            by_name = {pin.name: pin for pin in own}
            done |= {
                by_name[record.name]
                for record in outcome.records
                if record.wheel.filename.endswith("-none-any.whl")
            }
    left_out = tuple(
        (pin, why)
        for pin, why in total.left_out
        if not any(pin.is_of(record.name, record.version) for record in total.records)
    )
    return dataclasses.replace(total, left_out=left_out)


def build_pins(
    run: Run, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock, present: RecordFolder
) -> tuple[BuildOutcome, BuildLock]:
    """Build *pins* into the output folder, and return what became of them, and the lock then.

    :param lock: what is known of their build requirements
    :param present: the wheels that are in the output folder
    """
    if run.config.attestations:
        check_library()
    check_asked(run, lock, pins, interpreter)
    kept = present_wheels(run, pins, interpreter, lock, present)
    run.site.notify(Event(stage="build", state="total", count=len(pins)))
    for pin, record in kept.items():
        run.site.notify(Event(stage="build", state="kept", name=str(pin), results=(record,)))
    left = [pin for pin in pins if pin not in kept]
    done = _build_all(run, left, interpreter, lock)
    remember(done_records([item for item in done if not item.kept]), run.site.store)
    entries = [item.entry for item in done if item.entry is not None]
    lock = keep_entries(run, lock, entries)
    built = dict(zip(left, done, strict=True))
    results = [Done(record=kept[pin], kept=True) if pin in kept else built[pin] for pin in pins]
    if run.config.keep_sources:
        for record in done_records(results):
            publish_source(record.source, run.config.output, run.site.store)
    whole = done_records(results)
    return BuildOutcome(
        records=whole,
        failures=tuple(item.failure for item in results if item.failure is not None),
        kept=frozenset(item.record.key for item in results if item.kept and item.record),
        notes=(
            *(item.note for item in results if item.note),
            *published_by.notes(whole, asked=run.config.attestations),
        ),
    ), lock


def _build_all(
    run: Run, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> list[Done]:
    """Fetch and check all *pins*, then build them; meanwhile the index is asked what they need."""
    estimate = estimator(run.site.store)
    lookups = Lookups(
        known_in(run, lock),
        functools.partial(_environment, run) if run.workers.here else None,
        stop=run.workers.stop,
        estimate=estimate,
    )
    with lookups:
        found = prepare.prepare(
            run.site,
            pins,
            interpreter,
            run.known(lock),
            only_binary=frozenset(run.config.only_binary),
            each=lookups.add,
        )
        lookups.builds_begin()
        prepared = [item for item in found if isinstance(item, Prepared)]
        check_lock(run, lock, prepared)
        if prepared:
            check_output(run.config.output)
        # Told of already: there is nothing to be built of the others.
        missing = len(found) - len(prepared)
        run.site.notify(Event(stage="build", state="total", count=-missing))
        build = functools.partial(_one, run, known=lookups.of)
        done = iter(in_parallel(run.workers, prepared, build, list(map(estimate, prepared))))
    return [Done(failure=item) if isinstance(item, BuildFailure) else next(done) for item in found]


def _environment(run: Run, prepared: Prepared, entry: LockEntry) -> None:
    """Make the build environment of a source before its build asks for it."""
    builder.environment_of(
        run.job(prepared.source, prepared.interpreter, entry.files),
        store=run.site.store,
        isolation=run.isolation,
        backend=builder.backend_in(prepared.system),
    )


def _one(run: Run, prepared: Prepared, known: Callable[[Prepared], Known]) -> Done:
    """Lock, build and publish one source, and report it; whatever fails becomes a value."""
    name = str(prepared.source.pin)
    run.site.notify(Event(stage="build", state="start", name=name))
    done = _done(run, prepared, known)
    state = "failed" if done.failure is not None else "kept" if done.kept else "done"
    results = tuple(one for one in (done.record, done.failure) if one is not None)
    run.site.notify(Event(stage="build", state=state, name=name, results=results))
    return done


def _done(run: Run, prepared: Prepared, known: Callable[[Prepared], Known]) -> Done:
    entry, stage, kept = None, "source", False
    result: BuildRecord | BuildFailure
    try:
        attested = published_by.publisher(run, prepared) if run.config.attestations else None
        stage = "lock"
        if prepared.source.as_published:
            result = as_published.record_of(prepared.source, run.site.store)
        else:
            entry, asked = whole_entry(run, prepared, known(prepared))
            source, stage = entry.completing(prepared.source), "build"
            job = run.job(source, prepared.interpreter, entry.files)
            result, kept = (asked.record, False) if asked.record is not None else built(run, job)
        if isinstance(result, BuildFailure):
            return Done(entry=entry, failure=_with_renewal(result, prepared, entry))
        if entry is not None:
            result = dataclasses.replace(result, as_of=entry.as_of)
        if run.config.attestations:
            result = published_by.with_publisher(run, result, attested)
        stage = "publish"
        note = publish(
            result,
            run.config.output,
            run.site.store,
            force=run.config.force,
            trusted=run.config.trust_owner,
        )
    except (AsamanError, hooks.HookFailed) as error:
        failure = failure_of(prepared.source, stage, error)
        return Done(entry=entry, failure=_with_renewal(failure, prepared, entry))
    return Done(entry=entry, record=result, kept=kept, note=note)


def _with_renewal(
    failure: BuildFailure, prepared: Prepared, entry: LockEntry | None
) -> BuildFailure:
    """Return *failure*, with the hint to renew an *entry* that is older than the interpreter."""
    python = dict(prepared.interpreter.markers)["python_version"]
    if entry is None or failure.stage == "publish" or not is_before_interpreter(entry, python):
        return failure
    hint = (
        f"its build requirements are locked as of a date before Python {python}: resolve them "
        f"again: --relock {failure.name}"
    )
    return dataclasses.replace(failure, hint=hint)
