"""Where builds run: one row an executor, each with the interface of ``concurrent.futures``."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import builder
from amrasaman_nox.runs import schedule
from amrasaman_nox.runs.cluster import dask_workers, delegate
from amrasaman_nox.runs.workers import Workers
from amrasaman_nox.sandbox import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildFailure, BuildJob, BuildRecord
    from amrasaman_nox.runs.workshop import Workshop


def opened(config: Config) -> contextlib.AbstractContextManager[Workers]:
    """Return the workers that *config* names, for as long as the block lasts.

    :raises AsamanError: the engine is not installed (exit 4) or does not answer (exit 5)
    """
    return EXECUTORS[config.executor](config)


def build(shop: Workshop, job: BuildJob) -> BuildRecord | BuildFailure:
    """Build *job* where the run's builds go; its wheel is in the store then.

    A failure is a value, whether the build fails or the worker does.

    :raises AsamanError: the run was interrupted, or the cluster is gone (exit 5)
    """
    workers = shop.workers
    if workers.cluster is None:
        return workers.executor.submit(
            builder.build_wheel, job, store=shop.store, isolation=shop.isolation, notify=shop.say
        ).result()
    return delegate(shop, job, workers.cluster)


@contextlib.contextmanager
def _local(config: Config) -> Iterator[Workers]:
    # Threads, since the work is in child processes.
    with ThreadPoolExecutor(config.jobs) as pool:
        yield Workers(
            executor=pool,
            width=config.jobs,
            room=schedule.room(config.max_memory),
            stop=process.kill_all,
        )


#: What each name of ``--executor`` opens.
EXECUTORS: Final[dict[str, Callable[[Config], contextlib.AbstractContextManager[Workers]]]] = {
    "local": _local,
    "dask": dask_workers,
}
