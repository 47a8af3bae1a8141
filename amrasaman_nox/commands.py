"""How a command runs, however it is called: options in, work, results, exit code.

The console scripts and the nox sessions both end here. Results go to stdout, and everything else
to stderr.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import system
from amrasaman_nox.config import companions, places
from amrasaman_nox.config import layers as configuration
from amrasaman_nox.config.commands import LOCKS
from amrasaman_nox.config.help import help_text
from amrasaman_nox.config.inputs import FIELDS
from amrasaman_nox.config.variables import snapshot
from amrasaman_nox.errors import AsamanError, ExitCode, printable
from amrasaman_nox.inputs import workspace
from amrasaman_nox.model import Called
from amrasaman_nox.reports import ending, progress
from amrasaman_nox.reports.console import ended, print_report, quiet_loggers, tell_error
from amrasaman_nox.reports.so_far import SoFar
from amrasaman_nox.reports.stream import Stream
from amrasaman_nox.verification.acceptance import exit_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from amrasaman_nox.config.commands import Command
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.config.places import Places
    from amrasaman_nox.model import Event, Report

#: What ends a run; Windows has no SIGHUP.
_SIGNALS: Final = tuple(
    number for number in signal.Signals if number.name in {"SIGTERM", "SIGHUP", "SIGINT"}
)
#: How long threads may take to end after an interrupt, in seconds.
_GRACE: Final = 1.0
#: After how long what is known is printed where they take longer, in seconds.
_SOON: Final = 0.4


class NothingToDo(AsamanError):  # noqa: N818 - a session is skipped for it
    """Nothing is asked for: no options are given, and the configuration sets no argument."""


class NeedsLinux(AsamanError):  # noqa: N818 - a session is skipped for it
    """The command builds, and this is another system."""

    def __init__(self) -> None:
        why = f"needs Linux, and this is {sys.platform}"
        hint = "in a container: docs/how-to/container.md of amrasaman-nox"
        super().__init__("building", why, hint=hint, code=ExitCode.NOT_AVAILABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """How a command was called.

    ``program`` is what usage lines call it. ``values`` are the fields that its options set; their
    paths count from ``invoked_from``. Without ``places``, settings and project are looked for from
    there upwards. ``project`` among the values, the folder of a project, wins over both, and over
    what is ``registered`` in a noxfile. What is ``withheld`` are fields that nothing sets.
    ``shared`` tells that other commands have the same options in this run, so that some need not
    have an effect here.
    """

    command: Command
    values: Mapping[str, Any]
    invoked_from: Path
    program: str
    places: Places | None = None
    registered: Config | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    shared: bool = False


def run(call: Call) -> ExitCode:
    """Run a command and print what it found; return its exit code.

    :raises NothingToDo: no options are given, and the configuration sets no argument
    :raises NeedsLinux: the command builds, and this is another system
    :raises KeyboardInterrupt: by SIGINT, SIGTERM or SIGHUP
    """
    stdout, stderr = Stream(sys.stdout), Stream(sys.stderr)
    traceback, annotated = call.values.get("traceback", False), False
    try:
        with interruptible(), quiet_loggers():
            call, where = _placed(call)
            withheld: dict[str, Any] = dict.fromkeys(call.withheld)
            config = dataclasses.replace(_config(call, where), **withheld)
            traceback, annotated = config.traceback, config.annotations
            code = _run(call, config, where.project, stdout, stderr)
    except (NothingToDo, NeedsLinux):
        raise
    except Exception as error:
        # A user sees one line, whatever it was.
        code = tell_error(error, stderr, traceback=traceback, annotated=annotated)
    return ended(code, stdout, stderr)


@contextlib.contextmanager
def interruptible(
    at_last: Callable[[], object] | None = None,
    *,
    at_once: Callable[[], object] = lambda: None,
    grace: float = _GRACE,
) -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, so that builds end and folders are removed.

    :param at_last: is called in a thread where the block has not ended *grace* seconds after a
        signal, since one of its threads waits for a network that does not answer
    :param at_once: is called in the signal handler
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    timers: list[threading.Timer] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        at_once()
        if at_last is not None and not timers:
            timers.append(threading.Timer(grace, at_last))
            timers[0].daemon = True
            timers[0].start()
        outer = former[signal.Signals(number)]
        if callable(outer):
            outer(number, frame)
        raise KeyboardInterrupt

    # One that is ignored, as by nohup, stays ignored; one set outside of Python cannot be restored.
    kept = (None, signal.SIG_IGN)
    former = {
        number: handler for number in _SIGNALS if (handler := signal.getsignal(number)) not in kept
    }
    for number in former:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        for timer in timers:
            timer.cancel()


def _placed(call: Call) -> tuple[Call, Places]:
    """Return *call* without the project that its options name, and where it looks.

    :raises AsamanError: there is no such folder
    """
    values, here = dict(call.values), call.invoked_from
    named = values.pop("project", None)
    if named is not None:
        if not named or "\0" in named:
            raise AsamanError("--project", "the path of a folder is required")
        start = Path(os.path.abspath(here / named))  # noqa: PTH100 - symlinks stay as they are
        found = places.found(start, here)
        call = dataclasses.replace(call, values=values, registered=None)
    else:
        found = call.places or places.found(here, here)
    if values.get("all_packages"):
        root = workspace.root_of(found.project)
        found = dataclasses.replace(found, project=root or found.project)
    return call, found


def _config(call: Call, where: Places) -> Config:
    return configuration.load(
        call.values,
        registered=call.registered,
        folder=where.settings,
        project=where.project,
        here=where.here,
        invoked_from=call.invoked_from,
        environ=snapshot(),
        defaults=call.defaults,
    )


def _run(call: Call, config: Config, project: Path, stdout: Stream, stderr: Stream) -> ExitCode:
    # A check builds nothing, but what it shares with builds is POSIX.
    checks = config.check and system.HAS_LOCKS
    if LOCKS in call.command.does and not system.builds() and not checks:
        raise NeedsLinux
    begun = time.monotonic()
    config = _with_input(call, config, project, stderr)
    if not call.shared:
        companions.check(call.command, call.values, config)
    known = SoFar(call.command.session, config)
    shown = progress.shown(stderr, quiet=config.quiet, verbose=config.verbose, color=config.color)
    try:
        with shown as display:

            def notify(event: Event) -> None:
                # Builds that the interrupt ends have not failed.
                if known.take(event):
                    display.notify(event)

            def at_last() -> None:
                display.close()
                known.print(stdout, stderr)

            with interruptible(at_last, at_once=known.close, grace=_SOON):
                report = _work(call.command)(config, notify=notify)
    except KeyboardInterrupt:
        known.print(stdout, stderr)
        raise
    report = dataclasses.replace(
        report, called=_called(call, config), documents=config.docs_url or ""
    )
    print_report(report, config, stdout, stderr)
    for warning in report.warnings:
        stderr.warn(warning, color=config.color)
    if stderr.isatty() and not config.quiet and LOCKS in call.command.does:
        passed = time.monotonic() - begun
        for line in ending.lines(report, config, seconds=passed, folder=call.invoked_from):
            stderr.line(printable(line))
    return exit_code(report)


def _called(call: Call, config: Config) -> Called:
    given = (*(getattr(config, name) for name in FIELDS), *config.more_requirements)
    return Called(
        command=call.program.removesuffix(" --"),
        inputs=tuple(str(path) for path in given if path),
        ended=datetime.now(UTC),
    )


def _work(command: Command) -> Callable[..., Report]:
    """Return the function that does the work, imported only now: most are slow to import."""
    module, _, name = command.work.partition(":")
    work: Callable[..., Report] = getattr(import_module(f"amrasaman_nox.{module}"), name)
    return work


def _nowhere(folder: Path) -> str:
    return f"no pyproject.toml in {folder}, nor in a folder above it that is yours"


def _with_input(call: Call, config: Config, project: Path, stderr: Stream) -> Config:
    for argument in call.command.arguments:
        if argument.required and not getattr(config, argument.field):
            error = NothingToDo if not call.values else AsamanError
            raise error(call.program, f"missing argument {argument.metavar}")
    if not call.command.project:
        return config
    if call.command.alone:
        config = configuration.without_pins(config, project)
        folder = config.project or project
        if not configuration.is_project(folder):
            file = folder / "pyproject.toml"
            why = f"no [project] in {file}" if file.is_file() else _nowhere(folder)
            raise NothingToDo("no project", why, hint="--project DIRECTORY names one")
        return config
    found = configuration.with_project(config, project)
    if found is not None:
        return found
    stderr.line(help_text(call.command, call.program))
    raise AsamanError(
        "nothing to build",
        _nowhere(project),
        hint="give a requirements file (-r), an archive (-s) or a folder of archives (-d)",
    )
