"""The rebuild command: the wheels of records again, from nothing but the records.

What they name is taken from the index or its mirrors by hash, the rest is what this machine has.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox import files, record_files, records
from amrasaman_nox.agreement import envelopes, statements
from amrasaman_nox.agreement.inputs import inputs_line
from amrasaman_nox.build_lock.requirements import fetch_files
from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.config.variables import own_variables
from amrasaman_nox.environments import interpreters, toolchains
from amrasaman_nox.errors import AsamanError, Origin, all_of
from amrasaman_nox.files import chunks, digest_of, open_regular
from amrasaman_nox.model import (
    BuildFailure,
    BuildOutcome,
    BuildRecord,
    Comparison,
    Event,
    LockedFile,
    Pin,
    Report,
    Verdict,
)
from amrasaman_nox.record_files import RecordFile
from amrasaman_nox.runs import as_published
from amrasaman_nox.runs.publish import publish
from amrasaman_nox.runs.run import opened
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.runs.sourced import KEPT
from amrasaman_nox.sandbox.ladder import choose, with_helpers
from amrasaman_nox.sources import prepare, rust
from amrasaman_nox.sources.trusted import is_whole
from amrasaman_nox.verification import claims, machine, rebuilders
from amrasaman_nox.verification.rebuilders import TheirWheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildJob, Digest, Interpreter, Notify, RustToolchain, Source
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.site import Site

_STAGE = "rebuild"
_CHANGED = (
    "set the same in [tool.amrasaman.packages.NAME], or build with --keep-sources and give the "
    "source beside the record"
)


def rebuild_records(config: Config, *, notify: Notify) -> Report:
    """Rebuild the wheel of each record of *config*, and compare it with what the record says.

    A wheel that is the same is put into the output folder, unless it is there.

    :raises AsamanError: a record cannot be read, or tells of a build that there cannot be (exit 2),
        no isolation is available (exit 4), or a fault of the disk (exit 5). What cannot be built
        here, or comes out unlike its record, is no error: the report has it.
    """
    found = _read(config.records)
    with opened(config, notify) as run:
        notify(Event(stage=_STAGE, state="total", count=len(found)))
        rebuilder = _Rebuilder(run=run, inspect=functools.cache(interpreters.inspect))
        done = in_parallel(run.workers, found, rebuilder.one)
        return dataclasses.replace(
            run.report(
                "rebuild_records",
                BuildOutcome(failures=tuple(one for one in done if isinstance(one, BuildFailure))),
            ),
            comparisons=tuple(one for one in done if isinstance(one, Comparison)),
            allowed=Verdict(config.allow),
        )


def _read(paths: tuple[Path, ...]) -> list[RecordFile]:
    """Return the records at *paths*: files, wheels with a record beside them, or folders of both.

    A file of signed statements is one of records as well.

    :raises AsamanError: one cannot be read; all that are wrong are named
    """
    problems: list[AsamanError] = []
    found: dict[Path, RecordFile] = {}
    named = [each for path in paths for each in _record_paths(path, problems)]
    for path in dict.fromkeys(named):
        try:
            found[path] = _record_at(path)
            claims.check(found[path])
        except AsamanError as error:
            problems.append(error)
    if problems:
        raise all_of(problems)
    return list(found.values())


def _record_at(path: Path) -> RecordFile:
    """Return the record at *path*: a provenance file, or the first statement in one of signatures.

    No signature is verified: what is rebuilt from a record shows whether the record is right.

    :raises AsamanError: there is none
    """
    if not path.name.endswith(envelopes.SUFFIX):
        return record_files.read_file(path)
    wheel = path.name.removesuffix(envelopes.SUFFIX)
    found, problems = statements.read(envelopes.read_file(path), str(path), wheel)
    if not found:
        raise all_of(problems)
    return RecordFile(record=found[0].record, text=found[0].envelope.payload, path=path)


def _record_paths(path: Path, problems: list[AsamanError]) -> list[Path]:
    if path.is_dir():
        inside = sorted(path.glob(f"*.whl{records.SUFFIX}"))
        inside = inside or sorted(path.glob(f"*.whl{envelopes.SUFFIX}"))
        if not inside:
            hint = "give records (WHEEL.provenance.json), or a folder of them"
            problems.append(AsamanError(str(path), "it contains no record", hint=hint))
        return inside
    if path.name.endswith(".whl"):
        record = record_files.beside(path)
        signed = envelopes.beside(path)
        return [signed if signed.exists() and not record.exists() else record]
    return [path]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rebuilder:
    """What all rebuilds share: the run, and what tells of interpreters, each asked once."""

    run: Run
    inspect: Callable[[str], Interpreter]

    def one(self, file: RecordFile) -> Comparison | BuildFailure:
        """Rebuild and compare the wheel of one record; whatever fails becomes a value."""
        name = f"{file.record.name}=={file.record.version}"
        notify = self.run.site.notify
        notify(Event(stage=_STAGE, state="start", name=name))
        try:
            result = self._result(file)
        except AsamanError as error:
            pin = Pin(name=file.record.name, version=file.record.version)
            result = BuildFailure.of_error(pin, _STAGE, error)
            result = dataclasses.replace(result, origin=Origin(path=str(file.path)))
        state = "failed" if isinstance(result, BuildFailure) else "done"
        notify(Event(stage=_STAGE, state=state, name=name, results=(result,)))
        return result

    def _result(self, file: RecordFile) -> Comparison | BuildFailure:
        if file.record.as_published:
            return _compared(self.run, file, _published(self.run, file))
        job, run = self._job(file)
        found = machine.here(file.record, job.interpreter, job.rust, job.isolation, run.site.store)
        lacking = machine.lacking(file.record, found)
        for line in lacking:
            run.site.say(f"{job.source.pin}: not as in its record: {line}")
        result = run.build(job)
        if isinstance(result, BuildFailure):
            return _failed(result, file, lacking)
        return _compared(run, file, result)

    def _job(self, file: RecordFile) -> tuple[BuildJob, Run]:
        """Return the build that a record tells of, with all that it takes in the store.

        :raises AsamanError: the interpreter or the toolchain is not available (exit 4), or a file
            of the record is not (exit 2 or 5)
        """
        record, run = file.record, self.run
        if record.environment is None:
            raise ValueError(record)
        wanted = machine.requests(record, run.config.python)
        interpreter = machine.interpreter_for(record, wanted, self.inspect)
        isolation = _isolation(run, record)
        toolchain = _toolchain(run, record)
        run = dataclasses.replace(run, isolation=isolation, site=_site(run, toolchain))
        source, locked = _source(run, file, interpreter)
        source = _with_crates(run, record, source, locked)
        _fetch(run, file, record.requirements, interpreter)
        job = dataclasses.replace(
            run.job(source, interpreter, record.requirements),
            environment=record.environment,
            config_settings=record.config_settings,
            rust=toolchain,
        )
        return job, run


def _isolation(run: Run, record: BuildRecord) -> Isolation:
    """Return the rung of a record; never one that is no sandbox, unless the user asks for that."""
    chosen, wanted = run.isolation, RUNGS.get(record.isolation)
    asked = run.config.isolation != "auto"
    if asked or wanted is None or not wanted.constant_paths or wanted.name == chosen.rung:
        return chosen
    try:
        return with_helpers(choose(wanted.name), run.site.store.root)
    except AsamanError:
        return chosen


def _toolchain(run: Run, record: BuildRecord) -> RustToolchain | None:
    """Return the Rust toolchain of the version that a record names.

    :raises AsamanError: it is not installed (exit 4)
    """
    if record.rust is None:
        return None
    wanted = run.config.rust or record.rust.version
    return toolchains.inspect(wanted, dict(own_variables()), run.site.store)


def _site(run: Run, toolchain: RustToolchain | None) -> Site:
    """Return where bytes come from, without what the user's own configuration adds to builds."""
    own = run.site.rust
    if own is not None and toolchain is not None:
        own = dataclasses.replace(own, toolchain=lambda channel: toolchain)
    return dataclasses.replace(run.site, rust=own if toolchain is not None else None, packages=())


