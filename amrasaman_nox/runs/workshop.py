"""What one run works with: its store, its isolation, its interpreters and its indexes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox import files as temporary
from amrasaman_nox.builds import hooks
from amrasaman_nox.config.variables import default_cache
from amrasaman_nox.environments import interpreters
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import own_umask
from amrasaman_nox.model import BuildEnvironment, BuildJob, Event, IndexOptions
from amrasaman_nox.runs import executors
from amrasaman_nox.sandbox import clock
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sandbox.rungs import RUNGS
from amrasaman_nox.sources.connections import Connections
from amrasaman_nox.sources.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Interpreter, LockedFile, Source
    from amrasaman_nox.runs.workers import Workers
    from amrasaman_nox.sandbox.view import Isolation

#: Told of everything that happens while a run goes on.
Notify = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """The tools of one run; values and folders, nothing that changes."""

    config: Config
    store: Store
    isolation: Isolation
    interpreters: tuple[Interpreter, ...]
    index: IndexOptions
    notify: Notify
    workers: Workers
    connections: Connections | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user must know of the isolation of this run."""
        return tuple(filter(None, [RUNGS[self.isolation.rung].warning]))

    @property
    def index_cache(self) -> Path:
        """The index client's own cache."""
        return self.store.root / "uv"

    def say(self, note: str) -> None:
        """Pass on a line worth printing."""
        self.notify(Event(stage="note", state="note", note=note))

    def environment(self) -> BuildEnvironment:
        """Return the constant world with what the user sets on purpose."""
        config = self.config
        return dataclasses.replace(
            BuildEnvironment(),
            source_date_epoch=config.sde,
            source_times=config.sde,
            keep_debug_info=config.keep_debug_info,
            variables=tuple(sorted(config.variables)),
        )

    def job(
        self, source: Source, interpreter: Interpreter, files: tuple[LockedFile, ...]
    ) -> BuildJob:
        """Return the build of *source* with the locked *files* as its build environment."""
        return BuildJob(
            source=source,
            requirements=tuple(sorted(files)),
            interpreter=interpreter,
            environment=self.environment(),
            isolation=self.isolation.rung,
            config_settings=self.config.config_settings,
            limits=self.config.limits,
        )


@contextmanager
def opened(config: Config, notify: Notify) -> Iterator[Workshop]:
    """Open the store, choose the isolation, ask the interpreters and reach the workers.

    :raises AsamanError: one of them is not to be had (exit 4), or the cache cannot be used
        (exit 4 or 5), or a cluster does not answer (exit 5)
    """
    with (
        own_umask(),
        temporary.for_this_process(),
        hooks.no_warnings(),
        executors.opened(config) as workers,
        Connections(config.index) as connections,
    ):
        shop = dataclasses.replace(_open(config, notify, workers), connections=connections)
        for warning in shop.warnings:
            notify(Event(stage="warning", state="warning", note=warning))
        try:
            yield shop
        finally:
            shop.store.release_memory()


def _open(config: Config, notify: Notify, workers: Workers) -> Workshop:
    requests = config.python or ("",)
    found = tuple(dict.fromkeys(interpreters.inspect(request) for request in requests))
    _check_distinct(found)
    isolation = choose(config.isolation, or_none=not config.in_ci)
    store = Store.open(config.cache_dir or default_cache())
    isolation = dataclasses.replace(isolation, clock=clock.library(store.root))
    store.sweep()
    if config.scheduler is not None and workers.cluster is None:
        note = f"builds run here, not at {config.scheduler}: that takes --executor dask"
        notify(Event(stage="note", state="note", note=note))
    return Workshop(
        config=config,
        store=store,
        isolation=isolation,
        interpreters=found,
        index=config.index,
        notify=notify,
        workers=workers,
    )


def _check_distinct(found: tuple[Interpreter, ...]) -> None:
    """Check that no two interpreters would give different wheels of the same name."""
    by_tag: dict[str, Interpreter] = {}
    for interpreter in found:
        other = by_tag.setdefault(interpreter.tags[0], interpreter)
        if other is not interpreter:
            raise AsamanError(
                f"--python {interpreter.executable}",
                f"its wheels would have the names of those of {other.executable}",
                hint="name one interpreter a version",
            )
