"""Pins built with build requirements from source, as the bootstrap lock has them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.build_lock.bootstrap import BootstrapLock, Fixed, not_locked, pin_of, release_of
from amrasaman_nox.build_lock.requirements import check_whole
from amrasaman_nox.errors import AsamanError, ExitCode, all_of
from amrasaman_nox.model import (
    Bootstrap,
    BuildFailure,
    BuildLock,
    BuildOutcome,
    LockedFile,
    Pin,
    Prepared,
)
from amrasaman_nox.runs.crates import completed
from amrasaman_nox.runs.pins import build_pins
from amrasaman_nox.runs.publish import publish
from amrasaman_nox.runs.stages import Stages, Tool, staged, with_wheels
from amrasaman_nox.sources import prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from amrasaman_nox.build_lock.bootstrap import Release
    from amrasaman_nox.model import Interpreter, LockEntry, Requirements
    from amrasaman_nox.record_files import RecordFolder
    from amrasaman_nox.runs.run import Run


#: Below the output folder: build requirements that were built from source.
KEPT: Final = "build"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """The build requirements of a lock that are built, and those that are trusted as published."""

    tools: tuple[Tool, ...] = ()
    seeds: tuple[LockedFile, ...] = ()
    failures: tuple[BuildFailure, ...] = ()


def build_from_source(
    run: Run,
    pins: list[Pin],
    interpreter: Interpreter,
    lock: BootstrapLock,
    present: RecordFolder,
) -> tuple[BuildOutcome, BootstrapLock]:
    """Build what *lock* has for *pins*, stage by stage, then the pins; nothing is resolved.

    Wheels that differ from the lock's are failures, where they can be expected to be the same.
    """
    entries = entries_of(lock, pins, interpreter, run.config.only_binary)
    found = tools_of(run, entries, lock, interpreter, pins)
    if found.failures:
        return BuildOutcome(failures=found.failures), lock
    done = staged(run, found.tools, run.config.stages)
    told = bootstrap_of(done, found, interpreter)
    failures, notes = held_against(lock, fixed_of(done, found.tools), locked=run.config.locked)
    failures = done.failures or failures or unrepeated(done)
    if failures:
        return BuildOutcome(failures=failures, bootstraps=(told,), notes=notes), lock
    outcome = build_with(run, pins, interpreter, entries, done, present)
    told = dataclasses.replace(told, pins=len(outcome.records))
    return dataclasses.replace(outcome, bootstraps=(told,), notes=(*notes, *outcome.notes)), lock


def names_of(requirements: Requirements, lock: BootstrapLock) -> frozenset[str]:
    """Return the names of all projects that are pinned, or that *lock* has."""
    pinned = (pin.name for pin in requirements.pins)
    return frozenset((*pinned, *(entry.name for entry in lock.sources.entries)))


def entries_of(
    lock: BootstrapLock,
    pins: Sequence[Pin],
    interpreter: Interpreter,
    only_binary: Sequence[str],
) -> list[LockEntry]:
    """Return the entries of *pins* in *lock*, but for those whose published wheel is taken.

    :raises AsamanError: the lock lacks one; all that it lacks are named (exit 2)
    """
    entries, lacking = [], []
    for pin in pins:
        if pin.name in only_binary:
            continue
        found = (lock.sources.find(digest, interpreter.key) for digest in pin.digests)
        entry = next((each for each in found if each is not None), None)
        if entry is not None:
            entries.append(entry)
        elif pin.fault is None:
            lacking.append(not_locked(pin, interpreter.key))
    if lacking:
        raise all_of(lacking)
    return entries


def tools_of(
    run: Run,
    entries: Iterable[LockEntry],
    lock: BootstrapLock,
    interpreter: Interpreter,
    pins: Sequence[Pin],
) -> Tools:
    """Return what *entries* need to be built, and what that needs, fetched and read.

    :raises AsamanError: the lock lacks a build requirement (exit 2)
    """
    needed, seeds = lock.needed_by(entries, interpreter.key)
    return _prepared(run, needed, seeds, interpreter, pins)


def _prepared(
    run: Run,
    needed: Sequence[LockEntry],
    seeds: tuple[LockedFile, ...],
    interpreter: Interpreter,
    pins: Sequence[Pin],
) -> Tools:
    # A build requirement that is pinned itself can be a local archive.
    pinned = {digest: pin for pin in pins for digest in pin.digests}
    wanted = [pinned.get(entry.sdist, pin_of(entry)) for entry in needed]
    found = prepare.prepare(run.site, wanted, interpreter, BuildLock(entries=tuple(needed)))
    failures = [each for each in found if isinstance(each, BuildFailure)]
    tools = []
    for entry, each in zip(needed, found, strict=True):
        if not isinstance(each, Prepared):
            continue
        check_whole(entry, each)
        try:
            tools.append(Tool(prepared=completed(run, each, entry), entry=entry))
        except AsamanError as error:
            failures.append(BuildFailure.of_error(each.source.pin, "source", error))
    return Tools(tools=tuple(tools), seeds=seeds, failures=tuple(failures))


def build_with(
    run: Run,
    pins: list[Pin],
    interpreter: Interpreter,
    entries: Iterable[LockEntry],
    done: Stages,
    present: RecordFolder,
) -> BuildOutcome:
    """Build *pins* with the wheels of the last stage in the place of published ones."""
    if run.config.keep_build_requirements:
        _keep(run, done)
    wheels = done.wheels
    lock = BuildLock(entries=tuple(with_wheels(entry, wheels) for entry in entries))
    # The build lock of published wheels is another file, and stays as it is.
    config = dataclasses.replace(run.config, relock=False, relock_packages=(), locked=True)
    return build_pins(dataclasses.replace(run, config=config), pins, interpreter, lock, present)[0]


def _keep(run: Run, done: Stages) -> None:
    """Copy the wheels of the last stage and their records to a folder of their own."""
    for record in done.records.values():
        publish(
            record,
            run.config.output / KEPT,
            run.site.store,
            force=run.config.force,
            trusted=run.config.trust_owner,
        )


def bootstrap_of(done: Stages, tools: Tools, interpreter: Interpreter) -> Bootstrap:
    """Return what a report tells of stages."""
    return Bootstrap(
        interpreter=interpreter,
        stages=done.stages,
        seeds=tools.seeds,
        compiler=_compiler(done),
    )


def _compiler(done: Stages) -> str:
    tools = (tool for record in done.records.values() for tool in record.tools)
    return next((tool.version for tool in tools if tool.name == "cc"), "")


def fixed_of(done: Stages, tools: Sequence[Tool]) -> tuple[Fixed, ...]:
    """Return the wheels of the last stage as the lock keeps them."""
    found = []
    for tool in tools:
        record = done.records.get(tool.release)
        if record is None:
            continue
        wheel = LockedFile(filename=record.wheel.filename, digest=record.wheel.digest)
        key = tool.prepared.interpreter
        fixed = Fixed(sdist=tool.entry.sdist, interpreter=key.key, wheel=wheel)
        if not fixed.pure:
            fixed = dataclasses.replace(fixed, python=key.version, compiler=_compiler(done))
        found.append(fixed)
    return tuple(found)


def held_against(
    lock: BootstrapLock, fixed: Iterable[Fixed], *, locked: bool
) -> tuple[tuple[BuildFailure, ...], tuple[str, ...]]:
    """Return which wheels differ from those of *lock*: as failures, and as notes.

    A pure wheel is the same anywhere, a compiled one under the same interpreter and compiler;
    elsewhere it is an error only if everything must be as in the lock.
    """
    failures, notes = [], []
    for one in fixed:
        former = lock.wheel_of(one.sdist, one.interpreter)
        if former is None or former.wheel == one.wheel:
            continue
        binding = one.pure or (one.python, one.compiler) == (former.python, former.compiler)
        if binding or locked:
            failures.append(_unlike(one, former))
        else:
            notes.append(
                f"{one.wheel.filename} differs from the bootstrap lock's, which was built by "
                f"Python {former.python}, {former.compiler or 'no compiler'}"
            )
    return tuple(failures), tuple(notes)


def _unlike(one: Fixed, former: Fixed) -> BuildFailure:
    name, version = release_of(one.wheel)
    return BuildFailure.of(
        Pin(name=name, version=version),
        stage="bootstrap",
        reason=f"built from source it is {one.wheel.filename} with {one.wheel.digest}, and the "
        f"bootstrap lock has {former.wheel.filename} with {former.wheel.digest}",
        hint="see why with: asaman bootstrap --relock",
        code=ExitCode.DIFFERENT,
    )


def unrepeated(done: Stages) -> tuple[BuildFailure, ...]:
    """Return a failure for each wheel of the last stage that is unlike that of the one before."""
    if done.fixed:
        return ()
    return tuple(
        BuildFailure.of(
            Pin(name=release[0], version=release[1]),
            stage="bootstrap",
            reason=f"stage {done.stages[-1].number} differs from the stage before",
            hint="allow more stages with --stages N",
            code=ExitCode.DIFFERENT,
        )
        for release in differing(done)
    )


def differing(done: Stages) -> list[Release]:
    """Return what the last stage built unlike the one before."""
    return [
        release
        for release, record in done.records.items()
        if release not in done.former or done.former[release].wheel.digest != record.wheel.digest
    ]