def _source(run: Run, file: RecordFile, interpreter: Interpreter) -> tuple[Source, bool]:
    """Return the verified source of a record, and whether it locks its crates itself.

    It is looked for beside the record, and then on the index. A modified one is made again with
    what the user's own configuration says of the release.

    :raises AsamanError: there is none with its hash (exit 2), or the index cannot be asked (exit 5)
    """
    record, site = file.record, run.site
    pin = dataclasses.replace(record.source.pin, origin=Origin(path=str(file.path)))
    local = file.path.with_name(record.source.filename)
    if _has(local, record.source.digest):
        pin = dataclasses.replace(pin, digests=(record.source.digest,), path=str(local.absolute()))
    elif record.source.modified is not None:
        site = dataclasses.replace(site, packages=run.config.packages)
    (found,) = prepare.prepare(site, [pin], interpreter)
    if isinstance(found, BuildFailure):
        raise AsamanError(str(pin), found.reason, hint=found.hint, code=found.code)
    if found.source.digest != record.source.digest:
        raise AsamanError(str(pin), f"its record has a {record.source.modified}", hint=_CHANGED)
    source = dataclasses.replace(found.source, modified=record.source.modified)
    return source, found.crates_locked


def _has(path: Path, wanted: Digest) -> bool:
    try:
        return digest_of(path, wanted.algorithm) == wanted.value
    except OSError:
        return False


