"""The build frontend: one hook of a build backend, run in the sandbox.

``build.ProjectBuilder`` is the frontend (PEP 517); the sandbox is its runner. It is given the
host's paths, and the runner shows the same folders to the hook at the paths of its own world.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.builds import answers, rust, system_files, tools
from amrasaman_nox.builds.headline import headline
from amrasaman_nox.errors import (
    DISK_FAULTS,
    LONGEST_MESSAGE,
    AsamanError,
    ExitCode,
    shortened,
    system_reason,
)
from amrasaman_nox.files import remove_tree
from amrasaman_nox.sandbox import normalise, process, view
from amrasaman_nox.sandbox.inside import start
from amrasaman_nox.sandbox.view import interpreter_folders
from amrasaman_nox.sdists.build_system import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from amrasaman_nox.builds.rust import RustFolders
    from amrasaman_nox.environments.environments import Environment
    from amrasaman_nox.model import BuildEnvironment, Interpreter, Limits
    from amrasaman_nox.sandbox.process import Completed
    from amrasaman_nox.sandbox.view import Isolation

    _Paths = tuple[Callable[[str], list[str]], Callable[[list[str]], str]]

_LONGEST_REASON: Final = 2 * LONGEST_MESSAGE
#: More build requirements, and longer ones, than any backend asks for.
_MOST_REQUIREMENTS: Final = 1000
_LONGEST_REQUIREMENT: Final = 10_000
#: What an answer without a result says; the frontend knows them.
_NO_RESULT: Final = ("unsupported", "no_backend", "hook_missing")
_TOOLS_SHOWN: Final = (
    "its build backend needs tools of the system to say what it requires: "
    "the build lock may differ on other machines"
)
_NO_REQUIREMENTS: Final = "the hook did not return a list of requirements"
_ASKING: Final = "get_requires_for_build_wheel"
_BUILDING: Final = "build_wheel"
_HOOK: Final = "/build/frontend/hook.py"
_START: Final = "/build/frontend/start.py"
#: The variables that name an in-tree backend's folders: how each is decoded and encoded.
_BACKEND_PATHS: Final[Mapping[str, _Paths]] = {
    "_PYPROJECT_HOOKS_BACKEND_PATH_JSON": (json.loads, json.dumps),
    "_PYPROJECT_HOOKS_BACKEND_PATH": (lambda paths: paths.split(os.pathsep), os.pathsep.join),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HookFolders:
    """Where one build's folders are on the host, and where the build sees them.

    ``project`` is where ``pyproject.toml`` is, relative to ``source`` (POSIX). ``rust`` is there
    for Rust sources. ``tree`` is an empty folder for the copy of the source that the build works
    in; without one it is in memory.
    """

    source: Path
    project: str = "."
    tree: Path | None = None
    output: Path
    control: Path
    following: Path
    log: Path
    environment: Environment
    world: BuildEnvironment
    rust: RustFolders | None = None

    def inside(self, path: str, isolation: Isolation) -> str:
        """Return how the build sees the host's *path*."""
        if not isolation.constant_paths:
            return path
        for host, seen in (
            (self.source, self.world.build_path),
            *((folder, f"/build/{folder.name}") for folder in self._shown()),
        ):
            if path == str(host) or path.startswith(f"{host}/"):
                return seen + path[len(str(host)) :]
        return path

    def _shown(self) -> tuple[Path, ...]:
        return self.output, self.control, self.following


class HookFailed(Exception):  # noqa: N818 - it becomes a value, a BuildFailure
    """A hook did not do what it should: the reason in one line and the end of its log.

    The backend has a say in the reason: it is cut here, before anybody searches or prints it.
    """

    def __init__(self, *, hook: str, reason: str, log: str = "") -> None:
        super().__init__(hook)
        self.hook = hook
        self.reason = shortened(reason, _LONGEST_REASON)
        self.log = log
        #: Whether the copy of the source in memory became too large.
        self.outgrew = False
        #: Where the whole log is kept, once the build's folders are gone.
        self.log_path: str | None = None


@dataclass(slots=True)
class Following:
    """The hook that builds a wheel, in the start that asks what it requires beyond *known*.

    It runs if that is nothing; ``answer`` is set if all went well then. How a build fails is found
    out by one on its own, with limits and a log of its own.
    """

    known: tuple[str, ...]
    question: dict[str, Any]
    answer: dict[str, Any] | None = None


