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
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import commands
from amrasaman_nox.config import options
from amrasaman_nox.config.parser import parse
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.reports.console import show_text, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import nox

    from amrasaman_nox.config.config import Config

#: nox keeps the attributes of what it registers, so that we know our own sessions.
_MARK: Final = "registered_by_amrasaman_nox"
#: What a console script was asked for; nox hands only texts on to a session.
_CALL: Final[contextvars.ContextVar[commands.Call]] = contextvars.ContextVar("call")


class SessionEnded(SystemExit):
    """How a session ends under a console script: nox itself only tells success from failure."""


def reproducible_wheels(session: nox.Session, *, config: Config | None = None) -> None:
    """Build reproducible wheels of everything that is pinned.

    The options behind ``--`` are those of ``asaman``.

    :param config: what the noxfile says; options win over it
    """
    _run(options.BUILD, session, config)


def verified_requirements(session: nox.Session, *, config: Config | None = None) -> None:
    """Write the requirements file with the hashes of the reproducible wheels.

    The options behind ``--`` are those of ``asaman generate``. Where neither they nor the
    configuration name a requirements file, the session is skipped.

    :param config: what the noxfile says; options win over it
    """
    _run(options.GENERATE, session, config)


def verify(session: nox.Session, *, config: Config | None = None) -> None:
    """Rebuild under variations, compare, and name the cause of what differs.

    The options behind ``--`` are those of ``asaman verify``.

    :param config: what the noxfile says; options win over it
    """
    _run(options.VERIFY, session, config)


def lock_build_requirements(session: nox.Session, *, config: Config | None = None) -> None:
    """Write or refresh the build lock, and nothing else.

    The options behind ``--`` are those of ``asaman lock``.

    :param config: what the noxfile says; options win over it
    """
    _run(options.LOCK, session, config)


def merge_wheels(session: nox.Session, *, config: Config | None = None) -> None:
    """Bring the wheels, records and locks of several runs together.

    The options behind ``--`` are those of ``asaman merge``.

    :param config: what the noxfile says; options win over it
    """
    _run(options.MERGE, session, config)


#: The sessions in the order in which a release runs them, and whether they are part of one.
_SESSIONS: Final = (
    (reproducible_wheels, True),
    (verified_requirements, True),
    (verify, True),
    (lock_build_requirements, False),
    (merge_wheels, False),
)


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
    :param default: whether a bare ``nox`` runs them; never the one that renews the build lock
    :param tags: of the sessions that make a release: ``nox -t release``
    :raises SystemExit: the noxfile has a session under one of the names; nothing is replaced
    """
    import nox

    taken = _taken([f"{prefix}{function.__name__}" for function, _ in _SESSIONS])
    if taken:
        # An exception would reach the user as a traceback through nox.
        raise SystemExit(
            tell(
                AsamanError(
                    f"session {', '.join(taken)}",
                    "the noxfile has one of this name already",
                    hint="call register() with a prefix, such as prefix='asaman_'",
                )
            )
        )
    for function, releases in _SESSIONS:
        nox.session(
            name=f"{prefix}{function.__name__}",
            default=default and releases,
            tags=list(tags) if releases else [],
            venv_backend="none",
        )(_closure(function, config))


def _taken(names: list[str]) -> list[str]:
    from nox import registry

    # `python noxfile.py` loads the noxfile twice; our own sessions are then there already.
    present = registry.get()
    return [name for name in names if name in present and not hasattr(present[name], _MARK)]


def _closure(function: Callable[..., None], config: Config | None) -> Callable[[nox.Session], None]:
    # nox lists the first line of the docstring.
    @functools.wraps(function)
    def session_function(session: nox.Session) -> None:
        function(session, config=config)

    setattr(session_function, _MARK, True)
    return session_function


def _run(name: str, session: nox.Session, config: Config | None) -> None:
    try:
        code = _code(name, session, config)
    except commands.NothingToDo as nothing:
        session.skip(str(nothing))
    if code is not ExitCode.DONE:
        sys.stderr.flush()
        session.error(f"exit code {int(code)}")


def _code(name: str, session: nox.Session, config: Config | None) -> ExitCode:
    program = f"nox -s {session.name} --"
    try:
        parsed = parse(name, session.posargs, program)
    except AsamanError as error:
        return tell(error)
    if parsed.text is not None:
        return show_text(parsed.text)
    call = commands.Call(
        session=name,
        values=parsed.values,
        # nox works in the folder of the noxfile.
        folder=Path.cwd(),
        invoked_from=Path(session.invoked_from),
        registered=config,
        program=program,
    )
    return commands.run(call)


@contextlib.contextmanager
def called(call: commands.Call) -> Iterator[None]:
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

    call = _CALL.get()

    def session_function(_: nox.Session) -> None:
        # nox works in the folder of its noxfile, which is our own. Where the user may not enter
        # the current folder, absolute paths do as well.
        with contextlib.suppress(OSError):
            os.chdir(call.invoked_from)
        try:
            code = commands.run(call)
        except commands.NothingToDo as nothing:
            code = tell(nothing)
        raise SessionEnded(int(code))

    nox.session(name=call.session, venv_backend="none")(session_function)
