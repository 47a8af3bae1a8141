"""One build: a :class:`BuildJob` turned into a :class:`BuildRecord` or a :class:`BuildFailure`."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import heapq
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from amrasaman_nox import records
from amrasaman_nox.builds import (
    compiling,
    distribution,
    embedded_sbom,
    hooks,
    rust,
    system_files,
    tools,
)
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.builds.folders import LARGEST_IN_MEMORY, build_folders, source_in_memory
from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.environments import environments
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import chunks, remove_tree
from amrasaman_nox.model import BuildFailure, BuildRecord, BuildSystem
from amrasaman_nox.sandbox import view
from amrasaman_nox.sdists.build_system import build_system
from amrasaman_nox.sdists.reader import check_metadata
from amrasaman_nox.sdists.rust import RustSource
from amrasaman_nox.sdists.unpack import ExceededError, unpack
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.wheels import canonical, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.model import BuildJob, Notify, SystemPackage, Wheel
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sdists.reader import SdistInfo
    from amrasaman_nox.sources.store import Store

T = TypeVar("T")

#: Why a build works on disk, and not in memory: its source is large, or became so.
LARGE: Final = "large"
OUTGROWN: Final = "outgrown"
#: How many names that a backend chose an error lists, and how many characters of each.
_MOST_NAMES: Final = 5
_LONGEST_NAME: Final = 100


def build_wheel(
    job: BuildJob,
    *,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
    tell: Notify | None = None,
) -> BuildRecord | BuildFailure:
    """Build the wheel of *job* and keep it in *store* under its sha256.

    The sdist and the build requirements must be in *store*; nothing is fetched. A failure is a
    value, so that it can cross a process.
    """
    started = datetime.now(UTC)

    def attempt(on_disk: str) -> BuildRecord:
        with ready(job, store, isolation, notify, on_disk, tell) as (runner, backend):
            name = hooks.build(runner, "wheel", settings(job))
            return _record(job, runner, name, backend, store, started)

    try:
        return _once_or_twice(attempt)
    except (AsamanError, hooks.HookFailed) as error:
        return failure_of(job.source, "build", error)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a backend requires beyond ``pyproject.toml``; and the wheel, if it was built at once."""

    requirements: tuple[str, ...]
    record: BuildRecord | None = None


def ask_and_build(
    job: BuildJob,
    known: Sequence[str],
    *,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
    tell: Notify | None = None,
) -> Asked:
    """Ask the backend what it requires; build the wheel at once if that is nothing but *known*.

    :raises HookFailed: the backend could not say what it requires
    :raises AsamanError: the source or the environment could not be made ready
    """
    started = datetime.now(UTC)

    def attempt(on_disk: str) -> Asked:
        with ready(job, store, isolation, notify, on_disk, tell) as (runner, backend):
            asked, name = hooks.requires_and_wheel(runner, known, settings(job))
            if name is None:
                return Asked(requirements=asked)
            try:
                record = _record(job, runner, name, backend, store, started)
            except (AsamanError, hooks.HookFailed):
                return Asked(requirements=asked)
            return Asked(requirements=asked, record=record)

    return _once_or_twice(attempt)


def ask(
    job: BuildJob,
    *,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
) -> tuple[str, ...]:
    """Ask the backend, in the sandbox, what it requires beyond ``pyproject.toml``.

    :raises HookFailed: the backend could not say what it requires
    :raises AsamanError: the source or the environment could not be made ready
    """

    def attempt(on_disk: str) -> tuple[str, ...]:
        with ready(job, store, isolation, notify, on_disk) as (runner, _):
            return hooks.requires_for_wheel(runner, settings(job))

    return _once_or_twice(attempt)


def _once_or_twice(attempt: Callable[[str], T]) -> T:
    """Return what *attempt* comes to; once more on disk, if the source became too large in memory.

    :param attempt: is called with why the source is to be on disk, ``""`` if nothing is known yet
    """
    try:
        return attempt("")
    except hooks.HookFailed as failed:
        if not failed.outgrew:
            raise
    return attempt(OUTGROWN)


