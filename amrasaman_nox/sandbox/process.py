"""Starts, watches and ends processes of foreign code; nothing else does.

A :class:`ProcessSpec` says what a process may see; a rung of the ladder turns it into a command
line, which is started here, watched and ended with all that it started.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, system_reason
from amrasaman_nox.sandbox import memory, system_calls
from amrasaman_nox.sandbox.kept_log import KeptLog
from amrasaman_nox.sandbox.meter import Meter, descendants
from amrasaman_nox.sandbox.view import (
    BEGUN,
    TEMPORARY,
    Isolation,
    Launch,
    ProcessSpec,
    build_owner,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TAIL: Final = 64 << 10
_TICK: Final = 0.1
#: How a process ends that the kernel kills; a shell says it in its own way.
_KILLED: Final = (-signal.SIGKILL, 128 + signal.SIGKILL)
_FULL: Final = os.strerror(errno.ENOSPC)
#: How long killed processes are waited for, in seconds; one that the disk holds up takes longer.
_PATIENCE: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a process ended.

    ``code`` is its exit status, negative for a signal. ``limit`` names the limit that ended it, or
    is ``""``. ``tail`` is the end of its output; ``cpu_seconds`` what it and its children used.
    ``outgrew`` is whether it failed since its folder in memory was too small.
    """

    code: int
    limit: str
    tail: str
    cpu_seconds: float
    outgrew: bool = False


def run(command: ProcessSpec, isolation: Isolation) -> Completed:
    """Run *command*; when this returns, all of its processes are dead.

    On the rung ``none`` that is promised for those only that did not leave its process tree.

    :raises AsamanError: the isolation itself failed (exit 4), or memory ran out (exit 5)
    """
    killed = memory.killed()
    with (
        _PROCESSORS.taken(command.environment.processors) as processors,
        # The thread that starts a process lives as long as that does: the kernel ends what was
        # started "with its parent" at the end of the thread.
        ThreadPoolExecutor(1) as starter,
    ):
        fixed = isolation.fixed_addresses and not command.environment.random_addresses
        command = replace(command, processors=processors, fixed_addresses=fixed)
        process = starter.submit(_started, command, isolation).result()
        watch = _Watch(process=process, command=command, isolation=isolation)
        try:
            with KeptLog(command.log) as log:
                limit = watch.until_the_end(log)
        finally:
            code, used = _end(process)
    if not watch.begun and not limit:
        raise _failed(isolation, watch.words, code)
    if not limit and code in _KILLED and memory.killed() > killed:
        raise AsamanError(
            "memory",
            "out of memory: the kernel killed the build",
            hint="free some memory, or run fewer parallel builds: --jobs 1",
            code=ExitCode.INPUT_OUTPUT,
        )
    tail = _tail(command.log)
    return Completed(
        code=code,
        limit=limit or _kernel_limit(code, tail, command),
        tail=tail,
        cpu_seconds=used,
        outgrew=watch.outgrown or bool(command.memory and code and _FULL in tail),
    )


def _failed(isolation: Isolation, words: bytes, code: int) -> AsamanError:
    """Return the error that is made of what the isolation's own programs said."""
    lines = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
    return AsamanError(
        f'isolation "{isolation.rung}"',
        f"failed before the build started: {lines[0] if lines else f'exit status {code}'}",
        code=ExitCode.NOT_AVAILABLE,
    )


def _launch(command: ProcessSpec, isolation: Isolation) -> Launch:
    """Return the command line by which the rung of *isolation* starts *command*."""
    module, _, name = RUNGS[isolation.rung].launch.partition(":")
    launch: Callable[[ProcessSpec, bool], Launch] = getattr(
        import_module(f"amrasaman_nox.{module}"), name
    )
    return launch(command, isolation.filtered)


def _started(command: ProcessSpec, isolation: Isolation) -> subprocess.Popen[bytes]:
    _leave_keyring(isolation)
    launch = _launch(command, isolation)
    cwd = "/" if isolation.constant_paths else command.directory
    try:
        process = _popen(launch, command.variables, cwd, command.environment.umask)
    except OSError as error:
        raise AsamanError(
            f'isolation "{isolation.rung}"',
            f"cannot start {launch.argv[0]}: {system_reason(error)}",
            code=ExitCode.NOT_AVAILABLE,
            kind=Kind.ISOLATION,
        ) from None
    finally:
        launch.close()
    # Where memory runs out, the kernel ends the build and nothing else.
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("900")
    return process


def _leave_keyring(isolation: Isolation) -> None:
    """Leave the caller's session keyring; the thread that calls this starts one process and ends.

    :raises AsamanError: there is no other one, and the filter would not refuse its use (exit 4)
    """
    try:
        system_calls.join_new_keyring()
    except OSError as error:
        if not isolation.filtered:
            raise AsamanError(
                f'isolation "{isolation.rung}"',
                f"cannot create a session keyring: {system_reason(error)}",
                code=ExitCode.NOT_AVAILABLE,
                kind=Kind.ISOLATION,
            ) from None


def _popen(
    launch: Launch, variables: Mapping[str, str], cwd: str, umask: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.argv,
        stdin=subprocess.DEVNULL if launch.stdin is None else launch.stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(variables),
        # The build itself would inherit a second number of the script that is standard input.
        pass_fds=[number for number in launch.files if number != launch.stdin],
        start_new_session=True,
        umask=umask,
        cwd=cwd,
    )


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


