"""The isolation ladder; the only place that starts a process of foreign code.

A :class:`Command` says what a process may see; a rung of the ladder turns it into a command line.
"""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode, printable
from amrasaman_nox.model import BuildEnvironment, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Who a build runs as where the tool itself is root: no account, and none that systemd hands out.
BUILD_UID = 64230

#: What of the machine a build may read, where it exists.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
_TEMPORARY_SIZE = 8 << 30
_TAIL = 64 << 10
# A build is not the first process of its namespace: signals would not reach that one.
_FIRST = ("/bin/sh", "-c", '"$@"; exit $?', "sh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A file or folder of the host, and the path at which a process sees it."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One process of foreign code: what it is, what it sees, what it may use.

    ``argv`` and ``directory`` are paths as the process sees them. ``variables`` is its whole
    environment. ``log`` is where its output goes. ``memory`` are folders on empty file systems in
    memory, which belong to the process. ``processors`` are those it may run on, none for all.
    """

    argv: tuple[str, ...]
    directory: str
    variables: Mapping[str, str]
    folders: tuple[Folder, ...]
    environment: BuildEnvironment
    limits: Limits
    log: Path
    memory: tuple[str, ...] = ()
    processors: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a process ended.

    ``code`` is its exit status, negative for a signal. ``limit`` names the limit that ended it, or
    is ``""``. ``tail`` is the end of its output; ``cpu_seconds`` what it and its children used.
    """

    code: int
    limit: str
    tail: str
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """The chosen rung, and why each higher one was not."""

    rung: str
    reasons: tuple[str, ...] = ()

    @property
    def constant_paths(self) -> bool:
        """Whether a build sees its folders at constant paths."""
        return self.rung != "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Launch:
    """A command line with the open files that it reads; they are closed after the start."""

    argv: tuple[str, ...]
    files: tuple[int, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def build_owner() -> int | None:
    """Return the uid that must own what a build writes, or ``None`` for our own."""
    return BUILD_UID if os.geteuid() == 0 else None


def choose(wanted: str) -> Isolation:
    """Return the highest rung that works, each tried by running it.

    :param wanted: ``auto``, or the rung that must be had
    :raises AsamanError: the rung does not work here (exit 4)
    """
    reasons: list[str] = []
    for rung in _RUNGS:
        if wanted not in ("auto", rung):
            continue
        reason = _probe(rung)
        if not reason:
            return Isolation(rung=rung, reasons=tuple(reasons))
        reasons.append(f"{rung}: {reason}")
    raise AsamanError(
        f"isolation {wanted}",
        f"not available: {'; '.join(reasons)}",
        hint="install bubblewrap (Debian, Fedora: package bubblewrap), or allow less isolation",
        code=ExitCode.NOT_AVAILABLE,
    )


def run(command: Command, isolation: Isolation) -> Completed:
    """Run *command*; when this returns, all of its processes are dead.

    :raises AsamanError: the isolation itself failed (exit 4)
    """
    with _PROCESSORS.taken(command.environment.processors) as processors:
        launch = _RUNGS[isolation.rung](replace(command, processors=processors))
        process = _started(launch, command, isolation)
        try:
            limit = _watch(process, command)
        finally:
            code, used = _end(process)
    tail = _tail(command.log)
    if code and tail.startswith(("bwrap: ", "unshare: ", "setpriv: ")):
        raise AsamanError(
            f"isolation {isolation.rung}",
            printable(tail.splitlines()[0]),
            code=ExitCode.NOT_AVAILABLE,
        )
    return Completed(code=code, limit=limit, tail=tail, cpu_seconds=used)


def _started(launch: _Launch, command: Command, isolation: Isolation) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**command.variables, **launch.variables},
            pass_fds=launch.files,
            start_new_session=True,
            umask=command.environment.umask,
            cwd=command.directory if isolation.rung == "none" else "/",
        )
    except OSError as error:
        raise AsamanError(
            f"isolation {isolation.rung}",
            f"cannot start {launch.argv[0]}: {error.strerror}",
            code=ExitCode.NOT_AVAILABLE,
        ) from None
    finally:
        for file in launch.files:
            os.close(file)


def _watch(process: subprocess.Popen[bytes], command: Command) -> str:
    """Copy the output to the log until the process ends; return the limit that was passed.

    The end is that of the process, not of its output: a build may close it, or leave it open.
    """
    limits, started, heard, written = command.limits, time.monotonic(), time.monotonic(), 0
    output, ended = _output_of(process), os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector, command.log.open("ab") as log:
            selector.register(output, selectors.EVENT_READ)
            selector.register(ended, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(timeout=0.5)}
                chunk = _read(output) if output in ready else None
                if chunk:
                    log.write(chunk[: max(0, limits.log - written)] if limits.log else chunk)
                    written, heard = written + len(chunk), time.monotonic()
                elif ended in ready:
                    return ""
                elif chunk == b"":
                    selector.unregister(output)
                now = time.monotonic()
                passed = _passed(limits, now - started, now - heard, written)
                if passed:
                    return passed
    finally:
        os.close(ended)