def environment_of(
    job: BuildJob,
    *,
    store: Store,
    isolation: Isolation,
    backend: str = "",
    notify: Callable[[str], None] = lambda message: None,
) -> environments.Environment:
    """Return the build environment of *job*, made if there is none yet; nothing of it runs.

    :param backend: as :func:`backend_in` returns it
    :raises AsamanError: as :func:`environments.prepare`
    """
    return environments.prepare(
        job.requirements,
        job.interpreter,
        store=store,
        isolation=isolation,
        inside=job.environment.environment_path,
        backend=backend,
        notify=notify,
    )


def backend_in(system: BuildSystem) -> str:
    """Return the build backend that is in the build environment, or ``""`` for the source's own."""
    return "" if system.backend_path else system.backend


def folders_of(
    job: BuildJob,
    folder: Path,
    *,
    store: Store,
    isolation: Isolation,
    backend: str = "",
    rust_source: RustSource | None = None,
    notify: Callable[[str], None] = lambda message: None,
) -> hooks.HookFolders:
    """Return where the hooks of *job* run: the environment made, the folders named.

    :param rust_source: what the sdist says of its Rust
    """
    environment = environment_of(
        job, store=store, isolation=isolation, backend=backend, notify=notify
    )
    world = hooks.world_of(job.environment, folder, isolation)
    with_rust = None
    if job.rust is not None:
        with_rust = rust.prepare(
            job.rust,
            job.source.crates or (),
            folder / "rust",
            world,
            source=rust_source or RustSource(),
            store=store,
            isolation=isolation,
            notify=notify,
        )
    return hooks.HookFolders(
        source=folder / "source",
        output=folder / "output",
        control=folder / "control",
        following=folder / "following",
        log=folder / "log",
        environment=environment,
        world=dataclasses.replace(world, environment_path=environment.inside),
        rust=with_rust,
    )


def unpack_source(
    job: BuildJob, store: Store, memory: Path | None, disk: Path
) -> tuple[SdistInfo, Path]:
    """Unpack the verified sdist of *job*; return what it says of itself, and where it is.

    :param memory: an empty folder for a small source, if there is one
    :param disk: an empty folder for any other
    """
    if memory is not None:
        with contextlib.suppress(ExceededError):
            return _unpacked(job, store, memory, LARGEST_IN_MEMORY), memory
        remove_tree(memory)
    return _unpacked(job, store, disk, None), disk


def _unpacked(job: BuildJob, store: Store, folder: Path, most: int | None) -> SdistInfo:
    with fetched(job.source.digest, job.source.filename, store) as file:
        return unpack(
            file,
            job.source.filename,
            folder,
            mtime=job.environment.source_times,
            order=job.environment.directory_order,
            owner=view.build_owner() if RUNGS[job.isolation].constant_paths else None,
            most=most,
        )


@contextlib.contextmanager
def ready(
    job: BuildJob,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None],
    on_disk: str = "",
    tell: Notify | None = None,
) -> Iterator[tuple[hooks.Runner, str]]:
    """Unpack the source, make its environment, and yield what runs its hooks, and the backend.

    :param on_disk: why the build is to work on disk, ``""`` if only a large source does
    :param tell: is told of each crate that is compiled
    """
    with (
        build_folders(job, store, isolation, notify) as folder,
        source_in_memory(isolation) as memory,
        compiling.told(job, tell) as heard,
    ):
        info, source = unpack_source(job, store, memory, folder / "source")
        check_metadata(info, job.source.pin)
        system = build_system(info)
        backend = backend_in(system)
        where = folders_of(
            job,
            folder,
            store=store,
            isolation=isolation,
            backend=backend,
            rust_source=info.rust,
            notify=notify,
        )
        if info.size > LARGEST_IN_MEMORY:
            on_disk = LARGE
        tree = folder / "tree" if on_disk else None
        runner = hooks.Runner(
            place=dataclasses.replace(where, source=source, tree=tree),
            isolation=isolation,
            interpreter=job.interpreter,
            limits=job.limits,
            on_disk=on_disk if isolation.constant_paths else "",
            backend=system.backend,
            heard=heard,
            notify=lambda message: notify(f"{job.source.pin}: {message}"),
        )
        yield runner, system.backend


