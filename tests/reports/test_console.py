"""What a command prints: its table, its failures, its errors, and its exit code."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Report
from amrasaman_nox.reports import console
from amrasaman_nox.reports.console import quiet_loggers, show, tell, tell_error, write_file
from amrasaman_nox.reports.stream import Stream
from tests.reports.examples import build_report, hostile_build_report, verify_report

if TYPE_CHECKING:
    from pathlib import Path

Captured = pytest.CaptureFixture[str]


def test_results_go_to_stdout_and_failures_to_stderr(capsys: Captured) -> None:
    code = show(build_report(), Config())
    out, err = capsys.readouterr()
    assert code is ExitCode.BUILD_FAILED
    assert "attrs-1.0-py3-none-any.whl" in out
    assert "error: lxml==5.2.1: build: the backend ended with 1" in err


def test_quiet_prints_the_failures_alone_with_the_end_of_their_logs(capsys: Captured) -> None:
    show(build_report(), Config(quiet=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert "| fatal error" in err
    assert "left out" not in err


def test_json_on_stdout_leaves_the_remarks_to_stderr(capsys: Captured) -> None:
    show(build_report(), Config(json="-"))
    out, err = capsys.readouterr()
    assert out.startswith("{")
    assert "left out: pywin32==306" in err
    assert "isolation: full" in err


def test_what_a_build_prints_is_behind_a_bar_and_escaped(capsys: Captured) -> None:
    show(hostile_build_report(), Config(quiet=True))
    lines = capsys.readouterr().err.splitlines()
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_the_exit_code_is_that_of_the_verdicts(capsys: Captured) -> None:
    report = verify_report()
    assert show(report, Config()) is not ExitCode.DONE
    good = replace(report, comparisons=report.comparisons[:0])
    assert show(replace(good, command="reproducible_wheels"), Config()) is ExitCode.DONE
    capsys.readouterr()


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            AsamanError("what", "why", hint="do it", code=ExitCode.NOT_AVAILABLE),
            ExitCode.NOT_AVAILABLE,
            ["error: what: why", "hint: do it"],
        ),
        (
            OSError(28, "No space left on device", "/full"),
            ExitCode.INPUT_OUTPUT,
            ["error: /full: No space left on device"],
        ),
    ],
)
def test_an_error_is_one_line_and_a_hint(
    error: Exception, code: ExitCode, lines: list[str], capsys: Captured
) -> None:
    assert tell_error(error, Stream(io.StringIO()), traceback=False) is code
    text = io.StringIO()
    tell_error(error, Stream(text), traceback=False)
    assert text.getvalue().splitlines() == lines


def test_a_fault_of_our_own_asks_for_a_report_and_shows_its_trace_if_asked() -> None:
    plain, traced = io.StringIO(), io.StringIO()
    try:
        raise KeyError("key")
    except KeyError as fault:
        tell_error(fault, Stream(plain), traceback=False)
        tell_error(fault, Stream(traced), traceback=True)
    assert plain.getvalue().startswith("error: internal error: KeyError")
    assert "Traceback" not in plain.getvalue()
    assert "hint: please report it" in plain.getvalue()
    assert "Traceback" in traced.getvalue()


def test_an_error_outside_of_a_command_is_told_too(capsys: Captured) -> None:
    assert tell(AsamanError("what", "why")) is ExitCode.BAD_INPUT
    assert capsys.readouterr().err == "error: what: why\n"


def test_a_report_replaces_a_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report"
    write_file(path, "one")
    write_file(path, "two\ud800")
    assert path.read_text() == "two\\ud800"
    (tmp_path / "link").symlink_to(path)
    for other in (tmp_path, tmp_path / "link"):
        with pytest.raises(AsamanError, match="not a regular file"):
            write_file(other, "three")
    with pytest.raises(AsamanError) as caught:
        write_file(tmp_path / "missing" / "report", "three")
    assert caught.value.code is ExitCode.INPUT_OUTPUT


def test_a_summary_is_appended_to(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    for _ in range(2):
        show(Report(command="reproducible_wheels"), Config(summary=path))
    text = path.read_text()
    assert text.startswith("before\n")
    assert len(text.split("before\n")[1]) % 2 == 0
    capsys.readouterr()


class Full(io.StringIO):
    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_stdout_that_cannot_be_written_is_exit_5() -> None:
    stdout, stderr = Stream(Full()), Stream(io.StringIO())
    stdout.line("text")
    assert console.ended(ExitCode.DONE, stdout, stderr) is ExitCode.INPUT_OUTPUT
    assert console.ended(ExitCode.DIFFERENT, stdout, stderr) is ExitCode.DIFFERENT


def test_libraries_do_not_write_between_our_lines(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("some.library")
    with quiet_loggers():
        logger.warning("not seen")
        logger.error("seen")
    logger.warning("seen again")
    assert [record.message for record in caplog.records] == ["seen", "seen again"]
