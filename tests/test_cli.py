"""The console scripts, in this process and, where streams and signals matter, in one of their own.

The work is played by tests/support/work.py.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from amrasaman_nox import cli
from amrasaman_nox.errors import ExitCode

from .support import work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import RawIOBase

ROOT = Path(__file__).parents[1]
# The script as it is installed, but with the work played.
SCRIPT = "from tests.support import work; work.install(); from amrasaman_nox import cli; cli.{}()"
HEAVY = (
    *("nox", "click", "rich", "requests", "virtualenv", "packaging", "platformdirs", "build", "uv"),
    *("tempfile", "logging", "asyncio", "amrasaman_nox.model", "amrasaman_nox.config.config"),
)


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work.install(monkeypatch.setattr)
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)


def pinned(first_line: str = "") -> str:
    Path("r.txt").write_text(first_line)
    return "r.txt"


def script(
    name: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-c", SCRIPT.format(name), *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})}
    return command, variables


def start(*arguments: str, name: str = "asaman", environ: Mapping[str, str] | None = None,
          shell: str = "") -> subprocess.CompletedProcess[str]:  # fmt: skip
    command, variables = script(name, *arguments, environ=environ)
    if shell:
        command = ["/bin/sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, timeout=60
    )


# --- what is called --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "command", "folder"),
    [
        (["-r", "r.txt"], "reproducible_wheels", "wheels"),
        (["-r", "r.txt", "-o", "out"], "reproducible_wheels", "out"),
        (["-s", "a.tar.gz"], "reproducible_wheels", "wheels"),
        (["-d", "sources"], "reproducible_wheels", "wheels"),
        (["lock", "-r", "r.txt"], "lock_build_requirements", "wheels"),
        (["verify", "-r", "r.txt"], "verify", "wheels"),
        (["generate", "r.txt", "-w", "out"], "verified_requirements", "out"),
    ],
)
def test_a_command_reaches_its_work(
    arguments: list[str], command: str, folder: str, tmp_path: Path
) -> None:
    pinned()
    assert cli.run(arguments) == 0
    assert work.asked(tmp_path / folder)["command"] == command


def test_options_reach_the_work_with_absolute_paths(tmp_path: Path) -> None:
    arguments = ["-r", pinned(), "-j", "3", "--sde", "1400000000", "-C", "a=b", "--isolation=none"]
    assert cli.run(arguments) == 0
    asked = work.asked(tmp_path / "wheels")
    assert asked["requirement"] == str(tmp_path / "r.txt")
    assert (asked["jobs"], asked["sde"], asked["isolation"]) == (3, 1400000000, "none")
    assert asked["config_settings"] == [["a", "b"]]


def test_generate_hands_over_the_files(tmp_path: Path) -> None:
    arguments = [pinned(), "-o", "v.txt", "-w", "w", "-s", "Foo_Bar"]
    assert cli.run(arguments, script="asaman-generate") == 0
    asked = work.asked(tmp_path / "w")
    assert asked["requirement"] == str(tmp_path / "r.txt")
    assert asked["verified"] == str(tmp_path / "v.txt")
    assert asked["skip"] == ["foo-bar"]


def test_generate_without_an_output_leaves_its_name_to_the_writer(tmp_path: Path) -> None:
    assert cli.run([pinned()], script="asaman-generate") == 0
    assert work.asked(tmp_path / "wheels")["verified"] is None


def test_the_pyproject_of_the_current_folder_counts(tmp_path: Path) -> None:
    pinned()
    Path("pyproject.toml").write_text('[tool.amrasaman]\nrequirement = "r.txt"\njobs = 2')
    assert cli.run([]) == 0
    asked = work.asked(tmp_path / "wheels")
    assert (asked["requirement"], asked["jobs"]) == (str(tmp_path / "r.txt"), 2)
    assert cli.run([], script="asaman-generate") == 0


def test_without_an_input_the_project_in_the_folder_is_built(tmp_path: Path) -> None:
    Path("pyproject.toml").write_text("[project]")
    assert cli.run([]) == 0
    assert work.asked(tmp_path / "wheels")["project"] == str(tmp_path)


def test_without_an_input_and_a_project_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == ExitCode.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: asaman [OPTIONS]" in err
    assert "error: nothing to build" in err


def test_generate_without_an_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([], script="asaman-generate") == ExitCode.BAD_INPUT
    assert "error: asaman-generate: missing argument REQUIREMENT" in capsys.readouterr().err


# --- exit codes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_line", "code"),
    [
        ("", 0),
        ("fail", 3),
        ("unavailable", 4),
        ("refuse", 2),
        ("disk", 5),
        ("break", 5),
    ],
)
def test_the_exit_code_is_that_of_the_first_thing_that_failed(first_line: str, code: int) -> None:
    assert cli.run(["-r", pinned(first_line)]) == code


@pytest.mark.parametrize(
    ("verdict", "allow", "code"),
    [
        ("identical", "equivalent", 0),
        ("identical", "identical", 0),
        ("equivalent", "equivalent", 0),
        ("equivalent", "identical", 1),
        ("different", "equivalent", 1),
        ("failed", "equivalent", 3),
        ("unchecked", "equivalent", 1),
    ],
)
def test_the_exit_code_of_verify_follows_the_verdict(verdict: str, allow: str, code: int) -> None:
    assert cli.run(["verify", "-r", pinned(verdict), "--allow", allow]) == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"],
        ["-s", "a", "-r", "b"],
        ["-s", "a", "-d", "b"],
        ["--locked", "--relock", "-r", "x"],
        ["-q", "-v", "-r", "x"],
        *(["--jobs", value, "-r", "x"] for value in ("0", "-1", "1e9", "1000000000", "x")),
        *(["--sde", value, "-r", "x"] for value in ("-1", "1.5", "now", "4354819199", "315532799")),
        ["--no-hash", "-r", "x"],
        ["--isolation", "strong", "-r", "x"],
        ["--python", "", "-r", "x"],
        ["-r", ""],
        ["verify", "--allow", "different", "-r", "x"],
        ["bogus"],
    ],
)
def test_bad_usage_is_one_line_and_nothing_is_done(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.run(arguments) == ExitCode.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.startswith("error: ") for line in err.splitlines()].count(True) == 1
    assert all(line.startswith(("error: ", "hint: ")) for line in err.splitlines())
    assert list(tmp_path.iterdir()) == []


# --- what is printed -------------------------------------------------------------------------


def test_results_go_to_stdout_and_everything_else_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["-r", pinned()]) == 0
    out, err = capsys.readouterr()
    assert "six-1.17.0-py3-none-any.whl" in out
    assert "isolation: full" in out
    assert err == "built 1 of 1: six==1.17.0\nbuilt 1\n"


def test_the_lines_of_nox_are_silenced(capfd: pytest.CaptureFixture[str]) -> None:
    cli.run(["-r", pinned()])
    cli.run(["-r", pinned("fail")])
    out, err = capfd.readouterr()
    assert "nox >" not in out + err
    assert "Running session" not in out + err


def test_json_on_stdout_is_alone_there(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    assert cli.run(["-r", pinned("notes"), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["command"] == "reproducible_wheels"
    assert "note: a note" in err
    assert "left out: colorama==1: it is for another platform" in err


def test_reports_are_written_to_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--json", "r.json", "--markdown", "r.md", "--html", "r.html"]
    assert cli.run(["-r", pinned(), *arguments]) == 0
    for name in ("r.json", "r.md", "r.html"):
        assert "six-1.17.0-py3-none-any.whl" in (tmp_path / name).read_text()
    assert "six-1.17.0-py3-none-any.whl" in capsys.readouterr().out


def test_the_step_summary_is_appended_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert cli.run(["-r", pinned()]) == 0
    assert summary.read_text().startswith("before\n")
    assert "six-1.17.0-py3-none-any.whl" in summary.read_text()


@pytest.mark.parametrize("first_line", ["fail", "refuse"])
def test_failures_are_annotations_in_github_actions(
    first_line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["-q", "-r", pinned(first_line)]
    cli.run(arguments)
    assert "::error" not in "".join(capsys.readouterr())
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    cli.run(arguments)
    out, err = capsys.readouterr()
    assert [line.partition(" ")[0] for line in err.splitlines()].count("::error") == 1
    assert out == ""


def test_a_report_over_something_that_is_no_file_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert cli.run(["-r", pinned(), "--json", "pipe"]) == ExitCode.BAD_INPUT
    assert "not a regular file" in capsys.readouterr().err
    assert cli.run(["-r", pinned(), "--json", "no/such/folder"]) == ExitCode.INPUT_OUTPUT


def test_a_failure_is_told_with_its_hint_and_its_log_is_inert(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["-r", pinned("fail")]) == 3
    out, err = capsys.readouterr()
    assert "error: lxml==5.2.1: build: the hook ended with 1\nhint: install libxml2\n" in err
    for line in (out + err).splitlines():
        assert not line.startswith("::")
    assert "| ::set-output" in out
    assert "\x1b" not in out + err


def test_quiet_prints_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-q", "-r", pinned("notes")]) == 0
    assert capsys.readouterr() == ("", "")
    assert cli.run(["-q", "-r", pinned("fail")]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "| first",
        "| ::set-output name=x::y",
        "| last \\x1b[31mred",
        "error: lxml==5.2.1: build: the hook ended with 1",
        "hint: install libxml2",
    ]


def test_verbose_tells_where_the_time_goes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-v", "-r", pinned()]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.endswith(" s")]
    assert [line.partition(": ")[0] for line in lines] == ["built 1", "total"]


def test_a_fault_of_ours_is_one_line_unless_a_traceback_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["-q", "-r", pinned("break")]) == 5
    err = capsys.readouterr().err
    assert "RuntimeError: a wheel came off\\x1b[31m" in err
    assert "Traceback" not in err
    assert cli.run(["-r", pinned("break"), "--traceback"]) == 5
    assert "Traceback" in capsys.readouterr().err


def test_a_traceback_can_be_configured(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("[tool.amrasaman]\ntraceback = true")
    assert cli.run(["-r", pinned("break")]) == 5
    assert "Traceback" in capsys.readouterr().err


def test_a_command_line_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    make_context = click.Command.make_context
    monkeypatch.setattr(
        click.Command,
        "make_context",
        lambda *given, **more: (parsed.append(1), make_context(*given, **more))[1],
    )
    assert cli.run(["-r", pinned()]) == 0
    assert parsed == [1]


def test_in_the_folder_of_the_package_the_project_above_is_built_and_elsewhere_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(Path(cli.__file__).parent)
    assert cli.run([]) == 0
    monkeypatch.chdir(tmp_path)
    assert cli.run([]) == ExitCode.BAD_INPUT
    assert "error: nothing to build" in capsys.readouterr().err


def test_a_check_without_a_project_says_whether_a_file_or_its_table_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.run(["check"]) == ExitCode.BAD_INPUT
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith(f"error: no project: no pyproject.toml in {tmp_path}, nor in a folder")
    assert hint == "hint: --project DIRECTORY names one"
    (tmp_path / "pyproject.toml").write_text("[tool.x]")
    assert cli.run(["check"]) == ExitCode.BAD_INPUT
    error = capsys.readouterr().err.splitlines()[0]
    assert error == f"error: no project: no [project] in {tmp_path / 'pyproject.toml'}"


def test_an_error_of_the_system_names_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-q", "-r", pinned("disk")]) == 5
    assert capsys.readouterr().err == "error: /somewhere/store: No space left on device\n"


@pytest.mark.parametrize(
    ("color", "colored"), [("always", True), ("never", False), ("auto", False)]
)
def test_color_is_for_terminals_or_when_asked_for(
    color: str, colored: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["-r", pinned(), "--color", color]) == 0
    assert ("\x1b[" in capsys.readouterr().out) is colored


# --- what is put back ------------------------------------------------------------------------


@pytest.mark.parametrize("first_line", ["", "fail", "break"])
def test_this_process_is_left_as_it_was(first_line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOX_DEFAULT_VENV_BACKEND", "bogus")
    monkeypatch.setenv("NOXSESSION", "bogus")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    before = (Path.cwd(), list(sys.argv), dict(os.environ), logging.root.manager.disable)
    cli.run(["-r", pinned(first_line)])
    assert before == (Path.cwd(), sys.argv, dict(os.environ), logging.root.manager.disable)
    assert handlers == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]


def test_nothing_is_left_in_the_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    cli.run(["-r", pinned()])
    assert list(folder.iterdir()) == []


def test_the_work_is_done_in_the_folder_of_the_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []
    monkeypatch.setitem(work.OUTCOMES, "look", lambda: (seen.append(Path.cwd()), work.BUILT)[1])
    cli.run(["-r", pinned("look")])
    assert seen == [tmp_path]


def test_a_folder_that_is_gone_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.run(["-r", "r.txt"]) == ExitCode.INPUT_OUTPUT
    monkeypatch.chdir(tmp_path)
    assert capsys.readouterr().err.startswith("error: current folder: ")


def test_a_nox_that_does_not_come_as_far_as_the_session_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import nox.__main__

    def stop() -> None:
        raise SystemExit(2)

    monkeypatch.setattr(nox.__main__, "main", stop)
    assert cli.run(["-r", "r.txt"]) == ExitCode.NOT_AVAILABLE
    assert capsys.readouterr().err == "error: nox: ended with 2 before the work began\n"


# --- as a process ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("asaman", "--help"),
        ("asaman", "-h"),
        ("asaman", "build --help"),
        ("asaman", "doctor -h"),
        ("asaman", "verify --help-all"),
        ("asaman_generate", "--help"),
    ],
)
def test_help_imports_nothing_heavy_and_answers_at_once(name: str, arguments: str) -> None:
    code = (
        "import sys, time; from amrasaman_nox import cli\n"
        f"try: cli.{name}()\n"
        f"finally: print(time.process_time(), *set(sys.modules) & set({HEAVY!r}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()], capture_output=True, text=True, check=True
    )
    seconds, *heavy = done.stderr.split()
    assert done.stdout.startswith("Usage: asaman")
    assert heavy == []
    # It takes 0.08 s of a processor; on one that is shared, more.
    assert float(seconds) < 0.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_as_ctrl_c_does(number: signal.Signals, tmp_path: Path) -> None:
    code = (
        "from tests.support import work; work.install(); import time\n"
        "work.OUTCOMES['slow'] = lambda: (open('begun', 'w').close(), time.sleep(30))\n"
        "from amrasaman_nox import cli; cli.asaman()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "-r", pinned("slow")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests may have been told to ignore it, by nohup for one.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 20
        while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (tmp_path / "begun").exists()
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED
    assert err == "error: interrupted\n"


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    shell = "; exit $?"
    code = (
        "import signal, os; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from tests.support import work; work.install()\n"
        "kill = lambda: (os.kill(os.getpid(), signal.SIGHUP), work.BUILT)[1]\n"
        "work.OUTCOMES['kill'] = kill\n"
        "from amrasaman_nox import cli; cli.asaman()"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {shell}', "sh", sys.executable, "-c", code, "-r", pinned("kill")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize(
    ("shell", "code"),
    [
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        ("| true", 0),
        ("2>/dev/full", 0),
        (">/dev/full", 5),
    ],
)
def test_closed_broken_and_full_streams_give_no_traceback(shell: str, code: int) -> None:
    done = start("-r", pinned("notes"), shell=f"{shell}")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == code
    assert work.asked(Path("wheels"))["command"] == "reproducible_wheels"


def test_help_into_a_closed_pipe_gives_no_traceback() -> None:
    for shell in (">&-", "| true"):
        done = start("--help", shell=shell)
        assert (done.returncode, done.stderr) == (0, "")


def test_an_encoding_that_lacks_a_character_is_no_fault() -> None:
    environ = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = start("-r", pinned(), environ=environ)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "six-1.17.0" in done.stdout


def _all_of(terminal: RawIOBase) -> bytes:
    shown = b""
    # The kernel reports an error once nobody has the other end any more.
    with contextlib.suppress(OSError):
        while part := terminal.read(65536):
            shown += part
    return shown


def test_a_terminal_gets_a_live_display_that_goes_away(tmp_path: Path) -> None:
    import pty

    command, variables = script("asaman", "-r", pinned())
    variables["TERM"] = "xterm-256color"
    main, other = pty.openpty()
    with (
        os.fdopen(main, "rb", buffering=0) as terminal,
        subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=other, text=True
        ) as process,
    ):
        os.close(other)
        shown = _all_of(terminal)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"building" in shown
    assert shown.endswith(b"\x1b[2K") or b"\x1b[?25h" in shown
    assert "six-1.17.0-py3-none-any.whl" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("together", [True, False])
def test_a_failure_is_told_once_where_one_terminal_shows_both_streams(together: bool) -> None:
    import pty

    command, variables = script("asaman", "-r", pinned("fail"))
    main, other = pty.openpty()
    with (
        os.fdopen(main, "rb", buffering=0) as terminal,
        subprocess.Popen(
            command, env=variables, stdout=other if together else subprocess.PIPE, stderr=other
        ) as process,
    ):
        os.close(other)
        shown = _all_of(terminal)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert shown.count(b"the hook ended with 1") == 1
    assert shown.count(b"install libxml2") == 1
    assert (shown if together else out).count(b"| first") == 1
    assert together or b"failed: lxml==5.2.1" in out


@pytest.mark.parametrize("name", ["asaman", "asaman_generate"])
def test_the_scripts_take_the_arguments_of_the_process(name: str) -> None:
    done = start("--bogus", name=name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {name.replace('_', '-')}: no such option")
