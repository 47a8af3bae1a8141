"""One run of a command: input read, store and workers opened, work done, reported."""

from __future__ import annotations

import dataclasses
import functools
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amrasaman_nox import files
from amrasaman_nox.builds import hooks
from amrasaman_nox.builds.jobs import job_of
from amrasaman_nox.config.executors import WITH_SCHEDULER
from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.config.variables import default_cache, own_variables
from amrasaman_nox.environments import interpreters, prefix, toolchains
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs import readers, workspace
from amrasaman_nox.inputs.selection import part
from amrasaman_nox.model import BuildLock, Event, Report
from amrasaman_nox.runs import executors, pythons
from amrasaman_nox.runs.epoch import with_epoch
from amrasaman_nox.runs.project import read_projects
from amrasaman_nox.sandbox.ladder import choose, with_helpers
from amrasaman_nox.sources.access import with_file_options
from amrasaman_nox.sources.connections import Connections
from amrasaman_nox.sources.site import RustSite, Site
from amrasaman_nox.sources.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import (
        BuildFailure,
        BuildJob,
        BuildOutcome,
        BuildRecord,
        IndexOptions,
        Interpreter,
        LockedFile,
        Notify,
        Pin,
        Requirements,
        Source,
    )
    from amrasaman_nox.runs.workers import Workers
    from amrasaman_nox.sandbox.view import Isolation


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a command works with: its options, and what was opened for them.

    ``own_pythons`` are interpreters of single projects, by how the settings name them.
    """

    config: Config
    site: Site
    isolation: Isolation
    interpreters: tuple[Interpreter, ...]
    workers: Workers
    own_pythons: Mapping[str, Interpreter] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user must know of the isolation of this run."""
        return tuple(filter(None, [RUNGS[self.isolation.rung].warning]))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the isolation and of the interpreters."""
        return (*self.isolation.reasons, *_prefixes(self.interpreters, self.isolation))

    @property
    def all_interpreters(self) -> tuple[Interpreter, ...]:
        """The interpreters of the run, then those of single projects."""
        return tuple(dict.fromkeys((*self.interpreters, *self.own_pythons.values())))

    def by_interpreter(
        self, pins: Iterable[Pin], interpreter: Interpreter
    ) -> dict[Interpreter, list[Pin]]:
        """Return *pins* by the interpreter that builds them where the run's is *interpreter*."""
        return pythons.parted(pins, interpreter, self.config.packages, self.own_pythons)

    def job(
        self, source: Source, interpreter: Interpreter, files: Iterable[LockedFile] = ()
    ) -> BuildJob:
        """Return the build of *source* with the locked *files* as its build environment."""
        return job_of(
            source,
            interpreter,
            files,
            config=self.config,
            isolation=self.isolation.rung,
            rust=self.site.rust.toolchain if self.site.rust is not None else None,
        )

    def build(self, job: BuildJob) -> BuildRecord | BuildFailure:
        """Build *job* where the builds of this run go, as :class:`Workers` says."""
        return self.workers.build(job, self.site, self.isolation)

    def known(self, lock: BuildLock) -> BuildLock:
        """Return what of *lock* counts as known: nothing of what is to be renewed."""
        renewed = self.config.relock_packages
        if self.config.relock:
            return BuildLock()
        return BuildLock(entries=tuple(each for each in lock.entries if each.name not in renewed))

    def report(self, command: str, outcome: BuildOutcome) -> Report:
        """Return what a command reports of *outcome*."""
        return Report(
            command=command,
            build=outcome,
            isolation=self.isolation.rung,
            output=str(self.config.output),
            notes=self.notes,
            warnings=self.warnings,
            interpreters=tuple(f"{one.implementation} {one.version}" for one in self.interpreters),
        )

    def with_options(self, found: IndexOptions) -> Run:
        """Return this run with the index options that its requirements file has."""
        index = with_file_options(self.site.index, found)
        return dataclasses.replace(self, site=dataclasses.replace(self.site, index=index))


