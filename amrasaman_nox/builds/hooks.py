"""The build frontend: one hook of a build backend, run in the sandbox.

``build.ProjectBuilder`` is the frontend (PEP 517); the sandbox is its runner. It is given the
host's paths, and the runner shows the same folders to the hook at the paths of its own world.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import stat
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.builds import normalise, sandbox, start
from amrasaman_nox.builds.environments import interpreter_folders
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from amrasaman_nox.builds.environments import Environment
    from amrasaman_nox.builds.sandbox import Completed, Isolation
    from amrasaman_nox.model import BuildEnvironment, Interpreter, Limits

#: An answer holds the warnings of the backend as well; some projects get hundreds of long ones.
# Faults of the disk that are not the backend's.
_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_LARGEST_ANSWER: Final = 8 << 20
_HOOK: Final = "/build/frontend/hook.py"
_START: Final = "/build/frontend/start.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one build's folders are on the host, and where the build sees them."""

    source: Path
    output: Path
    control: Path
    log: Path
    environment: Environment
    world: BuildEnvironment

    def inside(self, path: str, isolation: Isolation) -> str:
        """Return how the build sees the host's *path*."""
        if not isolation.constant_paths:
            return path
        for host, seen in (
            (self.source, self.world.build_path),
            (self.output, "/build/output"),
            (self.control, "/build/control"),
        ):
            if path == str(host) or path.startswith(f"{host}/"):
                return seen + path[len(str(host)) :]
        return path


class HookFailed(Exception):  # noqa: N818 - it becomes a value, a BuildFailure
    """A hook did not do what it should: the reason in one line and the end of its log."""

    def __init__(self, *, hook: str, reason: str, log: str = "") -> None:
        super().__init__(hook, reason)
        self.hook = hook
        self.reason = reason
        self.log = log
        #: Where the whole log is kept, once the build's folders are gone.
        self.log_path: str | None = None