def _record(
    job: BuildJob,
    runner: hooks.Runner,
    name: str,
    backend: str,
    store: Store,
    started: datetime,
) -> BuildRecord:
    """Take the wheel that a backend left, and return its record."""
    if runner.place.rust is not None:
        rust.check_locks(runner.place.rust, job.source)
    with collect(runner.place.output, name) as raw:
        wheel, passes = _keep(raw, name, job, store, runner.place.world.build_path)
        system = _system(runner.place, raw, name, store)
    return BuildRecord(
        name=job.source.name,
        version=job.source.version,
        wheel=wheel,
        source=job.source,
        key=job.key,
        requirements=tuple(sorted(job.requirements)),
        interpreter=job.interpreter,
        environment=job.environment,
        rust=job.rust,
        isolation=runner.isolation.rung,
        config_settings=job.config_settings,
        backend=backend,
        passes=passes,
        cpu_seconds=runner.cpu_seconds,
        isolation_reasons=runner.isolation.reasons,
        filtered=runner.isolation.filtered,
        source_on_disk=runner.on_disk,
        fixed_addresses=runner.isolation.fixed_addresses,
        tools=tools.reachable(),
        distribution=distribution.release() if system else "",
        system=system,
        versions=records.own_versions(),
        started=started,
        finished=datetime.now(UTC),
    )


def _system(
    place: hooks.HookFolders, raw: BinaryIO, name: str, store: Store
) -> tuple[SystemPackage, ...]:
    listed = place.control / system_files.LIST
    target = place.rust.folder / "target" if place.rust is not None else None
    return system_files.read(listed, target, raw, name, store)


def settings(job: BuildJob) -> dict[str, str | list[str]]:
    """Return the config settings as a frontend passes them: a repeated key makes a list."""
    settings: dict[str, str | list[str]] = {}
    for key, value in job.config_settings:
        former = settings.get(key)
        if former is None:
            settings[key] = value
        elif isinstance(former, list):
            former.append(value)
        else:
            settings[key] = [former, value]
    return settings


@contextlib.contextmanager
def collect(output: Path, name: str, hook: str = "build_wheel") -> Iterator[BinaryIO]:
    """Open the one file that the backend left; all of its processes are dead by now."""
    found = [item.name for item in output.iterdir()]
    if found != [name]:
        reason = f"the backend returned {name[:_LONGEST_NAME]} but wrote {_listed(found)}"
        raise hooks.HookFailed(hook=hook, reason=reason)
    unfit = hooks.HookFailed(
        hook=hook, reason=f"the backend wrote {name}, which is not a regular file with one link"
    )
    try:
        number = os.open(output / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise unfit from None
        raise AsamanError(
            str(output / name), system_reason(error), code=ExitCode.INPUT_OUTPUT
        ) from None
    # Only now is it known what was opened; a folder makes no file object.
    facts = os.fstat(number)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        os.close(number)
        raise unfit
    with os.fdopen(number, "rb") as file:
        yield file


def _listed(names: list[str]) -> str:
    """Return the first of *names*, and how many others there are."""
    shown = heapq.nsmallest(_MOST_NAMES, names)
    more = len(names) - len(shown)
    text = ", ".join(name[:_LONGEST_NAME] for name in shown) or "nothing"
    return f"{text} and {more} more" if more else text


def _keep(
    raw: BinaryIO, name: str, job: BuildJob, store: Store, build_path: str
) -> tuple[Wheel, tuple[str, ...]]:
    """Read the wheel strictly, bring it into canonical form and put it into the store.

    Where the wheel is wanted as the backend wrote it, its bytes are kept as they are.
    """
    if not job.canonical:
        wheel = reader.wheel_value(reader.read_wheel(raw, name, pin=job.source.pin))
        raw.seek(0)
        store.add(chunks(raw), wheel.digest)
        return wheel, ()
    epoch = job.environment.source_date_epoch or 0
    with store.temporary("wheel-") as folder:
        path = folder / "wheel"
        with path.open("w+b") as written:
            wheel, passes = canonical.canonicalise(
                raw,
                name,
                written,
                epoch=epoch,
                build_path=build_path,
                pin=job.source.pin,
                added=embedded_sbom.added(job, name),
            )
            written.seek(0)
            store.add(chunks(written), wheel.digest)
    return wheel, passes
