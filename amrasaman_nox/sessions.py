"""The nox sessions, and their registration in a noxfile.

Decorating registers a session, importing does not; so a noxfile calls :func:`register`. The
sessions are plain functions too, for those who want to decorate them themselves::

    @nox.session(venv_backend="none")
    def wheels(session):
        amrasaman_nox.reproducible_wheels(session, config=Config(requirement="requirements.txt"))
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import nox

    from amrasaman_nox.commands import Call
    from amrasaman_nox.config.commands import Command
    from amrasaman_nox.config.config import Config

#: nox keeps the attributes of what it registers, so that we know our own sessions.
_MARK: Final = "registered_by_amrasaman_nox"
#: What a console script was asked for; nox hands only texts on to a session.
_CALL: Final[contextvars.ContextVar[Call]] = contextvars.ContextVar("call")


class SessionEnded(SystemExit):
    """How a session ends under a console script: nox itself only tells success from failure."""


class SessionFunction(Protocol):
    """A session as a plain function.

    The options behind ``--`` are those of its command.

    :param config: what the noxfile says; options win over it
    """

    def __call__(self, session: nox.Session, *, config: Config | None = None) -> None:
        """Run the command; end as a nox session does."""


def __getattr__(name: str) -> SessionFunction:
    """Return the session function of this name: each command of the table has one."""
    for command in COMMANDS:
        if command.session == name:
            return _session_function(command)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _session_function(
    command: Command, registered: Config | None = None, failed: set[str] | None = None
) -> SessionFunction:
    """Return the session of *command*; *failed* has what failed before, and is added to."""

    def function(session: nox.Session, *, config: Config | None = None) -> None:
        _run(command, session, config or registered, set() if failed is None else failed)

    function.__name__ = function.__qualname__ = command.session
    # nox lists it.
    function.__doc__ = command.summary
    return function


def register(
    config: Config | None = None,
    *,
    prefix: str = "",
    default: bool = False,
    tags: Sequence[str] = ("release",),
) -> None:
    """Add our sessions to the noxfile that calls this.

    :param config: what the sessions work on, where the command line does not say otherwise;
        relative paths count from the noxfile's folder
    :param prefix: put in front of each session's name
    :param default: whether a bare ``nox`` runs those that make a release
    :param tags: of the sessions that make a release: ``nox -t release``
    :raises SystemExit: the noxfile has a session under one of the names; nothing is replaced
    """
    import nox

    taken = _taken([f"{prefix}{command.session}" for command in COMMANDS])
    if taken:
        from amrasaman_nox.reports.console import tell

        # An exception would reach the user as a traceback through nox.
        raise SystemExit(
            tell(
                AsamanError(
                    f"session {', '.join(taken)}",
                    "the noxfile already has a session with this name",
                    hint="call register() with a prefix, such as prefix='asaman_'",
                )
            )
        )
    failed: set[str] = set()
    # nox runs the sessions of a tag in this order.
    for command in sorted(COMMANDS, key=lambda each: not each.first):
        function = _session_function(command, config, failed)
        setattr(function, _MARK, True)
        nox.session(
            name=f"{prefix}{command.session}",
            default=default and command.release,
            tags=list(tags) if command.release else [],
            venv_backend="none",
        )(function)


def _taken(names: list[str]) -> list[str]:
    from nox import registry

    # `python noxfile.py` loads the noxfile twice; our own sessions are then there already.
    present = registry.get()
    return [name for name in names if name in present and not hasattr(present[name], _MARK)]


def _run(command: Command, session: nox.Session, config: Config | None, failed: set[str]) -> None:
    # Imported only here: every nox of the project reads its noxfile.
    from amrasaman_nox import commands

    try:
        code = _code(command, session, config, withheld=_withheld(command, session, failed))
    except commands.NothingToDo as nothing:
        session.skip(nothing.why)
    except commands.NeedsLinux as elsewhere:
        session.skip(f"{elsewhere.why}; {elsewhere.hint}")
    if code is not ExitCode.DONE:
        failed |= {session.name} if command.first else set()
        sys.stderr.flush()
        session.error(f"exit code {int(code)}")


def _withheld(command: Command, session: nox.Session, failed: set[str]) -> frozenset[str]:
    """Return what *command* does not get as a field, since the check before a release *failed*."""
    if not (failed and command.in_nox):
        return frozenset()
    session.warn(f"{', '.join(failed)} failed: nothing is put into dist")
    return frozenset(name for name, _ in command.in_nox)


def _code(
    command: Command, session: nox.Session, config: Config | None, *, withheld: frozenset[str]
) -> ExitCode:
    from amrasaman_nox import commands
    from amrasaman_nox.config import places
    from amrasaman_nox.config.parser import fitting, parse
    from amrasaman_nox.reports.console import show_text, tell

    program = f"nox -s {shlex.quote(session.name)} --"
    arguments = session.posargs
    shared = _is_one_of_several(session)
    if shared:
        arguments = fitting(command, arguments)
    try:
        parsed = parse(command, arguments, program)
    except AsamanError as error:
        return tell(error)
    if parsed.text is not None:
        return show_text(parsed.text)
    call = commands.Call(
        command=command,
        values=parsed.values,
        # nox works in the folder of the noxfile.
        places=places.only(Path.cwd()),
        invoked_from=Path(session.invoked_from),
        registered=_for_python(session, config),
        defaults=dict(command.in_nox),
        withheld=withheld,
        program=program,
        shared=shared,
    )
    return commands.run(call)


def _is_one_of_several(session: nox.Session) -> bool:
    """Return whether nox runs other sessions, too: by a tag, or by names."""
    try:
        return len(session._runner.manifest) > 1
    except AttributeError:  # no interface of nox
        return False


def _for_python(session: nox.Session, config: Config | None) -> Config | None:
    """Return *config* with the interpreters that nox runs *session* for; options win over it."""
    from amrasaman_nox.api import pythons_of

    pythons = pythons_of(session)
    if not pythons:
        return config
    from amrasaman_nox.config.config import Config

    return dataclasses.replace(config or Config(), python=pythons)


@contextlib.contextmanager
def called(call: Call) -> Iterator[None]:
    """Let :func:`register_call` find *call* meanwhile."""
    token = _CALL.set(call)
    try:
        yield
    finally:
        _CALL.reset(token)


def register_call() -> None:
    """Register the session of a console script: it runs the call, and ends with its exit code.

    The session raises :class:`SessionEnded`.
    """
    import nox

    from amrasaman_nox import commands
    from amrasaman_nox.reports.console import tell

    call = _CALL.get()

    def session_function(_: nox.Session) -> None:
        # nox works in the folder of its noxfile, which is our own. Where the user may not enter
        # the current folder, absolute paths do as well.
        with contextlib.suppress(OSError):
            os.chdir(call.invoked_from)
        try:
            code = commands.run(call)
        except (commands.NothingToDo, commands.NeedsLinux) as nothing:
            code = tell(nothing)
        raise SessionEnded(int(code))

    nox.session(name=call.command.session, venv_backend="none")(session_function)
