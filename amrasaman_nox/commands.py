"""What each command does, told apart from how it is called: options in, work, results, exit code.

The console scripts and the nox sessions both end here. Results go to stdout, and everything else
to stderr.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import files
from amrasaman_nox.config import layers as configuration
from amrasaman_nox.config import options
from amrasaman_nox.errors import AsamanError, ExitCode, printable
from amrasaman_nox.model import Verdict
from amrasaman_nox.reports import progress
from amrasaman_nox.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildFailure, Event, Report

    Notify = Callable[[Event], None]

#: Lines of a build's log that are shown with its failure.
LOG_LINES: Final = 40
#: How long threads may take to end after an interrupt, in seconds.
_GRACE: Final = 1.0
_WIDTH: Final = 100


class NothingToDo(AsamanError):  # noqa: N818 - a session is skipped for it
    """Neither the options nor the configuration name anything to work on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """How a command was called.

    ``session`` is the command's session name, ``program`` what usage lines call it. Paths of
    ``arguments`` count from ``invoked_from``, those of the configuration from ``folder``.
    """

    session: str
    arguments: tuple[str, ...]
    folder: Path
    invoked_from: Path
    registered: Config | None = None
    program: str = ""


def run(call: Call) -> ExitCode:
    """Run a command and print what it found; return its exit code.

    :raises NothingToDo: no arguments are given, and the configuration names no requirement
    :raises KeyboardInterrupt: by SIGINT, SIGTERM or SIGHUP
    """
    stdout, stderr = Stream(sys.stdout), Stream(sys.stderr)
    traceback = "--traceback" in call.arguments
    try:
        with interruptible(), _quiet_loggers():
            parsed = options.parse(call.session, call.arguments, call.program)
            if parsed.text is not None:
                stdout.line(parsed.text)
                code = ExitCode.DONE
            else:
                code = _run(call, parsed, stdout, stderr)
    except NothingToDo:
        raise
    except Exception as error:
        # A user sees one line, whatever it was.
        code = _tell(error, stderr, traceback=traceback)
    return _ended(code, stdout, stderr)


def tell(error: AsamanError) -> ExitCode:
    """Print *error* on stderr; return its exit code."""
    return _tell(error, Stream(sys.stderr), traceback=False)


def show(report: Report, config: Config) -> ExitCode:
    """Print *report*, write the files that *config* asks for; return what it comes to."""
    stdout, stderr = Stream(sys.stdout), Stream(sys.stderr)
    _print(report, config, stdout, stderr)
    return _ended(exit_code(report), stdout, stderr)


