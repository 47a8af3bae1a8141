"""Where builds run: one function and one row for each executor."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import builder
from amrasaman_nox.runs import schedule
from amrasaman_nox.runs.cluster import dask_workers
from amrasaman_nox.runs.workers import Workers
from amrasaman_nox.sandbox import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildFailure, BuildJob, BuildRecord
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.site import Site


def opened(config: Config) -> contextlib.AbstractContextManager[Workers]:
    """Return the workers that *config* names, for as long as the block lasts.

    :raises AsamanError: the engine is not installed (exit 4) or does not answer (exit 5)
    """
    return EXECUTORS[config.executor](config)


@contextlib.contextmanager
def _local(config: Config) -> Iterator[Workers]:
    # Threads, since the work is in child processes.
    with ThreadPoolExecutor(config.jobs) as pool:

        def build(job: BuildJob, site: Site, isolation: Isolation) -> BuildRecord | BuildFailure:
            return pool.submit(
                builder.build_wheel, job, store=site.store, isolation=isolation, notify=site.say
            ).result()

        yield Workers(
            build=build,
            width=config.jobs,
            room=schedule.room(config.max_memory),
            stop=process.kill_all,
        )


#: What each name of ``--executor`` opens.
EXECUTORS: Final[dict[str, Callable[[Config], contextlib.AbstractContextManager[Workers]]]] = {
    "local": _local,
    "dask": dask_workers,
}
