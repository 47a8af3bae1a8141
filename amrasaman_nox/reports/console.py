"""What a command prints: its table, its failures, its errors."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import files
from amrasaman_nox.config.reports import FORMATS, TO_STDOUT
from amrasaman_nox.errors import AsamanError, ExitCode, printable, system_reason
from amrasaman_nox.reports.stream import Stream
from amrasaman_nox.verification.acceptance import compared_nothing, exit_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildFailure, Report


_WIDTH: Final = 100


def tell(error: AsamanError) -> ExitCode:
    """Print *error* on stderr; return its exit code."""
    return tell_error(error, Stream(sys.stderr))


def show(report: Report, config: Config) -> ExitCode:
    """Print *report*, write the files that *config* asks for; return what it comes to."""
    stdout, stderr = Stream(sys.stdout), Stream(sys.stderr)
    print_report(report, config, stdout, stderr)
    return ended(exit_code(report), stdout, stderr)


def show_text(text: str) -> ExitCode:
    """Print *text* on stdout; return whether that went well."""
    stdout = Stream(sys.stdout)
    stdout.line(text)
    return ended(ExitCode.DONE, stdout, Stream(sys.stderr))


def print_report(report: Report, config: Config, stdout: Stream, stderr: Stream) -> None:
    """Print *report*: results to *stdout*, everything else to *stderr*.

    The files that are asked for are written first.

    :raises AsamanError: a report file cannot be written (exit 2 or 5)
    """
    write_reports(report, config, stdout)
    printed = any(getattr(config, name) == "-" for name in TO_STDOUT)
    tabled = not printed and not config.quiet
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
    for line in _complaints(report, config, with_log=together or not tabled):
        stderr.line(line)


def _complaints(report: Report, config: Config, *, with_log: bool) -> Iterator[str]:
    """Yield what stderr says of failures."""
    for failure in report.build.failures:
        yield from _failure_lines(failure, with_log=with_log)
    yield from _only_binary(report, config)
    for fact in report.facts:
        if fact.required and not fact.works:
            yield from AsamanError(f"--require {fact.name}", fact.value, hint=fact.fix).lines()
    if config.annotations:
        from amrasaman_nox.reports import annotations

        yield from annotations.of_report(report)
    if compared_nothing(report) and not report.build.failures:
        yield from AsamanError(report.command, "nothing was compared").lines()


def _only_binary(report: Report, config: Config) -> Iterator[str]:
    """Yield the one option that takes the published wheels of all that could not be built."""
    names = dict.fromkeys(one.name for one in report.build.failures if one.takes_wheel)
    if len({*config.only_binary, *names}) > 1 and names:
        option = ",".join(dict.fromkeys((*config.only_binary, *names)))
        yield printable(f"hint: to use their published wheels: --only-binary {option}")


def _remarks(report: Report) -> Iterator[str]:
    """Yield what the table would have said beside its rows."""
    from amrasaman_nox.reports import changes, facts, findings, machine, stages

    yield from findings.lines(report)
    yield from machine.lines(report)
    yield from changes.lines(report)
    yield from (f"{label}: {text}" for label, text in stages.lines(report))
    yield from (f"note: {note}" for note in (*report.build.notes, *report.notes))
    yield from (f"left out: {pin}: {why}" for pin, why in report.build.left_out)
    yield from (f"{label}: {text}" for label, text in facts.circumstances(report))


def _failure_lines(failure: BuildFailure, *, with_log: bool) -> Iterator[str]:
    if with_log:
        from amrasaman_nox.reports import facts

        # Behind the bar, what a build prints is not a command to a terminal or to a CI service.
        yield from facts.tail(failure.log)
    yield from AsamanError(
        f"{failure.name}=={failure.version}",
        f"{failure.stage}: {failure.reason}",
        hint=failure.hint,
        code=failure.code,
        origin=failure.origin,
    ).lines()
    if with_log and failure.log_path:
        yield printable(f"log: {failure.log_path}")


def write_reports(report: Report, config: Config, stdout: Stream) -> None:
    """Write the report files that *config* asks for, and JSON to *stdout* if that is one.

    :raises AsamanError: a file cannot be written (exit 2 or 5)
    """
    for each in FORMATS:
        place = getattr(config, each.name)
        if place is None:
            continue
        module, _, name = each.render.partition(":")
        text: str = getattr(import_module(f"amrasaman_nox.{module}"), name)(report)
        if place == "-":
            stdout.line(text.rstrip("\n"))
        else:
            write_file(Path(place), text)
    if config.summary is not None:
        from amrasaman_nox.reports import markdown

        _append(config.summary, markdown.render(report))


def write_file(path: Path, text: str) -> None:
    """Write *text* to *path* by one rename, so that a reader finds the old file or the new one.

    :raises AsamanError: it is there and no regular file (exit 2), or cannot be written (exit 5)
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise AsamanError(str(path), "not a regular file", hint="choose another file")
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
    return AsamanError(f"cannot write {path}", system_reason(error), code=ExitCode.INPUT_OUTPUT)


def tell_error(
    error: Exception, stderr: Stream, *, traceback: bool = False, annotated: bool = False
) -> ExitCode:
    """Print *error* on *stderr*; return its exit code.

    :param traceback: with a traceback of Python
    :param annotated: for the page of a GitHub Actions run as well
    """
    if traceback:
        from traceback import format_exception

        for part in format_exception(error):
            for line in part.splitlines():
                stderr.line(printable(line))
    told = _as_ours(error)
    for line in told.lines():
        stderr.line(line)
    if annotated:
        from amrasaman_nox.reports import annotations

        for line in annotations.of_error(told):
            stderr.line(line)
    return told.code


def _as_ours(error: Exception) -> AsamanError:
    if isinstance(error, AsamanError):
        return error
    if isinstance(error, OSError):
        return AsamanError(
            str(error.filename or "input/output"),
            system_reason(error),
            code=ExitCode.INPUT_OUTPUT,
        )
    return AsamanError(
        f"internal error: {type(error).__name__}",
        str(error) or "no further details",
        hint="please report it with the output of --traceback",
        code=ExitCode.INPUT_OUTPUT,
    )


def ended(code: ExitCode, stdout: Stream, stderr: Stream) -> ExitCode:
    """Flush both streams; return *code*, or 5 where stdout could not be written."""
    stdout.flush()
    stderr.flush()
    if stdout.failure is None or code is not ExitCode.DONE:
        return code
    return tell_error(
        AsamanError(
            "stdout",
            system_reason(stdout.failure),
            code=ExitCode.INPUT_OUTPUT,
        ),
        stderr,
    )


@contextlib.contextmanager
def quiet_loggers() -> Iterator[None]:
    """Keep the libraries' own messages off stderr; nox lets every one of them through."""
    former = logging.root.manager.disable
    logging.disable(max(former, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(former)