@dataclass(slots=True)
class Runner:
    """The frontend's runner: starts each hook in the sandbox and keeps what it cost.

    ``on_disk`` is why the build works on disk, ``""`` if it works in memory.

    The system's tools are hidden from *backend* while it says what it requires, unless
    ``tools_shown``.

    ``heard`` receives the output as it arrives, and ``notify`` what the user is to know.

    With ``following``, an interpreter and a backend are started once for two hooks, and the
    frontend's second question has its answer already.
    """

    place: HookFolders
    isolation: Isolation
    interpreter: Interpreter
    limits: Limits
    on_disk: str = ""
    backend: str = ""
    tools_shown: bool = False
    heard: Callable[[bytes], None] | None = None
    notify: Callable[[str], None] = lambda message: None
    following: Following | None = None
    cpu_seconds: float = 0.0
    log: str = ""

    def __call__(
        self,
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        """Run ``[python, script, hook, control folder]``, as ``pyproject_hooks`` asks for it.

        :raises HookFailed: it ended otherwise than well
        """
        _, script, hook, frontend = cmd
        asked = answers.question(Path(frontend), self._seen)
        extra, following = extra_environ or {}, self.following
        if following is not None and hook == _ASKING:
            found = self._run_both(script, asked, following, extra)
        elif following is not None and following.answer is not None:
            if asked != following.question:
                raise HookFailed(hook=hook, reason="the frontend asked for a different build")
            found = following.answer
        else:
            found = self._run(script, hook, asked, extra)
        if isinstance(found, HookFailed):
            raise found
        answers.give(Path(frontend), found)

    def _run(
        self, script: str, hook: str, asked: dict[str, Any], extra: Mapping[str, str]
    ) -> dict[str, Any] | HookFailed:
        """Return what one hook answers, or how it failed."""
        answers.ask(self.place.control, asked)
        done = self._start(script, (hook, self._seen(str(self.place.control))), extra)
        return self._result(done, hook, self.place.control)

    def _run_both(
        self, script: str, asked: dict[str, Any], following: Following, extra: Mapping[str, str]
    ) -> dict[str, Any] | HookFailed:
        """Return what the first hook answers, and keep what the second one does if it runs."""
        first, second = self.place.control, self.place.following
        answers.ask(first, asked)
        answers.ask(second, following.question)
        known = second / start.KNOWN
        known.write_text(json.dumps(following.known))
        known.chmod(0o644)
        parts = (_ASKING, self._seen(str(first)), _BUILDING, self._seen(str(second)))
        done = self._start(script, parts, extra, second)
        if not os.path.lexists(second / start.BEGUN):
            return self._result(done, _ASKING, first)
        found = self._result(done, _BUILDING, second)
        following.answer = found if isinstance(found, dict) else None
        return self._read(_ASKING, first)

    def _result(self, done: Completed, hook: str, control: Path) -> dict[str, Any] | HookFailed:
        if not done.limit and not done.code:
            return self._read(hook, control)
        reason = done.limit or _reason(done)
        failed = HookFailed(hook=hook, reason=reason, log=done.tail)
        failed.outgrew = done.outgrew
        return failed

    def _read(self, hook: str, control: Path) -> dict[str, Any] | HookFailed:
        try:
            answer = answers.read(control, self.place.log)
        except answers.BadAnswer as bad:
            return HookFailed(hook=hook, reason=f"{bad}")
        if any(answer.get(key) for key in _NO_RESULT):
            return answer
        if "return_val" not in answer:
            return HookFailed(hook=hook, reason="the backend returned no result")
        if hook.startswith("get_requires") and not _are_requirements(answer["return_val"]):
            return HookFailed(hook=hook, reason=_NO_REQUIREMENTS)
        return answer

    def _start(
        self, script: str, rest: Sequence[str], extra: Mapping[str, str], *writable: Path
    ) -> Completed:
        place, isolation = self.place, self.isolation
        tree = place.tree if isolation.constant_paths else None
        command = view.ProcessSpec(
            argv=(place.environment.python, *self._program(script), *rest),
            # Where the source goes into memory, the project is there once it is filled.
            directory=self._seen(
                str(place.source if isolation.constant_paths else place.source / place.project)
            ),
            variables={
                **system_files.variables(self._seen(str(place.control))),
                **self._variables(rest),
                **backend_variables(extra, self._seen),
            },
            folders=(
                view.Folder(host=Path(script), inside=_HOOK),
                view.Folder(host=Path(start.__file__), inside=_START),
                view.Folder(host=place.environment.host, inside=place.environment.inside),
                view.Folder(host=place.source, inside=start.UNPACKED),
                *(
                    view.Folder(host=path, inside=f"/build/{path.name}", writable=True)
                    for path in (place.output, place.control, *writable)
                ),
                *(rust.folders(place.rust) if place.rust is not None else ()),
                *(
                    view.Folder(host=path, inside=place.world.build_path, writable=True)
                    for path in (tree,)
                    if path is not None
                ),
                *interpreter_folders(self.interpreter),
            ),
            environment=place.world,
            limits=self.limits,
            log=place.log,
            python=self.interpreter.executable,
            memory=(place.world.build_path,) if isolation.constant_paths and not tree else (),
            memory_size=view.MEMORY_SIZE,
            clock=isolation.clock,
            locales=isolation.locales,
            heard=self.heard,
        )
        done = process.run(command, isolation)
        self.cpu_seconds += done.cpu_seconds
        self.log = done.tail
        return done

    def _variables(self, rest: Sequence[str]) -> dict[str, str]:
        place = self.place
        fixed = normalise.variables(place.world)
        if place.rust is not None:
            fixed |= rust.variables(place.rust, place.world)
        hidden = self._hidden() if rest[0].startswith("get_requires") else ()
        if hidden and not self.isolation.constant_paths:
            links = place.control / "tools"
            remove_tree(links)
            fixed["PATH"] = start.path_without([*hidden], fixed["PATH"], str(links))
        return fixed

    def _seen(self, path: str) -> str:
        """Return how the build sees the host's *path*."""
        return self.place.inside(path, self.isolation)

    def _program(self, script: str) -> tuple[str, ...]:
        """Return what the interpreter runs: the hook's script, in the sandbox behind our own."""
        world = self.place.world
        if self.isolation.constant_paths:
            how = (world.directory_order, world.temporary_names)
            hidden = os.pathsep.join(self._hidden())
            return (_START, world.build_path, *how, self.place.project, hidden, _HOOK)
        if world.temporary_names == "constant":
            raise AsamanError(
                "constant temporary names",
                f'isolation "{self.isolation.rung}" does not support them',
                code=ExitCode.NOT_AVAILABLE,
            )
        return (script,)

    def _hidden(self) -> tuple[str, ...]:
        return () if self.tools_shown else tools.hidden(self.backend)


def backend_variables(variables: Mapping[str, str], seen: Callable[[str], str]) -> dict[str, str]:
    """Return the frontend's *variables*, an in-tree backend's folders as the hook has *seen* them.

    ``pyproject_hooks`` names them in JSON since 1.3, and as a search path before.
    """
    rewritten = dict(variables)
    for name, (split, join) in _BACKEND_PATHS.items():
        if name in rewritten:
            rewritten[name] = join([seen(path) for path in split(rewritten[name])])
    return rewritten


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    """Keep the frontend's own warnings off the screen; for the thread that starts all others.

    The filters are those of the process: threads that set and restore them undo one another.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _frontend_errors(hook: str, runner: Runner) -> Iterator[None]:
    from build import BuildBackendException, BuildException
    from pyproject_hooks import BackendUnavailable

    try:
        yield
    except (BuildException, BuildBackendException) as error:
        inner = getattr(error, "exception", None)
        if isinstance(inner, (HookFailed, AsamanError)):
            raise inner from None
        if isinstance(inner, OSError) and inner.errno in DISK_FAULTS:
            why = system_reason(inner)
            raise AsamanError(hook, why, code=ExitCode.INPUT_OUTPUT) from None
        reason, log = _first_line(str(error)), runner.log
        if isinstance(inner, BackendUnavailable):
            behind = headline(inner.traceback) or _first_line(str(inner))
            reason, log = f"{reason.rstrip('.')}: {behind}", f"{log}\n{inner.traceback}"
        raise HookFailed(hook=hook, reason=reason, log=log) from None


def requires_for_wheel(
    runner: Runner, config_settings: Mapping[str, str | Sequence[str]]
) -> tuple[str, ...]:
    """Return what the backend asks for beyond ``pyproject.toml`` (PEP 517), sorted.

    :raises HookFailed: the hook failed or gave something else than requirements
    """
    return _requires(runner, "wheel", config_settings)


def requires_and_wheel(
    runner: Runner, known: Sequence[str], config_settings: Mapping[str, str | Sequence[str]]
) -> tuple[tuple[str, ...], str | None]:
    """Ask what a wheel requires; build it in the same start if that is nothing but *known*.

    :returns: what the backend asks for, sorted; and the file name that it gave, or ``None`` if the
        wheel is still to be built
    :raises HookFailed: the backend could not say what it requires
    """
    settings = dict(config_settings)
    if not runner.isolation.filtered:
        # The first hook could leave a key or a message queue for the second one.
        return requires_for_wheel(runner, settings), None
    kwargs = {
        "wheel_directory": runner.place.inside(str(runner.place.output), runner.isolation),
        "config_settings": settings,
        "metadata_directory": None,
    }
    following = Following(known=tuple(known), question={"kwargs": kwargs})
    runner.following = following
    asked = requires_for_wheel(runner, settings)
    if following.answer is None or not set(asked) <= set(known):
        return asked, None
    try:
        return asked, build(runner, "wheel", settings)
    except HookFailed:
        return asked, None


def requires_for_sdist(runner: Runner) -> tuple[str, ...]:
    """Return what the backend asks for to make an sdist (PEP 517), sorted.

    :raises HookFailed: the hook failed or gave something else than requirements
    """
    return _requires(runner, "sdist", {})


def _requires(
    runner: Runner, kind: Any, config_settings: Mapping[str, str | Sequence[str]]
) -> tuple[str, ...]:
    hook = f"get_requires_for_build_{kind}"
    try:
        found = _asked(runner, hook, kind, config_settings)
    except HookFailed as failed:
        # It may need a tool of the system to say so.
        if runner.tools_shown or not tools.hidden(runner.backend) or failed.outgrew:
            raise
        runner.tools_shown = True
        found = _asked(runner, hook, kind, config_settings)
        runner.notify(_TOOLS_SHOWN)
    if not all(isinstance(item, str) for item in found):
        raise HookFailed(hook=hook, reason=_NO_REQUIREMENTS)
    return tuple(sorted(found))


def _asked(
    runner: Runner, hook: str, kind: Any, config_settings: Mapping[str, str | Sequence[str]]
) -> set[str]:
    with _frontend_errors(hook, runner):
        return set(_frontend(runner).get_requires_for_build(kind, dict(config_settings)))


def build(runner: Runner, kind: Any, config_settings: Mapping[str, str | Sequence[str]]) -> str:
    """Run ``build_wheel`` or ``build_sdist``; return the file name that the backend gave.

    :param kind: ``wheel`` or ``sdist``
    :raises HookFailed: the hook failed or gave no plain file name
    """
    hook = f"build_{kind}"
    with _frontend_errors(hook, runner):
        try:
            path = _frontend(runner).build(kind, runner.place.output, dict(config_settings))
        except (TypeError, ValueError):
            raise HookFailed(
                hook=hook, reason="the backend did not return a file name", log=runner.log
            ) from None
    name = os.path.relpath(path, runner.place.output)
    if not name or name != Path(path).name or name in {".", ".."}:
        raise HookFailed(
            hook=hook,
            reason=f"the backend returned {path!r}, which is not a file name",
            log=runner.log,
        )
    return name


def _frontend(runner: Runner) -> Any:
    from build import BuildSystemTableValidationError, ProjectBuilder
    from pyproject_hooks import BuildBackendHookCaller

    place = runner.place
    folder, python = place.source / place.project, str(place.environment.host / "bin/python")
    try:
        return ProjectBuilder(folder, python_executable=python, runner=runner)
    except BuildSystemTableValidationError:
        # It is stricter than pip and uv: about keys that it does not know, and about a text as
        # the backend-path. What it makes of the table is all that is done otherwise.
        system = declared((folder / "pyproject.toml").read_bytes(), Subject(what="pyproject.toml"))
        caller = BuildBackendHookCaller(
            str(folder),
            system.backend,
            backend_path=system.backend_path or None,
            runner=runner,
            python_executable=python,
        )

        class Declared(ProjectBuilder):
            def __init__(self) -> None:
                self._hook, self._backend = caller, system.backend

        return Declared()


def _are_requirements(found: object) -> bool:
    """Tell whether a hook gave a list of texts; the frontend takes anything that is iterable."""
    return (
        isinstance(found, list)
        and len(found) <= _MOST_REQUIREMENTS
        and all(isinstance(one, str) and len(one) <= _LONGEST_REQUIREMENT for one in found)
    )


def _reason(done: Completed) -> str:
    """Return in one line why a hook failed."""
    if done.code < 0 or done.code > 128:
        number = -done.code if done.code < 0 else done.code - 128
        return f"the hook was killed by signal {number}"
    return headline(done.tail) or f"exit status {done.code}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "the build frontend failed"


def world_of(environment: BuildEnvironment, folder: Path, isolation: Isolation) -> BuildEnvironment:
    """Return *environment* with the paths that a build sees; on ``none`` those of the host."""
    if isolation.constant_paths:
        return environment
    return dataclasses.replace(
        environment,
        build_path=str(folder / "source"),
        home=str(folder / "home"),
    )