def _output_of(process: subprocess.Popen[bytes]) -> int:
    if process.stdout is None:
        raise ValueError("the process has no output")
    number = process.stdout.fileno()
    os.set_blocking(number, False)
    return number


def _read(number: int) -> bytes | None:
    """Return what there is to read, ``b""`` at the end, ``None`` for nothing yet."""
    try:
        return os.read(number, 65536)
    except BlockingIOError:
        return None


def _passed(limits: Limits, elapsed: float, silent: float, written: int) -> str:
    rows = (
        (limits.time, elapsed, f"time ({limits.time:.0f} s)"),
        (limits.silence, silent, f"silence ({limits.silence:.0f} s without output)"),
        (limits.log, written, f"log size ({limits.log} bytes)"),
    )
    return next((name for limit, value, name in rows if limit and value > limit), "")


def _end(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Kill what is left, reap it, and return the exit status and the CPU seconds used.

    The sandbox's first process takes all others with it, and is gone only when they are.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdout is not None:
        process.stdout.close()
    return process.returncode, used.ru_utime + used.ru_stime


def kill_all() -> None:
    """Kill every process that this one started and that still runs: a run was interrupted."""
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError, ValueError):
            for child in (task / "children").read_text().split():
                os.kill(int(child), signal.SIGKILL)


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        return file.read().decode("utf-8", "backslashreplace")


# --- the rungs -----------------------------------------------------------------------------------


def _full(command: Command) -> _Launch:
    """Bubblewrap: every namespace, and a root that holds only what is named.

    Where the tool is root, one bubblewrap mounts as root, and a second one, started as an
    unprivileged user, forbids nested user namespaces: one alone cannot do both.
    """
    bwrap = _program("bwrap")
    world = command.environment
    files = _Files()
    chdir = ("--chdir", command.directory)
    outer = [
        "--die-with-parent",
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--new-session", "--hostname", world.host_name),
        # Without an init of bubblewrap's own, its end is that of all processes, and it says what
        # they used.
        "--as-pid-1",
        *_root(command, files),
    ]
    identity = ("--unshare-user", "--uid", str(world.uid), "--gid", str(world.uid))
    inner = (*identity, "--disable-userns")
    memory = [part for folder in command.memory for part in _memory(folder, "0755")]
    proc = ("--ro-bind", "/proc/sys", "/proc/sys")
    if os.geteuid() != 0:
        arguments = files.add("\0".join([*outer, *memory, *chdir, *inner, *proc]).encode())
        return _Launch(
            argv=(bwrap, "--args", str(arguments), "--", *_FIRST, *_limited(command)),
            files=tuple(files.numbers),
        )
    keep = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    drop = ("--reuid", str(BUILD_UID), "--regid", str(BUILD_UID), "--clear-groups")
    # Root without capabilities cannot enter what belongs to the build's user: the second one does.
    arguments = files.add("\0".join([*outer, "--chdir", "/", *keep]).encode())
    # The second one mounts what is in memory: it is then the build's own.
    second = ("--die-with-parent", *chdir, *inner, "--dev-bind", "/", "/", *proc, *memory)
    return _Launch(
        argv=(
            *(bwrap, "--args", str(arguments), "--", _program("setpriv"), *drop),
            *(bwrap, *second, "--", *_limited(command)),
        ),
        files=tuple(files.numbers),
    )


class _Files:
    """Open files in memory that a sandbox program reads; host paths stay out of its arguments."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add(self, content: bytes) -> int:
        number = os.memfd_create("amrasaman")
        os.write(number, content)
        os.lseek(number, 0, os.SEEK_SET)
        self.numbers.append(number)
        return number


def _root(command: Command, files: _Files) -> list[str]:
    """Return bubblewrap's arguments for the root that a process sees."""
    world = command.environment
    arguments: list[str] = []
    for folder in _parents(command):
        arguments += ["--perms", "0755", "--dir", folder]
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.exists():
            arguments += ["--ro-bind", name, name]
    for name in _SYSTEM_FILES:
        arguments += ["--ro-bind-try", name, name]
    for name, content in _accounts(world).items():
        arguments += ["--perms", "0644", "--ro-bind-data", str(files.add(content)), name]
    online = f"0-{world.processors - 1}\n" if world.processors > 1 else "0\n"
    cpus = "/sys/devices/system/cpu/online"
    arguments += ["--perms", "0644", "--ro-bind-data", str(files.add(online.encode())), cpus]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for name in ("/dev/shm", "/tmp", world.home):  # noqa: S108 - the sandbox's own
        arguments += _memory(name, "1777")
    for item in command.folders:
        arguments += ["--bind" if item.writable else "--ro-bind", str(item.host), item.inside]
    return arguments


