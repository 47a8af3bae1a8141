"""Wheels installed once each, every one in a folder of its own, from which environments are made.

Nothing of a wheel runs when it is installed, so that no wheel has a say in what another one is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.utils import parse_wheel_filename

from amrasaman_nox.environments import bytecode, complete
from amrasaman_nox.errors import DISK_FAULTS, AsamanError, ExitCode
from amrasaman_nox.files import remove_tree
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import normalise, process, view
from amrasaman_nox.sandbox.inside import precompile
from amrasaman_nox.sandbox.process import give_to, give_to_build
from amrasaman_nox.sandbox.view import interpreter_folders
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amrasaman_nox.model import Interpreter, LockedFile
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store

#: How long another run's making of the same environment is waited for, in seconds.
PATIENCE: Final = 600.0
#: How long the bytecode of what builds import of one wheel may take to make, in seconds.
_COMPILING: Final = 60
#: Where the sandbox shows what installs, and what is installed.
_WHEELS: Final = "/build/wheels"
_UV: Final = "/build/uv"
_UV_LOCK: Final = ".lock"
#: The most characters of a project's name that are in the name of a folder.
_LONGEST: Final = 80
_COMPILER: Final = "/build/compiling.py"
_NEW: Final = "/build/new"
_KNOWN: Final = "/build/known"


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledTree:
    """An installed wheel: its folder, like that of an environment, and what its scripts name.

    ``python`` is the path of the interpreter in the first lines of its scripts.
    """

    path: Path
    python: str


def trees(
    files: Sequence[LockedFile],
    interpreter: Interpreter,
    bare: Path,
    *,
    store: Store,
    isolation: Isolation,
    backend: str = "",
    notify: Callable[[str], None] = lambda message: None,
) -> tuple[InstalledTree, ...]:
    """Return the installed wheels of *files*, in the order of their names.

    :param files: wheels that are in *store*
    :param bare: the interpreter's empty virtualenv
    :param backend: the build backend that is named in ``pyproject.toml``; it is compiled with the
        wheel it is in, if that is not installed yet
    :param notify: is told once for each wheel that another run installs just now
    :raises AsamanError: a file is missing (exit 5) or does not install (exit 3)
    """
    how = _How(
        interpreter=interpreter, bare=bare, backend=backend, store=store, isolation=isolation
    )
    found = {file: _path(file, how) for file in sorted(files)}
    with contextlib.ExitStack() as held:
        missing = {file: path for file, path in found.items() if not _is_whole(path)}
        # Whoever holds several of these locks asked for them in this order.
        for path in sorted(missing.values()):
            lock = store.lock(f"installed-{path.name}", timeout=PATIENCE, notify=notify)
            held.enter_context(lock)
        missing = {file: path for file, path in missing.items() if not _is_whole(path)}
        if missing:
            _install(missing, how)
    return tuple(InstalledTree(path=path, python=how.python) for path in found.values())


def _is_whole(tree: Path) -> bool:
    # Environments are made seldom, and what a tree lost all of them would lack from then on.
    return complete.is_whole(tree, looked_at=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _How:
    """What wheels are installed with."""

    interpreter: Interpreter
    bare: Path
    backend: str
    store: Store
    isolation: Isolation

    @property
    def environment(self) -> str:
        """Where the sandbox shows the empty virtualenv."""
        inside = self.isolation.constant_paths
        return BuildEnvironment().environment_path if inside else str(self.bare)

    @property
    def python(self) -> str:
        """The interpreter's path, which scripts begin with."""
        return f"{self.environment}/bin/python"


def _path(file: LockedFile | None, how: _How) -> Path:
    """Return the folder of an installed wheel, or of what this uv knows of the interpreter."""
    if file is None:
        facts_of_uv = _uv().stat()
        named, readable = f"{facts_of_uv.st_size} {facts_of_uv.st_mtime_ns}", "interpreter"
    else:
        named, readable = f"{file.filename} {file.digest}", "-".join(_release(file))
    facts = [named, how.python, how.interpreter.executable, str(how.interpreter.digest)]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return complete.home(how.store.root, "installed") / f"{readable}-{key}"


def _release(file: LockedFile) -> tuple[str, str]:
    """Return project and version of a wheel for the name of a folder; there is no ``-`` in them."""
    name, version, _, _ = parse_wheel_filename(file.filename)
    return name.replace("-", "_")[:_LONGEST], str(version)