@contextlib.contextmanager
def interruptible(at_last: Callable[[], object] | None = None) -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, so that builds end and folders are removed.

    :param at_last: is called in a thread where the block has not ended a second after a signal,
        since one of its threads waits for a network that does not answer
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    timers: list[threading.Timer] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if at_last is not None and not timers:
            timers.append(threading.Timer(_GRACE, at_last))
            timers[0].daemon = True
            timers[0].start()
        outer = former[signal.Signals(number)]
        if callable(outer):
            outer(number, frame)
        raise KeyboardInterrupt

    # One that is ignored, as by nohup, stays ignored; one set outside of Python cannot be restored.
    kept = (None, signal.SIG_IGN)
    former = {
        number: handler
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        if (handler := signal.getsignal(number)) not in kept
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


def exit_code(report: Report) -> ExitCode:
    """Return what *report* comes to: the first failure's code, else whether anything differs."""
    if report.build.failures:
        return report.build.failures[0].code
    verdicts = {comparison.verdict for comparison in report.comparisons}
    if Verdict.FAILED in verdicts:
        return ExitCode.BUILD_FAILED
    refused = {Verdict.DIFFERENT}
    if report.allowed is Verdict.IDENTICAL:
        refused.add(Verdict.EQUIVALENT)
    return ExitCode.DIFFERENT if verdicts & refused else ExitCode.DONE


# --- the work --------------------------------------------------------------------------------


def _build(config: Config, notify: Notify) -> Report:
    from amrasaman_nox.runs import build

    return build.build_wheels(config, notify=notify)


def _lock(config: Config, notify: Notify) -> Report:
    from amrasaman_nox.runs import build

    return build.lock_build_requirements(config, notify=notify)


def _verify(config: Config, notify: Notify) -> Report:
    from amrasaman_nox.verification import verify

    report: Report = verify.verify(config, notify=notify)
    return report


def _merge(config: Config, _: Notify) -> Report:
    from amrasaman_nox.runs import merge

    return merge.merge(config)


def _generate(config: Config, _: Notify) -> Report:
    from amrasaman_nox.outputs import verified

    if config.requirement is None:
        raise AsamanError("no requirements file", "none is given", hint="name it: REQUIREMENT")
    return verified.write_verified(
        config, config.requirement, config.verified, config.output, config.skip
    )


#: What does the work of a command; each imports what it needs, since most of it is slow to import.
_WORK: Final[dict[str, Callable[[Config, Notify], Report]]] = {
    options.BUILD: _build,
    options.GENERATE: _generate,
    options.VERIFY: _verify,
    options.LOCK: _lock,
    options.MERGE: _merge,
}


def _run(call: Call, parsed: options.Parsed, stdout: Stream, stderr: Stream) -> ExitCode:
    config = configuration.load(
        parsed.values,
        registered=call.registered,
        folder=call.folder,
        invoked_from=call.invoked_from,
        environ=configuration.snapshot(),
    )
    config = _with_input(call, config, stderr)
    with progress.shown(
        stderr, quiet=config.quiet, verbose=config.verbose, color=config.color
    ) as display:
        report = _WORK[call.session](config, display.notify)
    _print(report, config, stdout, stderr)
    return exit_code(report)


def _with_input(call: Call, config: Config, stderr: Stream) -> Config:
    if call.session == options.MERGE:
        if not config.folders:
            error = NothingToDo if not call.arguments else AsamanError
            raise error("no folders", "none is given", hint="name them: DIRECTORY...")
        return config
    if call.session == options.GENERATE:
        if config.requirement is None:
            error = NothingToDo if not call.arguments else AsamanError
            raise error("no requirements file", "none is given", hint="name it: REQUIREMENT")
        return config
    found = configuration.with_project(config, call.folder)
    if found is not None:
        return found
    stderr.line(options.parse(call.session, ["--help"], call.program).text or "")
    raise AsamanError(
        "nothing to build",
        f"no pyproject.toml in {call.folder}",
        hint="name a requirements file (-r), an archive (-s) or a folder of archives (-d)",
    )


# --- what is printed and written -------------------------------------------------------------


def _print(report: Report, config: Config, stdout: Stream, stderr: Stream) -> None:
    _write_reports(report, config, stdout)
    tabled = config.json != "-" and not config.quiet
    # Who sees both streams in one place is told of a failure once.
    together = stdout.isatty() and stderr.isatty()
    if tabled:
        from amrasaman_nox.reports import table

        color = config.color == "always" or (config.color == "auto" and stdout.isatty())
        width = shutil.get_terminal_size((_WIDTH, 24)).columns if stdout.isatty() else None
        text = table.render(report, width=width, colour=color, failures=not together)
        stdout.line(text.rstrip("\n"))
    elif not config.quiet:
        for line in _remarks(report):
            stderr.line(printable(line))
    for failure in report.build.failures:
        for line in _failure_lines(failure, with_log=together or not tabled):
            stderr.line(line)


def _remarks(report: Report) -> Iterator[str]:
    """Yield what the table would have said beside its rows."""
    yield from (f"note: {note}" for note in (*report.build.notes, *report.notes))
    yield from (f"left out: {pin}: {why}" for pin, why in report.build.left_out)
    if report.isolation:
        yield f"isolation: {report.isolation}"


def _failure_lines(failure: BuildFailure, *, with_log: bool) -> Iterator[str]:
    if with_log:
        # Behind the bar, what a build prints is no command to a terminal or to a CI service.
        for line in failure.log.splitlines()[-LOG_LINES:]:
            yield f"| {printable(line)}"
    yield from AsamanError(
        f"{failure.name}=={failure.version}",
        f"{failure.stage}: {failure.reason}",
        hint=failure.hint,
        code=failure.code,
        origin=failure.origin,
    ).lines()
    if with_log and failure.log_path:
        yield printable(f"log: {failure.log_path}")


def _write_reports(report: Report, config: Config, stdout: Stream) -> None:
    if config.json is not None:
        from amrasaman_nox.reports import json

        text = json.render(report)
        if config.json == "-":
            stdout.line(text.rstrip("\n"))
        else:
            write_file(Path(config.json), text)
    if config.markdown is not None or config.summary is not None:
        from amrasaman_nox.reports import markdown

        text = markdown.render(report)
        if config.markdown is not None:
            write_file(config.markdown, text)
        if config.summary is not None:
            _append(config.summary, text)
    if config.html is not None:
        from amrasaman_nox.reports import html

        write_file(config.html, html.render(report))


def write_file(path: Path, text: str) -> None:
    """Write *text* to *path* by one rename, so that a reader finds the old file or the new one.

    :raises AsamanError: it is there and no regular file (exit 2), or cannot be written (exit 5)
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise AsamanError(str(path), "not a regular file", hint="name another file")
    try:
        files.put_in_place(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise _unwritable(path, error) from None


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text if text.endswith("\n") else f"{text}\n")
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> AsamanError:
    return AsamanError(
        f"cannot write {path}", error.strerror or str(error), code=ExitCode.INPUT_OUTPUT
    )


# --- what goes wrong -------------------------------------------------------------------------


def _tell(error: Exception, stderr: Stream, *, traceback: bool) -> ExitCode:
    if traceback:
        from traceback import format_exception

        for part in format_exception(error):
            for line in part.splitlines():
                stderr.line(printable(line))
    told = _as_ours(error)
    for line in told.lines():
        stderr.line(line)
    return told.code


def _as_ours(error: Exception) -> AsamanError:
    if isinstance(error, AsamanError):
        return error
    if isinstance(error, OSError):
        return AsamanError(
            str(error.filename or "input/output"),
            error.strerror or str(error) or type(error).__name__,
            code=ExitCode.INPUT_OUTPUT,
        )
    return AsamanError(
        f"fault of amrasaman-nox: {type(error).__name__}",
        str(error) or "no more is known",
        hint="please report it, with what --traceback prints",
        code=ExitCode.INPUT_OUTPUT,
    )


def _ended(code: ExitCode, stdout: Stream, stderr: Stream) -> ExitCode:
    stdout.flush()
    stderr.flush()
    if stdout.failure is None or code is not ExitCode.DONE:
        return code
    return _tell(
        AsamanError(
            "stdout",
            stdout.failure.strerror or str(stdout.failure),
            code=ExitCode.INPUT_OUTPUT,
        ),
        stderr,
        traceback=False,
    )


@contextlib.contextmanager
def _quiet_loggers() -> Iterator[None]:
    """Keep the libraries' own messages off stderr; nox lets every one of them through."""
    former = logging.root.manager.disable
    logging.disable(max(former, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(former)