def _memory(folder: str, mode: str) -> tuple[str, ...]:
    return ("--perms", mode, "--size", str(_TEMPORARY_SIZE), "--tmpfs", folder)


def _parents(command: Command) -> list[str]:
    """Return the folders on the way to what is shown, outermost first."""
    inside = [item.inside for item in command.folders] + [command.environment.home]
    inside += [f"{folder}/content" for folder in command.memory]
    inside += ["/etc/passwd", "/sys/devices/system/cpu/online"]
    ways = {
        str(parent)
        for path in inside
        if not path.startswith(("/usr/", "/tmp/"))  # noqa: S108 - the sandbox's own
        for parent in Path(path).parents
    }
    return sorted(ways - {"/"})


def _accounts(world: BuildEnvironment) -> dict[str, bytes]:
    user = f"{world.user}:x:{world.uid}:{world.uid}::{world.home}:/bin/sh\n"
    return {
        "/etc/passwd": f"root:x:0:0::/root:/bin/sh\n{user}".encode(),
        "/etc/group": f"root:x:0:\n{world.user}:x:{world.uid}:\n".encode(),
        "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    }


def _none(command: Command) -> _Launch:
    """No isolation: the normalised environment alone, at the host's own paths."""
    return _Launch(argv=_limited(command))


def _limited(command: Command) -> tuple[str, ...]:
    """Return the command with its limits, its processors and its clock."""
    argv = (*_clock(command.environment), *command.argv)
    taskset, prlimit = shutil.which("taskset"), shutil.which("prlimit")
    if taskset is not None and command.processors:
        argv = (taskset, "--cpu-list", ",".join(map(str, command.processors)), *argv)
    if prlimit is not None:
        file = str(command.limits.file) if command.limits.file else "unlimited"
        argv = (prlimit, f"--fsize={file}", "--core=0", "--", *argv)
    return argv


@functools.cache
def clock_library() -> str:
    """Return the path of libfaketime, or ``""`` where it is not installed."""
    found = (
        path
        for pattern in ("lib/*/faketime", "lib64/faketime", "lib/faketime", "local/lib/faketime")
        for path in sorted(Path("/usr").glob(f"{pattern}/libfaketime.so.1"))
    )
    return str(next(found, ""))


def _clock(world: BuildEnvironment) -> tuple[str, ...]:
    """Return the start of a command line under another clock; times of files stay as they are."""
    if world.clock is None and not world.clock_offset:
        return ()
    if not clock_library():
        raise AsamanError(
            "another clock",
            "libfaketime is not installed",
            hint="install it (Debian, Fedora: package libfaketime)",
            code=ExitCode.NOT_AVAILABLE,
        )
    moment = (
        (f"FAKETIME={world.clock_offset:+d}",)
        if world.clock is None
        else (f"FAKETIME={world.clock + world.clock_offset}", "FAKETIME_FMT=%s")
    )
    variables = ("FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", *moment)
    return (_program("env"), f"LD_PRELOAD={clock_library()}", *variables)


@dataclass(slots=True)
class _Processors:
    """Which processors the running sandboxes were given, so that they share them evenly."""

    used: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def taken(self, count: int) -> Iterator[tuple[int, ...]]:
        """Hold *count* processors, the least used ones, or all where there are no more."""
        with self.lock:
            found = sorted(os.sched_getaffinity(0), key=lambda one: (self.used[one], one))
            chosen = tuple(sorted(found[:count]))
            self.used.update(chosen)
        try:
            yield chosen
        finally:
            with self.lock:
                self.used.subtract(chosen)


_PROCESSORS: Final = _Processors()


_RUNGS: dict[str, Callable[[Command], _Launch]] = {"full": _full, "none": _none}


# --- probing -------------------------------------------------------------------------------------


@functools.cache
def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise AsamanError(f"program {name}", "it is not installed", code=ExitCode.NOT_AVAILABLE)
    return found


def _probe(rung: str) -> str:
    """Run one small command on *rung*; return why that failed, or ``""``."""
    limits = replace(Limits(), time=20.0)
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    command = Command(
        argv=("/bin/sh", "-c", "exit 42"),
        directory="/",
        variables={"PATH": "/usr/bin:/bin"},
        folders=(),
        environment=BuildEnvironment(),
        limits=limits,
        log=Path(os.devnull),
    )
    try:
        launch = _RUNGS[rung](command)
    except AsamanError as error:
        return str(error)
    try:
        done = subprocess.run(
            launch.argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(command.variables),
            pass_fds=launch.files,
            timeout=limits.time,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return printable(str(error))
    finally:
        for file in launch.files:
            os.close(file)
    if done.returncode == 42:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return printable(said[0]) if said else f"exit status {done.returncode}"
