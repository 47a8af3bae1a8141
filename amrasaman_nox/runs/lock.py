"""The build lock of a run: read, completed and written."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from amrasaman_nox import files
from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.build_lock.dates import is_as_of
from amrasaman_nox.build_lock.file import (
    check_writable,
    lock_of,
    merged,
    read_lock,
    write_lock,
    written_lock,
)
from amrasaman_nox.builds import builder, hooks
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.errors import AsamanError, all_of
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import BuildLock, BuildOutcome, Event, Prepared, Report, utc
from amrasaman_nox.runs import project
from amrasaman_nox.runs.crates import with_crates
from amrasaman_nox.runs.lock_check import outdated
from amrasaman_nox.runs.outcome import Done, joined
from amrasaman_nox.runs.run import run_command
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sources import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import (
        BuildFailure,
        Interpreter,
        LockEntry,
        Notify,
        Pin,
        Requirements,
    )
    from amrasaman_nox.runs.run import Run


def lock_build_requirements(config: Config, *, notify: Notify) -> Report:
    """Resolve what the build lock lacks, all of it with ``relock``, and write the lock only.

    With ``check`` nothing is resolved or written: the report has what the lock lacks.

    :raises AsamanError: as :func:`build_wheels`
    """
    if config.check:
        return Report(command="lock_build_requirements", findings=tuple(outdated(config)))
    return run_command(config, notify, "lock_build_requirements", _lock)


def current_lock(config: Config, requirements: Requirements) -> BuildLock:
    """Return the build lock without the entries of sdists that no pin names any more."""
    pinned = {pin.name for pin in requirements.pins}
    unknown = [name for name in config.relock_packages if name not in pinned]
    if unknown:
        raise AsamanError(f"--relock {unknown[0]}", f"{requirements.path} does not pin it")
    path = lock_of(config)
    for folder in (path.parent, config.output):
        files.sweep_beside(folder)
    lock = read_lock(path)
    if config.shard is not None:
        # A part may be empty, and asaman merge wants a folder of each.
        config.output.mkdir(parents=True, exist_ok=True)
        own = read_lock(written_lock(config))
        lock = merged(
            lock, own.entries, sdists={entry.sdist for entry in (*lock.entries, *own.entries)}
        )
    used = {digest for pin in requirements.pins for digest in pin.digests}
    if requirements.kind == "project":
        used |= {project.tree_digest(each) for each in project.folders_of(requirements)}
    return merged(lock, (), sdists=used)


def keep_entries(
    run: Run,
    former: BuildLock,
    entries: Sequence[LockEntry],
) -> BuildLock:
    """Return the lock *former* with *entries*, written to its file unless it is locked.

    :raises AsamanError: it cannot be written (exit 5)
    """
    used = {entry.sdist for entry in (*former.entries, *entries)}
    lock = merged(former, entries, sdists=used)
    if run.config.locked or (not lock.entries and not former.entries):
        return lock
    path = written_lock(run.config)
    new = not path.exists()
    write_lock(path, lock)
    if new:
        run.site.say(f"the build requirements are locked in {path}")
    return lock


def check_lock(run: Run, former: BuildLock, prepared: Sequence[Prepared]) -> None:
    """Check, before anything of *prepared* runs, that what *former* lacks of it can be written.

    :raises AsamanError: it cannot (exit 5)
    """
    known = run.known(former)
    if not run.config.locked and any(
        known.find(one.source.digest, one.interpreter.key) is None
        for one in prepared
        if not one.source.as_published
    ):
        check_writable(written_lock(run.config))


def check_output(folder: Path) -> None:
    """Check, before anything is built, that wheels can be put into *folder*.

    :raises AsamanError: they cannot (exit 5)
    """
    hint = "choose another folder with -o/--output DIRECTORY"
    files.check_writable(folder / "wheel", f"output folder {folder}", hint=hint)


def _lock(run: Run, requirements: Requirements) -> BuildOutcome:
    """Resolve for each interpreter what the lock lacks, and write it."""
    lock = current_lock(run.config, requirements)
    total = BuildOutcome()
    for interpreter in run.interpreters:
        pins, left_out = select(requirements, dict(interpreter.markers))
        total = joined(total, BuildOutcome(), left_out)
        for python, own in run.by_interpreter(pins, interpreter).items():
            failures, lock = _lock_pins(run, own, python, lock)
            total = joined(total, BuildOutcome(failures=failures), ())
    return total


def _lock_pins(
    run: Run, pins: Sequence[Pin], interpreter: Interpreter, lock: BuildLock
) -> tuple[tuple[BuildFailure, ...], BuildLock]:
    """Resolve what *lock* lacks for *pins*; return what failed, and the lock then."""
    check_asked(run, lock, pins, interpreter)
    found = prepare.prepare(
        run.site,
        pins,
        interpreter,
        run.known(lock),
        only_binary=frozenset(run.config.only_binary),
    )
    failures, prepared = prepare.parted(found)
    check_lock(run, lock, prepared)
    run.site.notify(Event(stage="lock", state="total", count=len(prepared)))
    done = in_parallel(
        run.workers, prepared, functools.partial(_lock_one, run, known_in(run, lock))
    )
    entries = [item.entry for item in done if item.entry is not None]
    failures += tuple(item.failure for item in done if item.failure is not None)
    return failures, keep_entries(run, lock, entries)


def known_in(run: Run, lock: BuildLock) -> Callable[[Prepared], Known]:
    """Return what looks up the build requirements of a source in *lock*, or resolves them."""

    def look(prepared: Prepared) -> Known:
        return requires.known_of(
            run.site,
            prepared,
            run.known(lock),
            locked=run.config.locked,
            as_of=run.config.as_of_project(prepared.source.name),
        )

    return look


def check_asked(run: Run, lock: BuildLock, pins: Sequence[Pin], interpreter: Interpreter) -> None:
    """Check that no date is asked for whose source *lock* has as of another one.

    :raises AsamanError: that is so (exit 2); all such pins are named
    """
    known, errors = run.known(lock), []
    for pin in pins:
        asked = run.config.as_of_project(pin.name)
        found = (known.find(digest, interpreter.key) for digest in pin.digests)
        entry = next((one for one in found if one is not None), None)
        if asked is not None and entry is not None and not is_as_of(entry, asked):
            errors.append(_other_date(pin, asked, entry))
    if errors:
        raise all_of(errors)


def _other_date(pin: Pin, asked: str, entry: LockEntry) -> AsamanError:
    date = utc(entry.as_of) if entry.as_of is not None else "no date"
    return AsamanError(
        str(pin),
        f"its build requirements are locked as of {date}, and --as-of asks for {asked}",
        hint=f"resolve them again: --relock {pin.name}",
        origin=pin.origin,
    )


def _lock_one(run: Run, look: Callable[[Prepared], Known], prepared: Prepared) -> Done:
    name = str(prepared.source.pin)
    try:
        known = with_crates(run, prepared, look(prepared))
        entry = known.entry
        if not known.whole:
            asked = builder.ask(
                run.job(entry.completing(prepared.source), prepared.interpreter, entry.files),
                store=run.site.store,
                isolation=run.isolation,
                notify=run.site.say,
            )
            entry = requires.completed(run.site, prepared, entry, asked)
    except (AsamanError, hooks.HookFailed) as error:
        run.site.notify(Event(stage="lock", state="failed", name=name))
        return Done(failure=failure_of(prepared.source, "lock", error))
    run.site.notify(Event(stage="lock", state="done", name=name))
    return Done(entry=entry)