@dataclass(slots=True)
class Runner:
    """The frontend's runner: starts each hook in the sandbox and keeps what it cost."""

    place: Place
    isolation: Isolation
    interpreter: Interpreter
    limits: Limits
    cpu_seconds: float = 0.0
    log: str = ""
    completed: list[Completed] = field(default_factory=list)

    def __call__(
        self,
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        """Run ``[python, script, hook, control folder]``, as ``pyproject_hooks`` asks for it.

        :raises HookFailed: it ended otherwise than well
        """
        _, script, hook, answers = cmd
        place, isolation = self.place, self.isolation
        _write_question(Path(answers), place, isolation)
        control = place.inside(str(place.control), isolation)
        command = sandbox.Command(
            argv=(place.environment.python, *self._program(script), hook, control),
            directory=place.inside(str(place.source), isolation),
            variables={
                **normalise.variables(place.world),
                **self._backend(extra_environ or {}),
            },
            folders=(
                sandbox.Folder(host=Path(script), inside=_HOOK),
                sandbox.Folder(host=Path(start.__file__), inside=_START),
                sandbox.Folder(host=place.environment.host, inside=place.environment.inside),
                sandbox.Folder(host=place.source, inside=start.UNPACKED),
                sandbox.Folder(host=place.output, inside="/build/output", writable=True),
                sandbox.Folder(host=place.control, inside="/build/control", writable=True),
                *interpreter_folders(self.interpreter),
            ),
            environment=place.world,
            limits=self.limits,
            log=place.log,
            memory=(place.world.build_path,) if isolation.constant_paths else (),
        )
        done = sandbox.run(command, isolation)
        self.cpu_seconds += done.cpu_seconds
        self.log = done.tail
        if done.limit:
            raise HookFailed(hook=hook, reason=f"limit passed: {done.limit}", log=done.tail)
        if done.code:
            raise HookFailed(hook=hook, reason=_reason(done), log=done.tail)
        answer = _read_answer(place.control / "output.json", hook)
        _log_warnings(answer.pop("warnings", None), place.log)
        (Path(answers) / "output.json").write_text(json.dumps(answer))

    def _program(self, script: str) -> tuple[str, ...]:
        """Return what the interpreter runs: the hook's script, in the sandbox behind our own."""
        if not self.isolation.constant_paths:
            return (script,)
        world = self.place.world
        return (_START, world.build_path, world.directory_order, _HOOK)

    def _backend(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Rewrite the folders of an in-tree backend to where the hook sees them."""
        seen = dict(variables)
        for name, value in variables.items():
            if name == "_PYPROJECT_HOOKS_BACKEND_PATH_JSON":
                paths = [self.place.inside(path, self.isolation) for path in json.loads(value)]
                seen[name] = json.dumps(paths)
        return seen


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

    try:
        yield
    except (BuildException, BuildBackendException) as error:
        inner = getattr(error, "exception", None)
        if isinstance(inner, (HookFailed, AsamanError)):
            raise inner from None
        if isinstance(inner, OSError) and inner.errno in _DISK:
            why = inner.strerror or str(inner)
            raise AsamanError(hook, why, code=ExitCode.INPUT_OUTPUT) from None
        raise HookFailed(hook=hook, reason=_first_line(str(error)), log=runner.log) from None


def requires_for_wheel(
    runner: Runner, config_settings: Mapping[str, str | Sequence[str]]
) -> tuple[str, ...]:
    """Return what the backend asks for beyond ``pyproject.toml`` (PEP 517), sorted.

    :raises HookFailed: the hook failed or gave something else than requirements
    """
    return _requires(runner, "wheel", config_settings)


def requires_for_sdist(runner: Runner) -> tuple[str, ...]:
    """Return what the backend asks for to make an sdist (PEP 517), sorted.

    :raises HookFailed: the hook failed or gave something else than requirements
    """
    return _requires(runner, "sdist", {})


def _requires(
    runner: Runner, kind: Any, config_settings: Mapping[str, str | Sequence[str]]
) -> tuple[str, ...]:
    hook = f"get_requires_for_build_{kind}"
    with _frontend_errors(hook, runner):
        found = _frontend(runner).get_requires_for_build(kind, dict(config_settings))
    if not all(isinstance(item, str) for item in found):
        raise HookFailed(hook=hook, reason="the hook gave something else than requirements")
    return tuple(sorted(found))


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
                hook=hook, reason="bad backend result: not a file name", log=runner.log
            ) from None
    name = os.path.relpath(path, runner.place.output)
    if not name or name != Path(path).name or name in {".", ".."}:
        raise HookFailed(
            hook=hook, reason=f"bad backend result: {path!r} is not a file name", log=runner.log
        )
    return name


def _frontend(runner: Runner) -> Any:
    from build import ProjectBuilder

    place = runner.place
    return ProjectBuilder(
        place.source, python_executable=str(place.environment.host / "bin/python"), runner=runner
    )


def _write_question(answers: Path, place: Place, isolation: Isolation) -> None:
    """Copy the hook's input to the control folder, with the paths that the hook sees."""
    question = json.loads((answers / "input.json").read_text())
    for name in ("wheel_directory", "sdist_directory", "metadata_directory"):
        path = question["kwargs"].get(name)
        if path is not None:
            question["kwargs"][name] = place.inside(path, isolation)
    (place.control / "output.json").unlink(missing_ok=True)
    written = place.control / "input.json"
    written.write_text(json.dumps(question))
    written.chmod(0o644)


def _log_warnings(found: object, log: Path) -> None:
    """Write what the backend warned of to its log: the frontend would print it as it is."""
    lines = found if isinstance(found, list) else []
    with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(
            f"warning: {line.get('filename')}:{line.get('lineno')}: {line.get('message')}\n"
            for line in lines
            if isinstance(line, dict)
        )


def _read_answer(path: Path, hook: str) -> dict[str, Any]:
    """Return the hook's answer; it may be anything, so it is opened with care and then parsed."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = f"bad backend result: the hook gave no answer ({error.strerror})"
        raise HookFailed(hook=hook, reason=reason) from None
    try:
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            reason = "bad backend result: the hook's answer is not a regular file"
            raise HookFailed(hook=hook, reason=reason)
        content = os.read(file, _LARGEST_ANSWER + 1)
    finally:
        os.close(file)
    if len(content) > _LARGEST_ANSWER:
        reason = f"bad backend result: the hook's answer is longer than {_LARGEST_ANSWER} bytes"
        raise HookFailed(hook=hook, reason=reason)
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise HookFailed(hook=hook, reason="bad backend result: the hook's answer is not JSON")
    return answer


def _reason(done: Completed) -> str:
    """Return the last telling line of a failed hook's output."""
    if done.code < 0 or done.code > 128:
        number = -done.code if done.code < 0 else done.code - 128
        return f"the hook was killed by signal {number}"
    lines = [line.strip() for line in done.tail.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line]
    return (telling or lines or [f"exit status {done.code}"])[-1]


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
