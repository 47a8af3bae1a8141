"""A working tree to its canonical sdist, built in the sandbox."""

from __future__ import annotations

import dataclasses
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from amrasaman_nox import records
from amrasaman_nox.build_lock import requirements
from amrasaman_nox.build_lock.file import lock_of, merged, read_lock, write_lock
from amrasaman_nox.builds import builder, hooks, tools
from amrasaman_nox.builds.failures import hint_for
from amrasaman_nox.builds.folders import build_folders
from amrasaman_nox.builds.jobs import job_of
from amrasaman_nox.errors import AsamanError, ExitCode, Origin, system_reason
from amrasaman_nox.files import copy_in_place, make_results
from amrasaman_nox.model import (
    BuildLock,
    BuildRecord,
    Digest,
    Pin,
    Prepared,
    Requirements,
    Source,
    Wheel,
)
from amrasaman_nox.runs import project_rust, tree
from amrasaman_nox.sandbox import view
from amrasaman_nox.sandbox.process import give_to_build
from amrasaman_nox.sdists.build_system import build_system, check_requires
from amrasaman_nox.sdists.canonical import passes_of, write_sdist
from amrasaman_nox.sdists.reader import SdistInfo
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildEnvironment, BuildJob, Interpreter, LockEntry
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sdists.rust import RustSource
    from amrasaman_nox.sources.site import Site
    from amrasaman_nox.sources.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Sdist:
    """A canonical sdist in the store, with the passes that changed something; size in bytes."""

    filename: str
    name: str
    version: str
    digest: Digest
    size: int
    passes: tuple[str, ...]
    record: BuildRecord | None = None


def read_projects(
    folders: Sequence[Path],
    interpreter: Interpreter,
    *,
    config: Config,
    site: Site,
    isolation: Isolation,
) -> Requirements:
    """Build the sdists of the projects in *folders*, put them into the output folder, and pin them.

    :param folders: at least one
    :raises AsamanError: the build requirements or the sdist of one cannot be made (exit 3), or two
        are of one name (exit 2)
    """
    pins = [
        _read_project(folder, interpreter, config=config, site=site, isolation=isolation)
        for folder in folders
    ]
    by_name: dict[str, Pin] = {}
    for pin in pins:
        other = by_name.setdefault(pin.name, pin)
        if other is not pin:
            raise AsamanError(
                f"project {pin.name}", f"{other.origin} has the same name", origin=pin.origin
            )
    return Requirements(kind="project", path=str(folders[0]), pins=tuple(pins))


def folders_of(requirements: Requirements) -> tuple[Path, ...]:
    """Return the folders of the projects that *requirements* were read from."""
    return tuple(Path(pin.origin.path).parent for pin in requirements.pins if pin.origin)


