"""What a command sees in the sandbox: folders, files, variables."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.errors import AsamanError, ExitCode, Kind
from amrasaman_nox.sandbox import memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amrasaman_nox.model import BuildEnvironment, Interpreter, Limits


def interpreter_folders(interpreter: Interpreter) -> tuple[Folder, ...]:
    """Return what a build sees of the interpreter that is not part of the system."""
    shown = ((path, Path(path)) for path in interpreter.shown)
    hidden = ((path, None) for path in interpreter.hidden)
    return tuple(Folder(host=host, inside=path) for path, host in (*shown, *hidden))


def is_of_system(path: str) -> bool:
    """Return whether *path* is in the folders of the system that every sandbox shows."""
    return f"{path}/".startswith(("/usr/", "/lib/", "/lib64/", "/bin/"))


#: Who a build runs as where the tool itself is root: no account, and none that systemd hands out.
BUILD_UID: Final = 64230
#: The line that a rung prints when all is set up. What is said before it is not of the build.
BEGUN: Final = b"amrasaman-nox: begun\n"
#: What of the machine a build may read, where it exists.
_SYSTEM: Final = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_SYSTEM_FILES: Final = ("/etc/ld.so.cache", "/etc/alternatives")
#: Where a sandbox shows the library with which the clock is varied.
CLOCK: Final = "/build/frontend/libfaketime.so.1"
#: Where a sandbox shows the locales that were compiled into the store.
LOCALES: Final = "/build/frontend/locales"
#: Folders in memory that a build may write to.
TEMPORARY: Final = ("/dev/shm", "/tmp")  # noqa: S108 - the sandbox's own
_TEMPORARY_SIZE: Final = 8 << 30
#: What a folder in memory that belongs to a build may hold, in bytes: the same on every machine, so
#: that what happens in it follows from the build alone.
MEMORY_SIZE: Final = 1 << 30
#: The packages of programs that are not part of util-linux.
_PACKAGES: Final = {"bwrap": "bubblewrap", "env": "coreutils"}
_ONLINE: Final = "/sys/devices/system/cpu/online"


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A file or folder of the host, and the path at which a process sees it.

    Without ``host`` it is an empty folder that hides what is at that path.
    """

    host: Path | None
    inside: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """One process of foreign code: what it is, what it sees, what it may use.

    ``argv`` and ``directory`` are paths as the process sees them. ``variables`` is its whole
    environment. ``log`` is where its output goes, in a private folder of this build. ``memory``
    are folders on empty file systems in memory, which belong to the process; each may hold
    ``memory_size`` bytes. ``processors`` are those it may run on, none for all. ``python`` is the
    base interpreter of the build: our own code runs under it before the process does, and reads no
    build environment. ``clock`` is the path of libfaketime on the host, ``locales`` that of the
    compiled locales. With ``fixed_addresses`` addresses are not randomised. ``heard`` receives the
    output as it arrives.
    """

    argv: tuple[str, ...]
    directory: str
    variables: Mapping[str, str]
    folders: tuple[Folder, ...]
    environment: BuildEnvironment
    limits: Limits
    log: Path
    python: str
    memory: tuple[str, ...] = ()
    memory_size: int = MEMORY_SIZE
    processors: tuple[int, ...] = ()
    clock: str = ""
    locales: str = ""
    fixed_addresses: bool = False
    heard: Callable[[bytes], None] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """A command line with the open files that it reads, of which ``stdin`` may be one."""

    argv: tuple[str, ...]
    files: tuple[int, ...] = ()
    stdin: int | None = None

    def close(self) -> None:
        """Close our side of the files, once the process is started."""
        for file in self.files:
            os.close(file)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a build's root holds; ``links`` and ``files`` are of the sandbox's own making.

    ``temporary`` are folders in memory that anybody may write to, ``memory`` those of the build, of
    ``memory_size`` bytes each.
    ``parents`` are to be made before those are mounted, ``within`` after that.
    """

    parents: tuple[str, ...]
    within: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, bytes], ...]
    temporary: tuple[str, ...]
    memory: tuple[str, ...]
    memory_size: int
    folders: tuple[Folder, ...]


def build_owner() -> int | None:
    """Return the uid that must own what a build writes, or ``None`` for our own."""
    return BUILD_UID if os.geteuid() == 0 else None


def program(name: str) -> str:
    """Return where *name* is.

    :raises AsamanError: it is not installed (exit 4)
    """
    found = find_program(name)
    if found is None:
        raise AsamanError(
            "isolation",
            f"{_PACKAGES.get(name, 'util-linux')} ({name}) is not installed",
            code=ExitCode.NOT_AVAILABLE,
            kind=Kind.ISOLATION,
        )
    return found


def find_program(name: str) -> str | None:
    """Return the path of *name* that holds in a sandbox as well, where links of the host do not."""
    found = shutil.which(name)
    if found is None:
        return None
    behind = Path(found).resolve()
    # Where one program plays many, the name that it is called by says which.
    return str(behind) if behind.name == name else found


def view(command: ProcessSpec) -> View:
    """Return the root that *command* sees on every rung with constant paths."""
    world = command.environment
    system = [Path(name) for name in _SYSTEM]
    shown = [path for path in system if path.exists() and not path.is_symlink()]
    shown += [path for path in map(Path, _SYSTEM_FILES) if path.exists()]
    files = (*_accounts(world).items(), (_ONLINE, _processors(world)))
    helpers = ((command.clock, CLOCK), (command.locales, LOCALES))
    folders = (
        *(Folder(host=path, inside=str(path)) for path in shown),
        *command.folders,
        *(Folder(host=Path(host), inside=inside) for host, inside in helpers if host),
    )
    paths = (*(item.inside for item in folders), *dict(files), world.home)
    return View(
        parents=_parents((*paths, *(f"{folder}/content" for folder in command.memory))),
        within=_parents(paths, within=TEMPORARY),
        links=tuple((str(path), str(path.readlink())) for path in system if path.is_symlink()),
        files=files,
        temporary=(*TEMPORARY, world.home),
        memory=command.memory,
        memory_size=command.memory_size,
        folders=folders,
    )


def _parents(paths: Sequence[str], within: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the folders on the way to *paths*, outermost first.

    They are those of the root, or those in the folders *within*, which are mounted on it.
    """
    # What lies in a folder of the system is there.
    mounted = tuple(f"{folder}/" for folder in (within or ("/usr", *TEMPORARY)))
    ways = {
        str(parent)
        for path in paths
        if path.startswith(mounted) == bool(within)
        for parent in Path(path).parents
    }
    return tuple(sorted(way for way in ways - {"/"} if not within or way.startswith(mounted)))