def run_command(
    config: Config,
    notify: Notify,
    command: str,
    act: Callable[[Run, Requirements], BuildOutcome],
    requirements: Requirements | None = None,
) -> Report:
    """Read the input, open what the run works with, let *act* do the work, and return the report.

    :param requirements: what is worked on in the place of the configured input
    :raises AsamanError: as :func:`begun`
    """
    with begun(config, notify, requirements) as (run, read):
        return run.report(command, act(run, read))


@contextmanager
def begun(
    config: Config, notify: Notify, requirements: Requirements | None = None
) -> Iterator[tuple[Run, Requirements]]:
    """Read the input and open what a run works with; yield both.

    :param requirements: what is worked on in the place of the configured input
    :raises AsamanError: bad input (exit 2), isolation or an interpreter is not available (exit 4),
        or a fault of the disk or the network (exit 5)
    """
    if requirements is None:
        requirements = readers.read_input(config)
        config = with_epoch(config, notify)
    folders = workspace.projects_of(config) if requirements is None else ()
    with opened(config, notify) as run:
        if requirements is None:
            requirements = read_projects(
                folders, run.interpreters[0], config=config, site=run.site, isolation=run.isolation
            )
        run = run.with_options(requirements.index)
        requirements = part(requirements, config.shard)
        for note in requirements.notes:
            run.site.say(note)
        yield run, requirements


@contextmanager
def opened(config: Config, notify: Notify) -> Iterator[Run]:
    """Open the store, choose the isolation, ask the interpreters and reach the workers.

    :raises AsamanError: one of them is not available (exit 4), or the cache cannot be used
        (exit 4 or 5), or a cluster does not answer (exit 5)
    """
    with (
        files.own_umask(),
        files.for_this_process(),
        hooks.no_warnings(),
        executors.opened(config) as workers,
        Connections(config.index) as connections,
    ):
        found = tuple(
            dict.fromkeys(interpreters.inspect(request) for request in config.python or ("",))
        )
        _check_distinct(found)
        own = pythons.named(config.packages)
        isolation = choose(config.isolation, or_none=not config.in_ci)
        store = Store.open(config.cache_dir or default_cache())
        isolation = with_helpers(isolation, store.root)
        store.sweep()
        site = Site(
            store=store,
            index=config.index,
            notify=notify,
            connections=connections,
            rust=_rust(config, store),
            packages=config.packages,
        )
        if config.scheduler is not None and config.executor not in WITH_SCHEDULER:
            others = " or ".join(WITH_SCHEDULER)
            site.say(f"--scheduler {config.scheduler} is ignored: it requires --executor {others}")
        run = Run(
            config=config,
            site=site,
            isolation=isolation,
            interpreters=found,
            workers=workers,
            own_pythons=own,
        )
        for warning in run.warnings:
            notify(Event(stage="warning", state="warning", note=warning))
        yield run


def _prefixes(found: tuple[Interpreter, ...], isolation: Isolation) -> Iterator[str]:
    """Yield a line for each prefix that holds more than Python, where no build sees that."""
    for one in dict.fromkeys(each.prefix for each in found if isolation.constant_paths):
        if others := prefix.beside(one):
            yield f"builds do not see what is in {one} beside Python, such as {others[0]}"


def _rust(config: Config, store: Store) -> RustSite:
    variables = own_variables()
    return RustSite(
        toolchain=functools.cache(
            lambda channel: toolchains.choose(config.rust or "", channel, dict(variables), store)
        ),
        crate_index=config.crate_index or "",
        variables=variables,
    )


def _check_distinct(found: tuple[Interpreter, ...]) -> None:
    """Check that no two interpreters would give different wheels of the same name."""
    by_tag: dict[str, Interpreter] = {}
    for interpreter in found:
        other = by_tag.setdefault(interpreter.tags[0], interpreter)
        if other is not interpreter:
            raise AsamanError(
                f"--python {interpreter.executable}",
                f"its wheels would have the same names as those of {other.executable}",
                hint="give one interpreter for each version",
            )
