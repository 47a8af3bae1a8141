"""Throwaway virtualenvs from locked files only; each is made once and then shared read-only."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.utils import parse_wheel_filename

from amrasaman_nox.builds import bytecode, normalise, sandbox
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildEnvironment, Digest, Limits
from amrasaman_nox.sources.store import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from amrasaman_nox.builds.sandbox import Folder, Isolation
    from amrasaman_nox.model import Interpreter, LockedFile
    from amrasaman_nox.sources.store import Store

#: How long another run's making of the same environment is waited for, in seconds.
PATIENCE: Final = 600.0
#: How long the bytecode of what builds import may take to make, in seconds.
_WARMING: Final = 60
_WHEELS: Final = "/build/wheels"
_UV: Final = "/build/uv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A finished virtualenv: where it is on the host, and where a build sees it."""

    host: Path
    inside: str

    @property
    def python(self) -> str:
        """The interpreter's path as a build sees it."""
        return f"{self.inside}/bin/python"


def prepare(
    files: Sequence[LockedFile],
    interpreter: Interpreter,
    *,
    store: Store,
    isolation: Isolation,
    inside: str = BuildEnvironment().environment_path,
    backend: str = "",
    notify: Callable[[str], None] = lambda message: None,
) -> Environment:
    """Return a virtualenv that holds *files* and nothing else, made if there is none yet.

    :param files: wheels that are in *store*
    :param inside: where builds see it; on the rung ``none`` its own path on the host
    :param backend: the build backend's module, imported once so that its bytecode is there
    :raises AsamanError: a file is missing or does not install (exit 3), or another run holds the
        environment's lock for too long (exit 5)
    """
    key = _key(files, interpreter, isolation, inside)
    host = store.root / "environments" / key
    environment = Environment(host=host, inside=inside if isolation.constant_paths else str(host))
    complete = host.with_suffix(".complete")
    if complete.exists():
        return environment
    with store.lock(f"environment-{key}", timeout=PATIENCE, notify=notify):
        if not complete.exists():
            host.parent.mkdir(mode=0o700, exist_ok=True)
            remove_tree(host)
            _create(host, interpreter, store)
            if files:
                _fill(environment, files, interpreter, store, isolation, backend)
            complete.touch()
    return environment