def _read_project(
    folder: Path, interpreter: Interpreter, *, config: Config, site: Site, isolation: Isolation
) -> Pin:
    output = config.output.absolute()
    try:
        # First of all: the lock is written to it as well.
        make_results(output)
        made = build_sdist(folder, interpreter, config=config, site=site, isolation=isolation)
        path = output / made.filename
        with fetched(made.digest, made.filename, site.store) as source:
            copy_in_place(source, path, made.digest)
        if made.record is not None:
            text = records.render_sdist(made.record)
            copy_in_place(
                io.BytesIO(text.encode()), path.with_name(f"{path.name}{records.SUFFIX}"), None
            )
    except OSError as error:
        raise AsamanError(str(output), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None
    return Pin(
        name=made.name,
        version=made.version,
        digests=(made.digest,),
        path=str(path),
        origin=Origin(path=str(folder / "pyproject.toml")),
    )


def build_sdist(
    folder: Path,
    interpreter: Interpreter,
    *,
    config: Config,
    site: Site,
    isolation: Isolation,
    environment: BuildEnvironment | None = None,
) -> Sdist:
    """Build the canonical sdist of the project in *folder* from a copy of its tree.

    The copy has the project's ``.git``, which version plugins read.

    :param environment: the world that the build sees, the constant one by default
    :raises AsamanError: its build requirements or its sdist cannot be made (exit 3)
    """
    prepared, info = _prepared(folder, interpreter)
    prepared = project_rust.completed(site, prepared, info)
    job = job_of(
        prepared.source,
        interpreter,
        (),
        config=config,
        isolation=isolation.rung,
        rust=site.rust.toolchain if site.rust is not None else None,
    )
    working = _Working(
        folder=folder,
        output=config.output.absolute(),
        backend=builder.backend_in(prepared.system),
        site=site,
        isolation=isolation,
        rust=info.rust,
    )
    try:
        entry = _entry(working, prepared, job, config)
        job = dataclasses.replace(
            job,
            requirements=tuple(sorted(entry.files)),
            environment=environment or job.environment,
        )
        with build_folders(job, site.store, isolation, site.say) as work:
            runner = _runner(working, job, work)
            name = hooks.build(runner, "sdist", {})
            with builder.collect(runner.place.output, name, "build_sdist") as raw:
                made = keep_canonical(raw, name, site.store, config.epoch)
    except hooks.HookFailed as failed:
        raise AsamanError(
            str(folder / "pyproject.toml"),
            f"{failed.hook} failed: {failed.reason}",
            hint=hint_for(failed.reason, failed.log),
            code=ExitCode.BUILD_FAILED,
        ) from None
    return dataclasses.replace(made, record=_record(made, job, prepared.system.backend, isolation))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Working:
    """A working tree whose hooks are run; ``output`` is left out of the copy.

    ``rust`` is what it has of Rust.
    """

    folder: Path
    output: Path
    backend: str
    site: Site
    isolation: Isolation
    rust: RustSource | None = None


def _record(made: Sdist, job: BuildJob, backend: str, isolation: Isolation) -> BuildRecord:
    """Return what the sdist was built from and how, but for the clock."""
    return BuildRecord(
        name=made.name,
        version=made.version,
        wheel=Wheel(
            filename=made.filename,
            digest=made.digest,
            content_digest=made.digest,
            size=made.size,
        ),
        source=job.source,
        key=job.key,
        requirements=job.requirements,
        interpreter=job.interpreter,
        environment=job.environment,
        isolation=isolation.rung,
        isolation_reasons=isolation.reasons,
        filtered=isolation.filtered,
        fixed_addresses=isolation.fixed_addresses,
        backend=backend,
        passes=made.passes,
        tools=tools.reachable(),
        versions=records.own_versions(),
    )


def tree_digest(folder: Path) -> Digest:
    """Return what the lock entry of a project's own tree is keyed by: its build configuration.

    :raises AsamanError: it cannot be read
    """
    return _tree_digest(_pyproject(folder))


def _tree_digest(pyproject: bytes) -> Digest:
    return Digest.of(b"project tree " + pyproject)


def _pyproject(folder: Path) -> bytes:
    try:
        path = folder / "pyproject.toml"
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise AsamanError(str(folder), system_reason(error)) from None


def _prepared(folder: Path, interpreter: Interpreter) -> tuple[Prepared, SdistInfo]:
    """Return the project as a source whose hash is that of its build configuration."""
    path, pyproject = folder / "pyproject.toml", _pyproject(folder)
    name = canonicalize_name(folder.absolute().name) or "project"
    info = SdistInfo(
        filename=str(path),
        name=name,
        version="0",
        pyproject=pyproject or None,
        has_setup_py=(folder / "setup.py").is_file(),
        top="",
        members=0,
        size=0,
        rust=project_rust.of_tree(folder, pyproject or None),
    )
    digest = _tree_digest(pyproject)
    pin = Pin(name=name, version="0", digests=(digest,), origin=Origin(path=str(path)))
    system = build_system(info)
    check_requires(system, info.filename)
    prepared = Prepared(
        source=Source(pin=pin, filename=f"{name}.tar.gz", digest=digest),
        interpreter=interpreter,
        system=system,
    )
    return prepared, info


def _entry(working: _Working, prepared: Prepared, job: BuildJob, config: Config) -> LockEntry:
    """Return the lock entry of the project's own tree, resolved now where there is none.

    :raises HookFailed: the backend could not say what it requires
    """
    path = lock_of(config)
    lock = read_lock(path)
    known = requirements.known_of(
        working.site,
        prepared,
        BuildLock() if config.relock or prepared.source.name in config.relock_packages else lock,
        locked=config.locked,
        as_of=config.as_of_project(prepared.source.name),
    )
    entry = known.entry
    if not known.whole:
        job = dataclasses.replace(job, requirements=tuple(sorted(entry.files)))
        site = working.site
        with build_folders(job, site.store, working.isolation, site.say) as work:
            asked = hooks.requires_for_sdist(_runner(working, job, work))
        entry = requirements.completed(working.site, prepared, entry, asked)
    if not config.locked:
        used = {item.sdist for item in lock.entries} | {entry.sdist}
        write_lock(path, merged(lock, [entry], sdists=used))
    return entry


def _runner(working: _Working, job: BuildJob, work: Path) -> hooks.Runner:
    """Copy the tree into the folder *work*, and return what runs its hooks."""
    copied = _copy(working, work / "source", job.environment)
    where = builder.folders_of(
        job,
        work,
        store=working.site.store,
        isolation=working.isolation,
        backend=working.backend,
        rust_source=working.rust,
        notify=working.site.say,
    )
    return hooks.Runner(
        # It may hold anything, and any amount of it.
        place=dataclasses.replace(where, project=copied, tree=work / "tree"),
        isolation=working.isolation,
        interpreter=job.interpreter,
        limits=job.limits,
        backend=working.backend,
    )


def _copy(working: _Working, destination: Path, world: BuildEnvironment) -> str:
    """Copy the working tree, with constant times; return where the project is in the copy."""
    copied = tree.copy_tree(
        working.folder, destination, left_out=(working.output, working.site.store.root)
    )
    for note in copied.notes:
        working.site.say(note)
    for path in (destination, *destination.rglob("*")):
        # When a file was checked out does not matter; what git keeps stays as it is.
        if path.relative_to(destination).parts[:1] != (".git",):
            os.utime(path, (world.source_times, world.source_times), follow_symlinks=False)
    if view.build_owner() is not None:
        give_to_build(destination)
    return copied.project


def keep_canonical(raw: BinaryIO, name: str, store: Store, epoch: int) -> Sdist:
    """Read an sdist strictly, and keep it in the store in canonical form.

    :param epoch: the time of its files, in seconds since 1970
    :raises HookFailed: *name* is no file name of an sdist
    :raises AsamanError: it can be read in two ways, or is damaged
    """
    try:
        project, version = parse_sdist_filename(name)
        if not name.endswith(".tar.gz"):
            raise InvalidSdistFilename(name)
    except InvalidSdistFilename:
        raise hooks.HookFailed(
            hook="build_sdist",
            reason=f"the backend returned {name}, which is not an sdist file name "
            "(NAME-VERSION.tar.gz)",
        ) from None
    with store.temporary("sdist-") as folder:
        unpacked = folder / "tree"
        unpacked.mkdir(mode=0o700)
        info = unpack(raw, name, unpacked, mtime=epoch)
        path = folder / name
        with path.open("w+b") as written:
            write_sdist(unpacked, info.top, written, epoch)
            written.seek(0)
            content = written.read()
        passes = passes_of(raw, content)
        digest = Digest.of(content)
        store.add([content], digest, name=name)
    return Sdist(
        filename=name,
        name=str(project),
        version=str(version),
        digest=digest,
        size=len(content),
        passes=passes,
    )
