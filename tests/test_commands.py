"""How a command runs, however it is called; the work itself is stood in for."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox import commands
from amrasaman_nox.commands import Call, NothingToDo, interruptible, run
from amrasaman_nox.config import places
from amrasaman_nox.config.commands import by_session
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.config.config import Config

Captured = pytest.CaptureFixture[str]


def call(folder: Path, session: str = "reproducible_wheels", **values: Any) -> Call:
    return Call(
        command=by_session(session),
        values=values,
        places=places.only(folder),
        invoked_from=folder,
        program="asaman",
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Return the configurations with which the work is asked for; nothing is done."""
    seen: list[Config] = []

    def work(config: Config, *, notify: object) -> Report:
        seen.append(config)
        return Report(command="reproducible_wheels")

    monkeypatch.setattr(commands, "_work", lambda command: work)
    return seen


def failing(error: Exception) -> Callable[..., Any]:
    def work(config: Config, *, notify: object) -> Report:
        raise error

    return lambda command: work


def test_options_reach_the_work_with_paths_from_where_they_were_given(
    tmp_path: Path, asked: list[Config]
) -> None:
    (tmp_path / "sub").mkdir()
    here = call(tmp_path, requirement="r.txt", jobs=3)
    assert run(here) is ExitCode.DONE
    assert (asked[0].requirement, asked[0].jobs) == (tmp_path / "r.txt", 3)


def test_the_project_in_the_folder_is_worked_on_where_nothing_else_is_named(
    tmp_path: Path, asked: list[Config]
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    assert run(call(tmp_path)) is ExitCode.DONE
    assert asked[0].project == tmp_path


def test_without_anything_to_work_on_there_is_help_and_exit_2(
    tmp_path: Path, asked: list[Config], capsys: Captured
) -> None:
    assert run(call(tmp_path)) is ExitCode.BAD_INPUT
    assert "Usage: asaman" in capsys.readouterr().err
    assert asked == []


def test_a_missing_argument_is_nothing_to_do_where_no_option_is_given(
    tmp_path: Path, asked: list[Config], capsys: Captured
) -> None:
    with pytest.raises(NothingToDo, match="REQUIREMENT"):
        run(call(tmp_path, "verified_requirements"))
    assert run(call(tmp_path, "verified_requirements", quiet=True)) is ExitCode.BAD_INPUT
    assert "missing argument REQUIREMENT" in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AsamanError("what", "why", code=ExitCode.NOT_AVAILABLE), ExitCode.NOT_AVAILABLE),
        (OSError(28, "No space left on device"), ExitCode.INPUT_OUTPUT),
        (RuntimeError("a bug"), ExitCode.INPUT_OUTPUT),
    ],
)
def test_an_error_of_the_work_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
    error: Exception,
    code: ExitCode,
) -> None:
    monkeypatch.setattr(commands, "_work", failing(error))
    assert run(call(tmp_path, requirement="r.txt")) is code
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 1
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_interrupts_and_the_former_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_does_not_end_after_a_signal_is_ended_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "_GRACE", 0.01)
    called = threading.Event()

    def hangs() -> None:
        with interruptible(called.set):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                assert called.wait(5)

    with pytest.raises(KeyboardInterrupt):
        hangs()


def test_another_thread_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def inside() -> None:
        with interruptible():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [before]
