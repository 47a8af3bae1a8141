"""The workers of a run, opened by the row that its configuration names."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING

from amrasaman_nox.builds import builder
from amrasaman_nox.config.executors import by_name
from amrasaman_nox.runs import schedule
from amrasaman_nox.runs.workers import Workers
from amrasaman_nox.sandbox import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildFailure, BuildJob, BuildRecord
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.site import Site


def opened(config: Config) -> AbstractContextManager[Workers]:
    """Return the workers that *config* names, for as long as the block lasts.

    :raises AsamanError: the engine is not installed (exit 4) or does not answer (exit 5)
    """
    module, _, name = by_name(config.executor).opens.partition(":")
    found: Callable[[Config], AbstractContextManager[Workers]]
    found = getattr(import_module(f"amrasaman_nox.{module}"), name)
    return found(config)


@contextlib.contextmanager
def local_workers(config: Config) -> Iterator[Workers]:
    """Build on this machine, as many at a time as *config* says."""
    # Threads, since the work is in child processes.
    with ThreadPoolExecutor(config.jobs) as pool:

        def build(job: BuildJob, site: Site, isolation: Isolation) -> BuildRecord | BuildFailure:
            return pool.submit(
                builder.build_wheel,
                job,
                store=site.store,
                isolation=isolation,
                notify=site.say,
                tell=site.notify,
            ).result()

        yield Workers(
            build=build,
            width=config.jobs,
            room=schedule.room(config.max_memory),
            stop=process.kill_all,
        )
