"""One build: a :class:`BuildJob` turned into a :class:`BuildRecord` or a :class:`BuildFailure`."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.builds import hooks, tools
from amrasaman_nox.environments import environments, installed
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure, BuildRecord
from amrasaman_nox.sdists import reader as unpack
from amrasaman_nox.sources.store import remove_tree
from amrasaman_nox.wheels import canonical, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.model import BuildEnvironment, BuildJob, Wheel
    from amrasaman_nox.sandbox.process import Isolation
    from amrasaman_nox.sources.store import Store

_CHUNK: Final = 1 << 20
#: The largest sdist, in bytes, that is unpacked and built in memory.
_LARGEST_IN_MEMORY: Final = 16 << 20

#: What the log of a failed build says, and what mends it.
_HINTS: Final = (
    (
        r"[Cc]argo|crates\.io|maturin|rustc",
        "it needs Rust sources from the network; take the published wheel: --only-binary {name}",
    ),
    (
        r"[Nn]ame resolution|Could not resolve host|Network is unreachable|URLError|"
        r"Failed to establish a new connection",
        "a build has no network; take the published wheel: --only-binary {name}",
    ),
    (r"Python\.h: No such file", "install the interpreter's headers (Debian: python3-dev)"),
    (
        r"(gcc|g\+\+|cc|clang)'?:? .*(not found|No such file)|[Nn]o C compiler|"
        r"Unknown compiler",
        "install a C and C++ compiler (Debian: build-essential)",
    ),
    (r"fatal error: .*\.h: No such file", "install the library's headers, then run again"),
    (
        r"ModuleNotFoundError: No module named '(setuptools|wheel|pkg_resources)",
        "the project does not declare what it builds with; report it to the project",
    ),
    (r"No space left on device", "free some space, then run again"),
    *(
        (f"^limit passed: {limit}", f"if the build is sound, give it more: {option}")
        for limit, option in (
            ("time", "--timeout SECONDS"),
            ("silence", "--silence-timeout SECONDS"),
            ("log size", "--max-log SIZE"),
            ("memory", "--max-memory SIZE"),
            ("processes", "--max-processes NUMBER"),
            ("disk", "--max-disk SIZE"),
        )
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """The folders of one build on the host."""

    folder: Path

    def make(self, owner: int | None) -> None:
        """Create the folders; those that the build writes belong to its user."""
        for name in ("source", "output", "control", "following", "home"):
            path = self.folder / name
            path.mkdir(mode=0o700)
            if owner is not None:
                os.chown(path, owner, owner)


def build_wheel(
    job: BuildJob,
    *,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
) -> BuildRecord | BuildFailure:
    """Build the wheel of *job* and keep it in *store* under its sha256.

    The sdist and the build requirements must be in *store*; nothing is fetched. A failure is a
    value, so that it can cross a process.
    """
    started = datetime.now(UTC)
    try:
        with workplace(job, store, isolation) as folder:
            runner, backend = ready(job, store, isolation, folder, notify)
            name = hooks.build(runner, "wheel", settings(job))
            return _record(job, runner, name, backend, store, started)
    except hooks.HookFailed as error:
        return failure_of(job, error)
    except AsamanError as error:
        return failed(job, "build", error)


def ask_and_build(
    job: BuildJob,
    known: Sequence[str],
    *,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
) -> tuple[tuple[str, ...], BuildRecord | None]:
    """Ask the backend what it requires; build the wheel at once if that is nothing but *known*.

    :returns: what the backend asks for; and the record, ``None`` if the wheel is still to be built
    :raises HookFailed: the backend could not say what it requires
    :raises AsamanError: the source or the environment could not be made ready
    """
    started = datetime.now(UTC)
    with workplace(job, store, isolation) as folder:
        runner, backend = ready(job, store, isolation, folder, notify)
        asked, name = hooks.requires_and_wheel(runner, known, settings(job))
        if name is None:
            return asked, None
        try:
            return asked, _record(job, runner, name, backend, store, started)
        except (AsamanError, hooks.HookFailed):
            return asked, None


def failure_of(job: BuildJob, failed: hooks.HookFailed) -> BuildFailure:
    """Return the failure that a hook's end makes, with the hint that its log suggests."""
    text = f"{failed.reason}\n{failed.log}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text, re.MULTILINE)), "")
    return BuildFailure(
        name=job.source.name,
        version=job.source.version,
        stage=failed.hook,
        reason=failed.reason,
        hint=hint.format(name=job.source.name),
        log=failed.log,
        log_path=failed.log_path,
        origin=job.source.pin.origin,
    )


@contextlib.contextmanager
def workplace(job: BuildJob, store: Store, isolation: Isolation) -> Iterator[Path]:
    """Make the folders of one build: private, and on the rung ``none`` at a stable path.

    The log of its hooks outlives them, in the store's folder ``logs``.
    """
    with _folders(job, store, isolation) as folder:
        try:
            yield folder
        except hooks.HookFailed as failed:
            failed.log_path = _keep_log(job, folder / "log", store)
            raise
        _keep_log(job, folder / "log", store)


def _keep_log(job: BuildJob, log: Path, store: Store) -> str | None:
    if not log.is_file():
        return None
    kept = store.root / "logs" / f"{job.source.name}-{job.source.version}-{job.key[:12]}.log"
    try:
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(log, kept)
    except OSError:
        # A log that cannot be kept must not hide what the build came to.
        return None
    return str(kept)


