"""Build requirements from source, stage by stage, until two stages in a row are the same.

Stage 0 is the published wheels. Each later stage is built with the one before, all of it, so that
circles need nothing special: within a stage nothing waits for another build. Stages resolve
nothing; they put the wheels of the stage before in the place of the published ones.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from amrasaman_nox import records
from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.build_lock.bootstrap import Release, release_of
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildFailure, BuildRecord, Event, LockedFile, Stage
from amrasaman_nox.runs.durations import estimator, remember
from amrasaman_nox.runs.epoch import without_commit
from amrasaman_nox.runs.outcome import Done, done_records
from amrasaman_nox.runs.reuse import built, stored_record
from amrasaman_nox.runs.schedule import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amrasaman_nox.model import BuildJob, LockEntry, Prepared
    from amrasaman_nox.runs.run import Run

#: Wheels by the name and the version of their project.
Wheels = Mapping[Release, LockedFile]
#: The kind of values of the store that are records by their digests.
PROVENANCE: Final = "provenance"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A build requirement that is built from source, with its own build requirements."""

    prepared: Prepared
    entry: LockEntry

    @property
    def release(self) -> Release:
        """Its name and version."""
        return self.entry.name, self.entry.version


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """What came of the stages: each in short, and the records of the last two, by release."""

    stages: tuple[Stage, ...]
    records: Mapping[Release, BuildRecord] = field(default_factory=dict)
    former: Mapping[Release, BuildRecord] = field(default_factory=dict)
    failures: tuple[BuildFailure, ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether the last stage is the same as the one before."""
        return not self.failures and self.stages[-1].repeats

    @property
    def wheels(self) -> Wheels:
        """The wheels of the last stage."""
        return wheels_of(self.records)


def wheels_of(built: Mapping[Release, BuildRecord]) -> Wheels:
    """Return the wheels of *built* as build requirements of others, with their records' digests."""
    return {
        release: LockedFile(
            filename=record.wheel.filename,
            digest=record.wheel.digest,
            record=records.digest(record),
        )
        for release, record in built.items()
    }


def with_wheels(entry: LockEntry, wheels: Wheels) -> LockEntry:
    """Return *entry* with *wheels* in the place of the published wheels of the same releases."""
    files = tuple(wheels.get(release_of(file), file) for file in entry.files)
    return dataclasses.replace(entry, files=files)


def staged(run: Run, tools: Sequence[Tool], most: int, begun: Stages | None = None) -> Stages:
    """Build *tools* in at most *most* stages, until one is the same as the one before.

    A stage in which a build fails is the last one.

    :param begun: the stages that there are, where it does not begin with published wheels
    """
    published = Stage(number=0, count=len(tools), same=None if tools else 0)
    done = begun or Stages(stages=(published,))
    for number in range(len(done.stages), most + 1):
        if done.failures or done.stages[-1].repeats:
            break
        done = _next(run, tools, done, number)
    return done


def _next(run: Run, tools: Sequence[Tool], done: Stages, number: int) -> Stages:
    """Build the stage with *number* with the wheels of the one before."""
    run.site.say(f"stage {number}: {len(tools)} build requirements from source")
    wheels = done.wheels
    found = build_stage(run, tools, lambda tool: with_wheels(tool.entry, wheels).files)
    built_now = {
        tool.release: item.record
        for tool, item in zip(tools, found, strict=True)
        if item.record is not None
    }
    stage = Stage(
        number=number,
        count=len(tools),
        kept=sum(item.kept for item in found),
        same=_same(built_now, done.records) if number > 1 else None,
    )
    return Stages(
        stages=(*done.stages, stage),
        records=built_now,
        former=done.records,
        failures=tuple(item.failure for item in found if item.failure is not None),
    )


def _same(now: Mapping[Release, BuildRecord], former: Mapping[Release, BuildRecord]) -> int:
    return sum(
        release in former and record.wheel.digest == former[release].wheel.digest
        for release, record in now.items()
    )


def build_stage(
    run: Run, tools: Sequence[Tool], files_of: Callable[[Tool], Sequence[LockedFile]]
) -> list[Done]:
    """Build each of *tools*, with the build environment that *files_of* returns for it."""
    # An SBOM has the hashes of build requirements: with one in them, no stage would repeat.
    config = dataclasses.replace(without_commit(run.config), embed_sbom=False)
    run = dataclasses.replace(run, config=config)
    jobs = [
        run.job(tool.prepared.source, tool.prepared.interpreter, files_of(tool)) for tool in tools
    ]
    _fetch(run, jobs)
    estimate = estimator(run.site.store)
    run.site.notify(Event(stage="build", state="total", count=len(jobs)))
    weights = [estimate(tool.prepared) for tool in tools]
    found = in_parallel(run.workers, jobs, functools.partial(_built, run), weights)
    remember(done_records([item for item in found if not item.kept]), run.site.store)
    return found


def _fetch(run: Run, jobs: Iterable[BuildJob]) -> None:
    """Bring the published wheels into the store that builds need; what is built needs none."""
    store = run.site.store
    waiting = [job for job in jobs if run.config.rebuild or stored_record(job, store) is None]
    files = dict.fromkeys(file for job in waiting for file in job.requirements)
    if files:
        requires.fetch_files(run.site, list(files), waiting[0].interpreter.executable)


def _built(run: Run, job: BuildJob) -> Done:
    name = str(job.source.pin)
    run.site.notify(Event(stage="build", state="start", name=name))
    try:
        result, kept = built(run, job)
    except AsamanError as error:
        result, kept = failure_of(job.source, "build", error), False
    if isinstance(result, BuildFailure):
        run.site.notify(Event(stage="build", state="failed", name=name, results=(result,)))
        return Done(failure=result)
    text = records.render(result).encode()
    run.site.store.put_value(PROVENANCE, records.digest(result).value, text)
    run.site.notify(Event(stage="build", state="kept" if kept else "done", name=name))
    return Done(record=result, kept=kept)
