"""What can be rebuilt: a wheel by its record, and a project's own sdist by its tree."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from amrasaman_nox.builds.jobs import environment_of
from amrasaman_nox.comparison import wheels
from amrasaman_nox.comparison.sdists import compare_sdists, read_members
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import chunks
from amrasaman_nox.model import Artefact, BuildFailure, Difference
from amrasaman_nox.runs import project
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification.rebuild import Original
from amrasaman_nox.wheels.reader import read_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import (
        BuildEnvironment,
        BuildJob,
        BuildRecord,
        Digest,
        Interpreter,
        Source,
    )
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sources.store import Store


def of_wheel(run: Run, record: BuildRecord, wheel: Path) -> Original:
    """Return the build that *record* tells of as one that can be repeated.

    The sdist and the build requirements must be in the store.

    :param wheel: the file that the first build gave
    :raises AsamanError: the interpreter is not available (exit 4), or the wheel cannot be read or
        is not the record's (exit 5)
    """
    job = job_of_record(run, record)

    def build(environment: BuildEnvironment) -> Artefact | BuildFailure:
        result = run.build(dataclasses.replace(job, environment=environment))
        return result if isinstance(result, BuildFailure) else _artefact(result, run.site.store)

    def compared(ours: Artefact, theirs: Artefact) -> tuple[Difference, ...]:
        with _both(ours, theirs, run.site.store) as (left, right):
            return wheels.compare_wheels(left, right, filename=ours.filename)

    return Original(
        name=record.name,
        version=record.version,
        first=_first(record, wheel, run.site.store),
        environment=job.environment,
        started=record.started,
        finished=record.finished,
        build=build,
        compare=compared,
    )


def job_of_record(run: Run, record: BuildRecord) -> BuildJob:
    """Return the build that *record* tells of.

    :raises AsamanError: the record has no environment, or the interpreter is not available (exit 4)
    """
    if record.environment is None:
        raise AsamanError(str(record.source.pin), "its record has no environment")
    return dataclasses.replace(
        run.job(record.source, _interpreter(run, record), record.requirements),
        environment=record.environment,
        config_settings=record.config_settings,
    )


@contextlib.contextmanager
def _both(ours: Artefact, theirs: Artefact, store: Store) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open two artefacts that are in the store."""
    with (
        fetched(ours.digest, ours.filename, store) as left,
        fetched(theirs.digest, theirs.filename, store) as right,
    ):
        yield left, right


def _interpreter(run: Run, record: BuildRecord) -> Interpreter:
    for interpreter in run.all_interpreters:
        if record.interpreter is not None and interpreter.digest == record.interpreter.digest:
            return interpreter
    raise AsamanError(
        str(record.source.pin),
        "the interpreter that built it is not available",
        hint="give it with --python",
        code=ExitCode.NOT_AVAILABLE,
    )


def _artefact(record: BuildRecord, store: Store) -> Artefact:
    wheel, members = record.wheel, record.wheel.members
    if not members:
        # A record that came from another machine has the digests only.
        with fetched(wheel.digest, wheel.filename, store) as file:
            members = read_wheel(file, wheel.filename).members
    return Artefact(filename=wheel.filename, digest=wheel.digest, members=members)


def _first(record: BuildRecord, path: Path, store: Store) -> Artefact:
    """Read the first wheel again: what is compared is the file, not its record."""
    try:
        with path.open("rb") as file:
            content = read_wheel(file, record.wheel.filename, code=ExitCode.INPUT_OUTPUT)
            if content.digest != record.wheel.digest:
                raise AsamanError(
                    str(path), "it is not the wheel of its record", code=ExitCode.INPUT_OUTPUT
                )
            file.seek(0)
            if not store.has(content.digest):
                store.add(chunks(file), content.digest, name=path.name)
    except OSError as error:
        raise AsamanError(str(path), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None
    return Artefact(filename=record.wheel.filename, digest=content.digest, members=content.members)


# --- the project's own sdist -----------------------------------------------------------------


def of_sdist(run: Run, folder: Path, first: Source, started: datetime) -> Original:
    """Return the sdist that was built from the project in *folder* as one that can be repeated.

    :param first: the sdist; its bytes are in the store
    :param started: when its build began
    """

    def build(environment: BuildEnvironment) -> Artefact | BuildFailure:
        try:
            made = project.build_sdist(
                folder,
                run.interpreters[0],
                config=run.config,
                site=run.site,
                isolation=run.isolation,
                environment=environment,
            )
        except AsamanError as error:
            return BuildFailure.of(
                first.pin, stage="build_sdist", reason=error.why, hint=error.hint, code=error.code
            )
        return _members(made.filename, made.digest, run.site.store)

    def compared(ours: Artefact, theirs: Artefact) -> tuple[Difference, ...]:
        with _both(ours, theirs, run.site.store) as (left, right):
            return compare_sdists(ours, theirs, left, right)

    return Original(
        name=first.name,
        version=first.version,
        first=_members(first.filename, first.digest, run.site.store),
        environment=environment_of(run.config),
        started=started,
        finished=datetime.now(UTC),
        build=build,
        compare=compared,
    )


def _members(filename: str, digest: Digest, store: Store) -> Artefact:
    with fetched(digest, filename, store) as file:
        return read_members(file, filename, digest)