def _accounts(world: BuildEnvironment) -> dict[str, bytes]:
    user = f"{world.user}:x:{world.uid}:{world.uid}::{world.home}:/bin/sh\n"
    return {
        "/etc/passwd": f"root:x:0:0::/root:/bin/sh\n{user}".encode(),
        "/etc/group": f"root:x:0:\n{world.user}:x:{world.uid}:\n".encode(),
        "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    }


def _processors(world: BuildEnvironment) -> bytes:
    return f"0-{world.processors - 1}\n".encode() if world.processors > 1 else b"0\n"


def temporary_size() -> int:
    """Return the bytes that each temporary folder in memory may hold."""
    return min(_TEMPORARY_SIZE, memory.total() // 2)


class Files:
    """Open files in memory that a sandbox program reads; host paths stay out of its arguments."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add(self, content: bytes) -> int:
        """Return the number of a new file in memory with *content*, to be read from its start."""
        number = os.memfd_create("amrasaman")
        self.numbers.append(number)
        rest = memoryview(content)
        while rest:
            # A part of the arguments would be another sandbox.
            rest = rest[os.write(number, rest) :]
        os.lseek(number, 0, os.SEEK_SET)
        return number


def unprivileged() -> tuple[str, ...]:
    """Return how a command is started as the unprivileged user of builds."""
    who = str(BUILD_UID)
    return (program("setpriv"), "--reuid", who, "--regid", who, "--clear-groups", "--")


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """The chosen rung, why each stronger one was not, and whether system calls are filtered.

    ``fixed_addresses`` tells whether memory can be laid out alike in every build. ``clock`` is the
    path of the library with which the clock is varied, ``locales`` that of compiled locales, ``""``
    where there is none.
    """

    rung: str
    reasons: tuple[str, ...] = ()
    filtered: bool = True
    fixed_addresses: bool = True
    clock: str = field(default="", compare=False)
    locales: str = field(default="", compare=False)

    @property
    def constant_paths(self) -> bool:
        """Whether a build sees its folders at constant paths."""
        return RUNGS[self.rung].constant_paths