# --- watching ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Watch:
    """Copies the output of a process to its log, and holds it against its limits."""

    process: subprocess.Popen[bytes]
    command: ProcessSpec
    isolation: Isolation
    begun: bool = False
    words: bytes = b""
    written: int = 0
    outgrown: bool = False
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)

    def until_the_end(self, log: KeptLog) -> str:
        """Return when the process has ended, or with the limit that it passed.

        The end is that of the process, not of its output: a build may close it, or leave it open.
        """
        output, ended = _output_of(self.process), os.pidfd_open(self.process.pid)
        meter = self._meter()
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(output, selectors.EVENT_READ)
                selector.register(ended, selectors.EVENT_READ)
                while True:
                    ready = {key.fd for key, _ in selector.select(timeout=_TICK)}
                    chunk = _read(output) if output in ready else None
                    if chunk:
                        self._take(chunk, log)
                    elif ended in ready:
                        return ""
                    elif chunk == b"":
                        selector.unregister(output)
                    passed = self._passed() or (meter.passed() if self.begun else "")
                    if passed:
                        return passed
        finally:
            os.close(ended)
            self.outgrown = meter.outgrown

    def _meter(self) -> Meter:
        command = self.command
        folders = {item.host for item in command.folders if item.writable and item.host}
        temporary = (*TEMPORARY, command.environment.home, *command.memory)
        if not self.isolation.constant_paths:
            folders.add(Path(command.directory))
            temporary = ()
        return Meter(
            pid=self.process.pid,
            folders=tuple(folders),
            temporary=temporary,
            limits=command.limits,
            own=command.memory if temporary else (),
            own_size=command.memory_size,
        )

    def _take(self, chunk: bytes, log: KeptLog) -> None:
        if not self.begun:
            self.words += chunk
            before, marker, chunk = self.words.partition(BEGUN)
            if not marker:
                self.words = self.words[-_TAIL:]
                return
            self.begun, self.words = True, before
        log.write(chunk)
        if self.command.heard is not None:
            self.command.heard(chunk)
        self.written, self.heard = log.written, time.monotonic()

    def _passed(self) -> str:
        limits, now = self.command.limits, time.monotonic()
        rows = (
            (limits.time, now - self.started, f"time limit exceeded ({limits.time:g} s)"),
            (
                limits.silence,
                now - self.heard,
                f"silence limit exceeded ({limits.silence:g} s without output)",
            ),
            (limits.log, self.written, f"log size limit exceeded ({limits.log} bytes)"),
        )
        return next((name for limit, value, name in rows if limit and value > limit), "")


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


def _kernel_limit(code: int, tail: str, command: ProcessSpec) -> str:
    """Return the limit that the kernel kept and that made the process fail, or ``""``."""
    too_large = {-signal.SIGXFSZ, 128 + signal.SIGXFSZ}
    if command.limits.file and (code in too_large or (code and "File too large" in tail[-4096:])):
        return f"file size limit exceeded ({command.limits.file} bytes)"
    return ""


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        return file.read().decode("utf-8", "backslashreplace")


# --- ending --------------------------------------------------------------------------------------


def _end(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Kill what is left, reap it, and return the exit status and the CPU seconds used."""
    _kill_tree(process.pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdout is not None:
        process.stdout.close()
    return process.returncode, used.ru_utime + used.ru_stime


def kill_all() -> None:
    """Kill every process that this one started and that still runs: a run was interrupted.

    When this returns they are dead, with all that they started.
    """
    _kill(descendants(os.getpid()))


def _kill_tree(pid: int) -> None:
    """Kill *pid* and what it started; it stays to be reaped."""
    _kill([pid, *descendants(pid)])


def _kill(pids: list[int]) -> None:
    """Kill processes, and wait until they are dead.

    The first process of a PID namespace is dead only when all others in it are.
    """
    with contextlib.ExitStack() as stack:
        # Last come first: the first process of a namespace outlives no parent that waits for it.
        ends = [end for pid in reversed(pids) for end in _killed(pid, stack)]
        limit = time.monotonic() + _PATIENCE
        for end in ends:
            with selectors.DefaultSelector() as selector:
                selector.register(end, selectors.EVENT_READ)
                selector.select(timeout=max(0.0, limit - time.monotonic()))


def _killed(pid: int, stack: contextlib.ExitStack) -> Iterator[int]:
    """Kill a process and yield a file that is readable when it is dead; it may be gone by now."""
    with contextlib.suppress(OSError):
        end = os.pidfd_open(pid)
        stack.callback(os.close, end)
        signal.pidfd_send_signal(end, signal.SIGKILL)
        yield end


# --- owners --------------------------------------------------------------------------------------


def give_to(folder: Path, user: int, group: int) -> None:
    """Make *user* and *group* the owners of *folder* and of all that is in it; links stay links."""
    os.chown(folder, user, group)
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(f"{path}/{name}", user, group, follow_symlinks=False)


def give_to_build(folder: Path) -> None:
    """Make the unprivileged user of builds the owner of *folder*, where we are root."""
    owner = build_owner()
    if owner is not None:
        give_to(folder, owner, owner)
