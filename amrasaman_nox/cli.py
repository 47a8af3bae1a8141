"""The console scripts: parse, run the nox session in this process, return its exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from amrasaman_nox.config.commands import COMMANDS, WORDS
from amrasaman_nox.config.help import asked
from amrasaman_nox.config.variables import completion_asked, snapshot
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amrasaman_nox.config.commands import Command


def asaman() -> None:
    """Run ``asaman``, with the arguments of this process.

    :raises SystemExit: always, with the exit code
    """
    _end(run(sys.argv[1:]))


def asaman_generate() -> None:
    """Run ``asaman-generate``, with the arguments of this process.

    :raises SystemExit: always, with the exit code
    """
    _end(run(sys.argv[1:], script="asaman-generate"))


def _end(code: int) -> NoReturn:
    """End this process; not after its threads that wait for the network, for minutes maybe."""
    import threading

    main = threading.main_thread()
    waiting = [thread for thread in threading.enumerate() if thread is not main]
    if code != ExitCode.INTERRUPTED:
        # Other threads end with the process.
        waiting = [thread for thread in waiting if not thread.daemon]
    if waiting:
        import logging

        from amrasaman_nox.sandbox import process

        # What they still print does not concern the user.
        logging.disable(logging.CRITICAL)
        process.kill_all()
        _leave(code)
    sys.exit(code)


def _end_now() -> None:
    """End this process as an interrupt does; what it leaves is removed by the next run."""
    from amrasaman_nox.sandbox import process

    process.kill_all()
    _print("error: interrupted", to_stderr=True)
    _leave()


def _leave(code: int = ExitCode.INTERRUPTED) -> NoReturn:
    import contextlib
    import os

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str], *, script: str = "asaman") -> int:
    """Run a command; return its exit code.

    :param arguments: of the command line; the first one may be the word of another command
    :param script: the name of the console script
    """
    if instruction := completion_asked(script, snapshot()):
        from amrasaman_nox.config.completion import answer

        return answer(script, instruction)
    arguments, program = list(arguments), script
    command = next(each for each in COMMANDS if each.script == script)
    if command is COMMANDS[0] and arguments and arguments[0] in WORDS:
        program = f"{script} {arguments[0]}"
        command = WORDS[arguments.pop(0)]
    if (text := asked(command, arguments, program)) is not None:
        _print(text)
        return int(ExitCode.DONE)
    return _run(command, arguments, program)


def _run(command: Command, arguments: Sequence[str], program: str) -> int:
    # It takes longer to import than a help text takes to print.
    from amrasaman_nox.config.parser import parse

    try:
        parsed = parse(command, arguments, program)
    except AsamanError as error:
        _print("\n".join(error.lines()), to_stderr=True)
        return int(error.code)
    if parsed.text is not None:
        _print(parsed.text)
        return int(ExitCode.DONE)
    return _delegate(command, parsed.values, program)


def _print(text: str, *, to_stderr: bool = False) -> None:
    from amrasaman_nox.reports.stream import Stream

    Stream(sys.stderr if to_stderr else sys.stdout).line(text)


def _delegate(command: Command, values: Mapping[str, Any], program: str) -> int:
    """Run *command* through nox in this process; what is changed for it is put back."""
    from amrasaman_nox.commands import interruptible
    from amrasaman_nox.reports.console import tell
    from amrasaman_nox.reports.stream import open_standard_streams

    open_standard_streams()
    try:
        with interruptible(_end_now):
            return _through_nox(command, values, program)
    except KeyboardInterrupt:
        _print("error: interrupted", to_stderr=True)
        return int(ExitCode.INTERRUPTED)
    except OSError as error:
        what = str(error.filename or "current folder")
        why = system_reason(error)
        return int(tell(AsamanError(what, why, code=ExitCode.INPUT_OUTPUT)))


def _through_nox(command: Command, values: Mapping[str, Any], program: str) -> int:
    import contextlib

    from amrasaman_nox import files
    from amrasaman_nox.commands import Call
    from amrasaman_nox.sessions import called

    folder = Path.cwd()
    former = sys.argv
    noxfile = Path(__file__).resolve().with_name("_noxfile.py")
    call = Call(command=command, values=values, invoked_from=folder, program=program)
    with contextlib.ExitStack() as stack:
        stack.enter_context(called(call))
        stack.callback(_return_to, folder)
        stack.callback(setattr, sys, "argv", former)
        environments = stack.enter_context(files.folder())
        sys.argv = [
            "asaman",
            *("--noxfile", str(noxfile), "--envdir", str(environments)),
            *("--no-venv", "--non-interactive", "--sessions", command.session),
        ]
        return _nox_exit_code()


def _return_to(folder: Path) -> None:
    import contextlib
    import os

    # One that the user may not enter, or that is gone by now, is not a fault of the run.
    with contextlib.suppress(OSError):
        os.chdir(folder)


def _nox_exit_code() -> int:
    import logging

    from amrasaman_nox.config.variables import without_nox_variables
    from amrasaman_nox.sessions import SessionEnded

    disabled = logging.root.manager.disable
    # nox's lines about its sessions say nothing to somebody who called asaman.
    logging.disable(logging.CRITICAL)
    try:
        with without_nox_variables():
            # Releases of 2024 read their variables as soon as they are imported.
            from nox.__main__ import main

            main()
    except SessionEnded as ended:
        return int(ended.code or 0)
    except SystemExit as ended:
        if ended.code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt from None
        # The session always says how it ended; without it, nox has not come that far.
        _print(f"error: nox: ended with {ended.code} before the work began", to_stderr=True)
    finally:
        logging.disable(disabled)
    return int(ExitCode.NOT_AVAILABLE)