def _key(
    files: Sequence[LockedFile], interpreter: Interpreter, isolation: Isolation, inside: str
) -> str:
    facts = [
        sorted(f"{file.filename} {file.digest}" for file in files),
        interpreter.executable,
        str(interpreter.digest),
        inside if isolation.constant_paths else "",
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _create(host: Path, interpreter: Interpreter, store: Store) -> None:
    """Copy the interpreter's empty virtualenv: it holds no path of its own."""
    name = hashlib.sha256(f"{interpreter.executable} {interpreter.digest}".encode()).hexdigest()
    bare = host.parent / f"bare-{name[:32]}"
    with store.lock(bare.name, timeout=PATIENCE):
        if not bare.exists():
            with store.temporary("virtualenv-") as folder:
                _virtualenv(folder / "bare", interpreter, folder / "data")
                (folder / "bare").rename(bare)
    shutil.copytree(bare, host, symlinks=True)


def _virtualenv(destination: Path, interpreter: Interpreter, data: Path) -> None:
    # virtualenv costs a tenth of a second to import, and most runs find what they need.
    import virtualenv

    arguments = [
        *("--python", interpreter.executable, "--no-seed", "--activators", ""),
        *("--no-vcs-ignore", "--symlinks", "--no-periodic-update", "--app-data", str(data)),
        str(destination),
    ]
    try:
        # An environment of its own: the user's variables and virtualenv.ini have no say.
        virtualenv.cli_run(
            arguments,
            setup_logging=False,
            env={"VIRTUALENV_CONFIG_FILE": os.devnull, "PATH": normalise.SYSTEM_PATH},
        )
    except (RuntimeError, SystemExit, OSError) as error:
        raise AsamanError(
            f"virtualenv for {interpreter.executable}",
            str(error) or "it could not be created",
            code=ExitCode.NOT_AVAILABLE,
        ) from None


def _fill(
    environment: Environment,
    files: Sequence[LockedFile],
    interpreter: Interpreter,
    store: Store,
    isolation: Isolation,
    backend: str,
) -> None:
    import uv

    with store.temporary("environment-") as work:
        wheels = work / "wheels"
        wheels.mkdir(mode=0o755)
        (wheels / "requirements.txt").write_text(
            "".join(f"{copy_verified(file, wheels, store)}\n" for file in files)
        )
        inside = isolation.constant_paths
        seen_wheels, seen_uv = (_WHEELS, _UV) if inside else (str(wheels), uv.find_uv_bin())
        install = [
            *(seen_uv, "pip", "install", "--quiet", "--no-config", "--no-cache", "--offline"),
            *("--no-index", "--no-deps", "--require-hashes", "--link-mode", "copy"),
            *("--find-links", seen_wheels, "--python", environment.python),
            *("--requirement", f"{seen_wheels}/requirements.txt"),
        ]
        imported = bytecode.modules(backend, [file.filename for file in files])
        warm = [environment.python, "-c", bytecode.PROGRAM, *imported]
        # Only what installs decides how this ends, whatever is done when it is imported.
        program = (
            f"{shlex.join(install)} || exit; "
            f"timeout -s KILL {_WARMING} {shlex.join(warm)} >/dev/null 2>&1; exit 0"
        )
        world = dataclasses.replace(BuildEnvironment(), environment_path=environment.inside)
        if not inside:
            world = dataclasses.replace(world, home=str(work / "home"))
            (work / "home").mkdir()
        variables = normalise.variables(world)
        del variables["PYTHONDONTWRITEBYTECODE"]
        folders = (
            sandbox.Folder(host=wheels, inside=_WHEELS),
            sandbox.Folder(host=Path(uv.find_uv_bin()), inside=_UV),
            sandbox.Folder(host=environment.host, inside=environment.inside, writable=True),
            *interpreter_folders(interpreter),
        )
        give_to_build(environment.host)
        command = sandbox.Command(
            argv=("/bin/sh", "-c", program),
            directory="/" if inside else str(work),
            variables=variables,
            folders=folders,
            environment=world,
            limits=Limits(),
            log=work / "log",
        )
        done = sandbox.run(command, isolation)
        if done.code or done.limit:
            said = [line for line in done.tail.splitlines() if line.strip()]
            raise AsamanError(
                "build environment",
                done.limit or (said[0].strip() if said else f"exit status {done.code}"),
                code=ExitCode.BUILD_FAILED,
            )


def copy_verified(file: LockedFile, folder: Path, store: Store) -> str:
    """Copy a wheel from *store* into *folder*; return its line for a requirements file.

    :raises AsamanError: the store does not hold it
    """
    name, version, _, _ = parse_wheel_filename(file.filename)
    path = folder / file.filename
    with fetched(file.digest, file.filename, store) as source, path.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    (folder / file.filename).chmod(0o644)
    return f"{name}=={version} --hash={file.digest}"


def fetched(digest: Digest, name: str, store: Store) -> BinaryIO:
    """Return the verified bytes with *digest* as an open file.

    :raises AsamanError: the store does not hold them (exit 5)
    """
    file = store.get(digest)
    if file is None:
        raise AsamanError(
            name,
            "its bytes are no longer in the cache",
            hint="run again to fetch them",
            code=ExitCode.INPUT_OUTPUT,
        )
    return file


def interpreter_folders(interpreter: Interpreter) -> tuple[Folder, ...]:
    """Return the interpreter's folders that are not part of the system's."""
    return tuple(
        sandbox.Folder(host=Path(prefix), inside=prefix)
        for prefix in interpreter.prefixes
        if not f"{prefix}/".startswith(("/usr/", "/lib/", "/lib64/", "/bin/"))
    )


def give_to_build(folder: Path) -> None:
    """Make the unprivileged user of builds the owner of *folder*, where we are root."""
    owner = sandbox.build_owner()
    if owner is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