def _with_crates(run: Run, record: BuildRecord, source: Source, locked: bool) -> Source:
    """Return *source* with the crates of the record, in the store.

    :raises AsamanError: they are not those of its own lock (exit 2), or cannot be fetched (exit 5)
    """
    crates = record.source.crates
    if crates is None or run.site.rust is None:
        return dataclasses.replace(source, crates=None)
    if locked and set(crates) != set(source.crates or ()):
        raise AsamanError(str(source.pin), "its record has other crates than its Cargo.lock")
    rust.fetch(run.site, run.site.rust, source.pin, crates)
    return dataclasses.replace(source, crates=crates)


def _published(run: Run, file: RecordFile) -> BuildRecord:
    """Return the record of a wheel that is used as published; there is nothing to build.

    :raises AsamanError: no file has its hash (exit 2 or 5)
    """
    source = file.record.source
    wheel = LockedFile(filename=source.filename, digest=source.digest)
    _fetch(run, file, (wheel,), run.interpreters[0])
    return as_published.record_of(source, run.site.store)


def _fetch(
    run: Run, file: RecordFile, wheels: tuple[LockedFile, ...], interpreter: Interpreter
) -> None:
    """Bring *wheels* that a record names into the store, each by its hash.

    Those that were built from source are on no index: they are looked for beside the record.

    :raises AsamanError: one is not to be found (exit 2 or 5)
    """
    store, folder = run.site.store, file.path.parent
    for each in wheels:
        for path in (folder / each.filename, folder / KEPT / each.filename):
            if not store.has(each.digest) and _has(path, each.digest):
                with open_regular(path) as content:
                    store.add(chunks(content), each.digest, name=each.filename)
    fetch_files(run.site, wheels, interpreter.executable)


def _failed(failure: BuildFailure, file: RecordFile, lacking: tuple[str, ...]) -> BuildFailure:
    """Return why a build failed, with what this machine lacks of the record."""
    reason = failure.reason
    if lacking:
        reason = f"{reason}; not as in its record: {'; '.join(lacking)}"
    return dataclasses.replace(failure, reason=reason, origin=Origin(path=str(file.path)))


def _compared(run: Run, file: RecordFile, ours: BuildRecord) -> Comparison:
    """Compare the wheel that was built with what its record says, and with the wheel beside it.

    :raises AsamanError: another wheel is in the way in the output folder (exit 2 or 4)
    """
    record = file.record
    if ours.wheel.filename != record.wheel.filename:
        return _other_name(file, ours)
    with files.folder() as made:
        publish(ours, made, run.site.store, force=True)
        other = TheirWheel(
            name=record.name,
            version=record.version,
            filename=record.wheel.filename,
            record=record,
            wheel=file.wheel if is_whole(file) else None,
        )
        if other.wheel is None or ours.wheel.digest == record.wheel.digest:
            found = rebuilders.compare_records(ours, record, str(file.path))
        else:
            found = rebuilders.compare_files(ours, made, other, run.config)
    if found.verdict is not Verdict.IDENTICAL:
        return _told(found, file)
    _put(run, ours)
    return found


def _other_name(file: RecordFile, ours: BuildRecord) -> Comparison:
    record = file.record
    return Comparison(
        name=record.name,
        version=record.version,
        wheel=record.wheel.filename,
        verdict=Verdict.DIFFERENT,
        against=str(file.path),
        ours=ours.wheel.digest,
        theirs=record.wheel.digest,
        reason=f"it is {ours.wheel.filename} here; {inputs_line(ours, record)}",
    )


def _told(found: Comparison, file: RecordFile) -> Comparison:
    """Return *found* with a word on a record whose key is not that of the inputs in it."""
    if file.record.as_published or claims.key_is_of_inputs(file.record):
        return found
    doubt = "its key is not that of its inputs: another version wrote the record, or it was changed"
    return dataclasses.replace(found, reason="; ".join(filter(None, (found.reason, doubt))))


def _put(run: Run, ours: BuildRecord) -> None:
    """Put a wheel that is the same into the output folder; one that is there stays as it is."""
    if not _has(run.config.output / ours.wheel.filename, ours.wheel.digest):
        publish(
            ours,
            run.config.output,
            run.site.store,
            force=run.config.force,
            trusted=run.config.trust_owner,
        )
