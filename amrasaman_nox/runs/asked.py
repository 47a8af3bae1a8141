"""The build requirements of a source: from the lock, or from its backend."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.builds import builder
from amrasaman_nox.builds.builder import Asked
from amrasaman_nox.runs.crates import with_crates
from amrasaman_nox.runs.reuse import building, remember_record, stored_record

if TYPE_CHECKING:
    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.model import BuildJob, LockEntry, Prepared
    from amrasaman_nox.runs.run import Run


def whole_entry(
    run: Run, prepared: Prepared, known: Known, *, build: bool = True
) -> tuple[LockEntry, Asked]:
    """Return the whole lock entry of a source, and what its backend was asked for that.

    The crates of a source without a ``Cargo.lock`` are in the entry and in the store.

    :param build: whether the wheel is built at once, where that is possible
    :raises HookFailed: the backend could not say what it requires
    :raises AsamanError: what it requires has no solution (exit 3), or cannot be made ready
    """
    known = with_crates(run, prepared, known)
    if known.whole:
        return known.entry, Asked(requirements=())
    source = known.entry.completing(prepared.source)
    job = run.job(source, prepared.interpreter, known.entry.files)
    asked = _asked(run, job, known, build=build)
    return requires.completed(run.site, prepared, known.entry, asked.requirements), asked


def _asked(run: Run, job: BuildJob, known: Known, *, build: bool) -> Asked:
    """Ask a backend what it requires, and have the wheel built at once if that is nothing more.

    Elsewhere than on this machine, on the rung ``none`` (where a hook leaves the source changed),
    and where the store has the wheel, the backend is only asked.
    """
    store, isolation, say = run.site.store, run.isolation, run.site.say
    ask = functools.partial(builder.ask, job, store=store, isolation=isolation, notify=say)
    if not build or not run.workers.here or not isolation.constant_paths:
        return Asked(requirements=ask())
    with building(run, job):
        if not run.config.rebuild and stored_record(job, store) is not None:
            return Asked(requirements=ask())
        asked = builder.ask_and_build(
            job,
            known.entry.static,
            store=store,
            isolation=isolation,
            notify=say,
            tell=run.site.notify,
        )
        remember_record(job, asked.record, store)
    return asked