@contextlib.contextmanager
def _folders(job: BuildJob, store: Store, isolation: Isolation) -> Iterator[Path]:
    from amrasaman_nox.sandbox import process

    if isolation.constant_paths:
        # Making files in memory is several times faster, and folders list in one constant order.
        small = (job.source.size or 0) <= _LARGEST_IN_MEMORY
        with store.temporary("build-", in_memory=small) as folder:
            Workplace(folder=folder).make(process.build_owner())
            yield folder
        return
    text = f"{job.source.digest} {job.environment.build_path}"
    name = hashlib.sha256(text.encode()).hexdigest()[:24]
    folder = store.root / "none" / name
    with store.lock(f"none-{name}", timeout=installed.PATIENCE):
        remove_tree(folder)
        folder.mkdir(mode=0o700, parents=True)
        Workplace(folder=folder).make(None)
        try:
            yield folder
        finally:
            remove_tree(folder)


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


def backend_in(system: unpack.BuildSystem) -> str:
    """Return the build backend that is in the build environment, or ``""`` for the source's own."""
    return "" if system.backend_path else system.backend


def place(
    job: BuildJob,
    folder: Path,
    *,
    store: Store,
    isolation: Isolation,
    backend: str = "",
    notify: Callable[[str], None] = lambda message: None,
) -> hooks.Place:
    """Return where the hooks of *job* run: the environment made, the folders named."""
    environment = environment_of(
        job, store=store, isolation=isolation, backend=backend, notify=notify
    )
    world = hooks.world_of(job.environment, folder, isolation)
    return hooks.Place(
        source=folder / "source",
        output=folder / "output",
        control=folder / "control",
        following=folder / "following",
        log=folder / "log",
        environment=environment,
        world=dataclasses.replace(world, environment_path=environment.inside),
    )


def unpack_source(job: BuildJob, folder: Path, store: Store) -> unpack.SdistInfo:
    """Unpack the verified sdist of *job* into the build's source folder."""
    from amrasaman_nox.sandbox import process

    world: BuildEnvironment = job.environment
    with installed.fetched(job.source.digest, job.source.filename, store) as file:
        return unpack.unpack(
            file,
            job.source.filename,
            folder / "source",
            mtime=world.source_times,
            order=world.directory_order,
            owner=process.build_owner() if job.isolation != "none" else None,
        )


def ready(
    job: BuildJob,
    store: Store,
    isolation: Isolation,
    folder: Path,
    notify: Callable[[str], None],
) -> tuple[hooks.Runner, str]:
    """Unpack the source, make its environment, and return what runs its hooks, and the backend."""
    info = unpack_source(job, folder, store)
    unpack.check_metadata(info, job.source.pin)
    system = unpack.build_system(info)
    backend = backend_in(system)
    where = place(job, folder, store=store, isolation=isolation, backend=backend, notify=notify)
    runner = hooks.Runner(
        place=where, isolation=isolation, interpreter=job.interpreter, limits=job.limits
    )
    return runner, system.backend


def _record(
    job: BuildJob,
    runner: hooks.Runner,
    name: str,
    backend: str,
    store: Store,
    started: datetime,
) -> BuildRecord:
    """Take the wheel that a backend left, and return its record."""
    with collect(runner.place.output, name) as raw:
        wheel, passes = _keep(raw, name, job, store)
    return BuildRecord(
        name=job.source.name,
        version=job.source.version,
        wheel=wheel,
        source=job.source,
        key=job.key,
        requirements=tuple(sorted(job.requirements)),
        interpreter=job.interpreter,
        environment=job.environment,
        isolation=runner.isolation.rung,
        config_settings=job.config_settings,
        backend=backend,
        passes=passes,
        cpu_seconds=runner.cpu_seconds,
        isolation_reasons=runner.isolation.reasons,
        tools=tools.reachable(),
        started=started,
        finished=datetime.now(UTC),
    )


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
    found = sorted(item.name for item in output.iterdir())
    if found != [name]:
        shown = ", ".join(found) or "nothing"
        reason = f"bad backend result: it named {name}, and left {shown}"
        raise hooks.HookFailed(hook=hook, reason=reason)
    unfit = hooks.HookFailed(
        hook=hook, reason=f"bad backend result: {name} is not a regular file with one link"
    )
    try:
        number = os.open(output / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise unfit from None
        raise AsamanError(
            str(output / name), error.strerror or str(error), code=ExitCode.INPUT_OUTPUT
        ) from None
    # Only now is it known what was opened; a folder makes no file object.
    facts = os.fstat(number)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        os.close(number)
        raise unfit
    with os.fdopen(number, "rb") as file:
        yield file


def _keep(raw: BinaryIO, name: str, job: BuildJob, store: Store) -> tuple[Wheel, tuple[str, ...]]:
    """Read the wheel strictly, bring it into canonical form and put it into the store.

    Where the wheel is wanted as the backend wrote it, its bytes are kept as they are.
    """
    if not job.canonical:
        wheel = reader.wheel_value(reader.read_wheel(raw, name, pin=job.source.pin))
        raw.seek(0)
        store.add(iter(lambda: raw.read(_CHUNK), b""), wheel.digest)
        return wheel, ()
    epoch = job.environment.source_date_epoch or 0
    with store.temporary("wheel-") as folder:
        path = folder / "wheel"
        with path.open("w+b") as written:
            wheel, passes = canonical.canonicalise(
                raw, name, written, epoch=epoch, pin=job.source.pin
            )
            written.seek(0)
            store.add(iter(lambda: written.read(_CHUNK), b""), wheel.digest)
    return wheel, passes


def failed(job: BuildJob, stage: str, error: AsamanError) -> BuildFailure:
    """Return *error* as the failure of *job*."""
    return BuildFailure(
        name=job.source.name,
        version=job.source.version,
        stage=stage,
        reason=str(error),
        hint=error.hint,
        code=error.code or ExitCode.BUILD_FAILED,
        origin=job.source.pin.origin,
    )