def _install(missing: dict[LockedFile, Path], how: _How) -> None:
    with how.store.temporary("installing-") as work:
        for name in ("wheels", "new", "known", "home"):
            (work / name).mkdir(mode=0o755)
        for number, file in enumerate(missing):
            line = _copy_verified(file, work / "wheels", how.store)
            (work / "wheels" / f"{number}.txt").write_text(f"{line}\n")
        known = _path(None, how)
        for name in ("new", "known"):
            give_to_build(work / name)
        done = process.run(_command(work, known, list(missing), how), how.isolation)
        if done.code or done.limit:
            disk = any(os.strerror(number) in done.tail for number in DISK_FAULTS)
            raise AsamanError(
                "build environment",
                done.limit or _said(done.tail) or f"exit status {done.code}",
                code=ExitCode.INPUT_OUTPUT if disk else ExitCode.BUILD_FAILED,
            )
        known.parent.mkdir(mode=0o700, exist_ok=True)
        for number, path in enumerate(missing.values()):
            folder = work / "new" / str(number)
            (folder / _UV_LOCK).unlink(missing_ok=True)
            remove_tree(path)
            _take(folder, path)
            complete.note(path)
        if not known.exists() and any((work / "known").iterdir()):
            # Another run may keep the same just now.
            with contextlib.suppress(OSError):
                _take(work / "known", known)


def _uv() -> Path:
    import uv

    return Path(uv.find_uv_bin())


def _said(output: str) -> str:
    """Return in one line what uv says of its failure: the error, then what it was caused by."""
    label = re.compile(r"(error|cause|Caused by):\s*")
    lines = (label.sub("", line.strip(), count=1) for line in output.splitlines())
    return ": ".join(line for line in lines if line)


def _take(folder: Path, final: Path) -> None:
    """Move a folder to its place; where we are root, what builds' user made becomes ours."""
    if view.build_owner() is not None:
        give_to(folder, os.geteuid(), os.getegid())
    folder.rename(final)


def _command(work: Path, known: Path, files: Sequence[LockedFile], how: _How) -> view.ProcessSpec:
    """Return what installs *files*, each into a folder of its own, and compiles."""
    inside = how.isolation.constant_paths
    shown = {
        "wheels": view.Folder(host=work / "wheels", inside=_WHEELS),
        "new": view.Folder(host=work / "new", inside=_NEW, writable=True),
        "known": view.Folder(host=known, inside=_KNOWN)
        if known.exists()
        else view.Folder(host=work / "known", inside=_KNOWN, writable=True),
        "uv": view.Folder(host=_uv(), inside=_UV),
        "compiler": view.Folder(host=Path(precompile.__file__), inside=_COMPILER),
    }
    seen = {name: item.inside if inside else str(item.host) for name, item in shown.items()}
    world = dataclasses.replace(BuildEnvironment(), environment_path=how.environment)
    if not inside:
        world = dataclasses.replace(world, home=str(work / "home"))
    variables = normalise.variables(world)
    del variables["PYTHONDONTWRITEBYTECODE"]
    return view.ProcessSpec(
        argv=("/bin/sh", "-c", _program(files, seen, how)),
        directory="/" if inside else str(work),
        variables=variables,
        folders=(
            *shown.values(),
            view.Folder(host=how.bare, inside=how.environment),
            *interpreter_folders(how.interpreter),
        ),
        environment=world,
        limits=Limits(),
        log=work / "log",
        python=how.interpreter.executable,
    )


def _program(files: Sequence[LockedFile], seen: Mapping[str, str], how: _How) -> str:
    """Return what the shell runs: it fails if a wheel is not installed, or its bytecode stays.

    uv keeps what it found out about the interpreter in its cache, beside what it unpacks; it would
    ask for it again for each environment. Without bytecode a build is slower, and the same.
    """
    cache = f"{seen['new']}/uv"
    install = [
        *(seen["uv"], "pip", "install", "--quiet", "--no-config", "--offline", "--no-index"),
        *("--no-deps", "--require-hashes", "--find-links", seen["wheels"], "--cache-dir", cache),
        *("--link-mode", "hardlink", "--python", how.python),
    ]
    installs = []
    compiles = [how.python, "-I", "-S", seen["compiler"], str(_COMPILING)]
    for number, file in enumerate(files):
        folder = f"{seen['new']}/{number}"
        line = [*install, "--prefix", folder, "--requirement", f"{seen['wheels']}/{number}.txt"]
        installs.append(shlex.join(line))
        modules = bytecode.modules(parse_wheel_filename(file.filename)[0], how.backend)
        compiles.append(f"{folder}={','.join(modules)}")
    known, cache = shlex.quote(seen["known"]), shlex.quote(cache)
    return "\n".join(
        (
            f"cp -R {known} {cache}",
            f"{' && '.join(installs)} || exit",
            f'set -- {known}/interpreter-*; [ -e "$1" ] || cp -R {cache}/interpreter-* {known}',
            shlex.join(compiles),
        )
    )


def _copy_verified(file: LockedFile, folder: Path, store: Store) -> str:
    """Copy a wheel from *store* into *folder*; return its line for a requirements file.

    :raises AsamanError: the store does not hold it
    """
    name, version, _, _ = parse_wheel_filename(file.filename)
    path = folder / file.filename
    with fetched(file.digest, file.filename, store) as source, path.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    (folder / file.filename).chmod(0o644)
    return f"{name}=={version} --hash={file.digest}"
