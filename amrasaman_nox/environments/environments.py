"""Throwaway virtualenvs from locked files only; each is made once and then shared read-only."""

# The paths of all files of an environment are texts: objects would cost more than the links.
# ruff: noqa: PTH102, PTH112, PTH118

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.environments import complete, installed
from amrasaman_nox.environments.installed import PATIENCE
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import remove_tree, walk
from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from amrasaman_nox.environments.installed import InstalledTree
    from amrasaman_nox.model import Interpreter, LockedFile
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store

#: Where a script names its interpreter, in bytes from its beginning.
_HEAD: Final = 1024
#: What was compiled here is called so, and nothing else is.
_COMPILED: Final = ".pyc"
_BOTH: Final = "is both a file and a folder"
#: What the names in a wheel can be refused for.
_NAMING: Final = frozenset(
    {
        *(errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ELOOP),
        *(errno.ENAMETOOLONG, errno.ENOTDIR),
    }
)


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
    :param backend: the build backend that ``pyproject.toml`` names, so that its bytecode is there
    :raises AsamanError: a file is missing or does not install (exit 3), or another run holds the
        environment's lock for too long (exit 5)
    """
    key = _key(files, interpreter, isolation, inside)
    host = complete.home(store.root, "environments") / key
    environment = Environment(host=host, inside=inside if isolation.constant_paths else str(host))
    if complete.is_whole(host):
        return environment
    with store.lock(f"environment-{key}", timeout=PATIENCE, notify=notify):
        if not complete.is_whole(host):
            complete.drop_former(store.root)
            host.parent.mkdir(mode=0o700, exist_ok=True)
            remove_tree(host)
            bare = _bare(interpreter, store, notify)
            with _faults(host):
                wheels = installed.trees(
                    files,
                    interpreter,
                    bare,
                    store=store,
                    isolation=isolation,
                    backend=backend,
                    notify=notify,
                )
                shutil.copytree(bare, host, symlinks=True)
                for wheel in wheels:
                    _join(wheel, environment, isolation)
                complete.note(host)
    return environment


@contextlib.contextmanager
def _faults(host: Path) -> Iterator[None]:
    """Turn what the operating system refuses into one line: a wheel may have any names in it."""
    try:
        yield
    except shutil.Error as error:
        # Of a copied folder: all its files that could not be copied, and why.
        why = str(error.args[0][0][-1])
        raise AsamanError("build environment", why, code=ExitCode.INPUT_OUTPUT) from None
    except OSError as error:
        where = os.path.relpath(error.filename, host) if error.filename else ""
        why = f"{system_reason(error)}{f': {where}' if where else ''}"
        code = ExitCode.BUILD_FAILED if error.errno in _NAMING else ExitCode.INPUT_OUTPUT
        raise AsamanError("build environment", why, code=code) from None


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


def _bare(interpreter: Interpreter, store: Store, notify: Callable[[str], None]) -> Path:
    """Return the interpreter's empty virtualenv: it holds no path of its own."""
    name = hashlib.sha256(f"{interpreter.executable} {interpreter.digest}".encode()).hexdigest()
    bare = complete.home(store.root, "environments") / f"bare-{name[:32]}"
    with store.lock(bare.name, timeout=PATIENCE, notify=notify):
        if not complete.is_whole(bare):
            remove_tree(bare)
            with store.temporary("virtualenv-") as folder:
                _virtualenv(folder / "bare", interpreter, folder / "data")
                (folder / "bare").rename(bare)
            complete.note(bare)
    return bare


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
    # Earlier releases of virtualenv put a patch of distutils into every environment.
    for patch in destination.glob("lib/python*/site-packages/_virtualenv.p*"):
        patch.unlink()


def _join(wheel: InstalledTree, environment: Environment, isolation: Isolation) -> None:
    """Show an installed wheel in an environment; a file that another one has put there stays.

    Bytecode is shown beside the source that it was compiled from, and beside no other.

    :raises OSError: a file is a folder of another wheel, or what the disk refuses
    """
    moved = environment.python != wheel.python
    kept: set[str] = set()
    for folder, folders, files in walk(wheel.path):
        within = os.path.relpath(folder, wheel.path)
        there = os.path.join(environment.host, within)
        for name in folders:
            _make(os.path.join(there, name))
        for name in files:
            file, place = os.path.join(folder, name), os.path.join(there, name)
            if moved and within == "bin":
                _move(Path(file), Path(place), wheel.python, environment.python)
            if place.endswith(_COMPILED) and source_from_cache(place) in kept:
                continue
            if not _put(file, place, share=isolation.constant_paths):
                kept.add(place)


def _make(folder: str) -> None:
    if not os.path.isdir(folder):
        if os.path.lexists(folder):
            raise NotADirectoryError(errno.ENOTDIR, _BOTH, folder)
        os.mkdir(folder)


def _put(file: str, there: str, *, share: bool) -> bool:
    """Put *file* there, unless another file is; return whether it was put."""
    if os.path.lexists(there):
        if os.path.isdir(there):
            raise IsADirectoryError(errno.EISDIR, _BOTH, there)
        return False
    if share:
        # No build can write to it. There are file systems without links, and files that have
        # as many as they can.
        with contextlib.suppress(OSError):
            os.link(file, there)
            return True
    shutil.copy2(file, there)
    return True


def _move(script: Path, there: Path, former: str, python: str) -> None:
    """Write a script for another path of its interpreter, if it names one where it begins.

    RECORD keeps the hash of the former one.
    """
    content = script.read_bytes()
    if former.encode() not in content[:_HEAD] or os.path.lexists(there):
        return
    there.write_bytes(content.replace(former.encode(), python.encode(), 1))
    shutil.copymode(script, there)
