"""The bootstrap command: build requirements from source until they repeat, then the pins."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox import files
from amrasaman_nox.bootstrapping.differences import unrepeated
from amrasaman_nox.bootstrapping.diverse import built_diversely
from amrasaman_nox.build_lock.bootstrap import (
    BootstrapLock,
    bootstrap_lock_of,
    read_bootstrap_lock,
    with_interpreter,
    write_bootstrap_lock,
)
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildOutcome, Event, Report, Verdict
from amrasaman_nox.runs.closure import resolved
from amrasaman_nox.runs.outcome import with_settings
from amrasaman_nox.runs.pins import for_each_interpreter
from amrasaman_nox.runs.run import run_command
from amrasaman_nox.runs.sourced import (
    bootstrap_of,
    build_with,
    entries_of,
    fixed_of,
    held_against,
    names_of,
    tools_of,
)
from amrasaman_nox.runs.stages import staged
from amrasaman_nox.verification.draw import new_seed, repeated_by

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Interpreter, Notify, Pin, Requirements
    from amrasaman_nox.record_files import RecordFolder
    from amrasaman_nox.runs.run import Run


def bootstrap(config: Config, *, notify: Notify) -> Report:
    """Build the build requirements of the pins from source, to a fixed point, then the pins.

    Nothing is written unless the fixed point is reached, from both sets of published wheels where
    there are two: then the bootstrap lock, and the wheels of the pins with their records.

    :raises AsamanError: as :func:`build_wheels`
    """
    seed = config.seed or new_seed()
    report = run_command(dataclasses.replace(config, seed=seed), notify, "bootstrap", _bootstrap)
    report = dataclasses.replace(report, allowed=Verdict.IDENTICAL)
    found = tuple(one for each in report.build.bootstraps for one in each.compared)
    if not found:
        return report
    # Only what differs is built again, under variations.
    notify(Event(stage="note", state="note", note=repeated_by(seed)))
    return dataclasses.replace(report, comparisons=found, seed=seed)


def _bootstrap(run: Run, requirements: Requirements) -> BuildOutcome:
    if run.config.as_of_packages or run.config.relock_packages:
        raise AsamanError(
            "bootstrap",
            "the whole tree is resolved together, as of one date",
            hint="name no project: --as-of DATE, --relock",
        )
    path = bootstrap_lock_of(run.config)
    for folder in (path.parent, run.config.output):
        files.sweep_beside(folder)
    lock = BootstrapLock() if run.config.relock else read_bootstrap_lock(path)
    outcome = for_each_interpreter(run, requirements, lock, _for_one)
    return with_settings(outcome, run.config, names_of(requirements, read_bootstrap_lock(path)))


def _for_one(
    run: Run,
    pins: list[Pin],
    interpreter: Interpreter,
    former: BootstrapLock,
    present: RecordFolder,
) -> tuple[BuildOutcome, BootstrapLock]:
    """Resolve, build in stages, write the lock, and build the pins of one interpreter."""
    closure = resolved(run, pins, interpreter, former)
    if closure.failures:
        return BuildOutcome(failures=closure.failures), former
    lock = with_interpreter(former, interpreter.key, closure.entries, (), closure.seeds)
    entries = entries_of(lock, pins, interpreter, run.config.only_binary)
    found = tools_of(run, entries, lock, interpreter, pins)
    done = staged(run, found.tools, run.config.stages)
    told = bootstrap_of(done, found, interpreter)
    fixed = fixed_of(done, found.tools)
    failures, notes = held_against(former, fixed, locked=run.config.locked)
    failures = found.failures or done.failures or failures
    if not (failures or done.fixed):
        told = dataclasses.replace(told, differences=unrepeated(run, done))
    elif run.config.diverse is not None and not failures:
        second, failures = built_diversely(run, found.tools, done, run.config.diverse)
        told = dataclasses.replace(told, diverse=second)
    if failures or told.compared:
        return BuildOutcome(failures=failures, bootstraps=(told,), notes=notes), former
    lock = with_interpreter(lock, interpreter.key, closure.entries, fixed, closure.seeds)
    _write(run, bootstrap_lock_of(run.config), lock)
    outcome = build_with(run, pins, interpreter, entries, done, present)
    told = dataclasses.replace(told, pins=len(outcome.records))
    return dataclasses.replace(outcome, bootstraps=(told,), notes=(*notes, *outcome.notes)), lock


def _write(run: Run, path: Path, lock: BootstrapLock) -> None:
    if run.config.locked:
        return
    new = not path.exists()
    write_bootstrap_lock(path, lock)
    if new:
        run.site.say(f"the sources of the build requirements are locked in {path}")
