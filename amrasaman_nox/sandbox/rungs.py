"""The rungs of the isolation ladder: how each one shows a command the world that it may see.

A :class:`Command` is turned into a :class:`View`, a list of what there is in the build's root, and
that into the command line of bubblewrap or of ``unshare``. Nothing is started here.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from amrasaman_nox.model import BuildEnvironment, Limits

#: Who a build runs as where the tool itself is root: no account, and none that systemd hands out.
BUILD_UID: Final = 64230

#: The line that a rung prints when all is set up. What is said before it is not of the build.
BEGUN: Final = b"amrasaman-nox: begun\n"

#: What of the machine a build may read, where it exists.
_SYSTEM: Final = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_SYSTEM_FILES: Final = ("/etc/ld.so.cache", "/etc/alternatives")
#: Folders in memory that a build may write to.
TEMPORARY: Final = ("/dev/shm", "/tmp")  # noqa: S108 - the sandbox's own
_TEMPORARY_SIZE: Final = 8 << 30
_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")
# How the kernel writes blanks in the list of mounts.
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_ONLINE: Final = "/sys/devices/system/cpu/online"

# A build is not the first process of its namespace: signals would not reach that one.
_FIRST: Final = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
# The shell's own variables are no part of the normalised environment.
_BEGIN: Final = (
    "/bin/sh",
    "-c",
    f"echo '{BEGUN.decode().strip()}'; exec /usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _ -- \"$@\"",
    "sh",
)
# Since this release a user namespace counts its own processes, whoever else has the same uid.
_COUNTS_BY_NAMESPACE: Final = (5, 14)


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A file or folder of the host, and the path at which a process sees it."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One process of foreign code: what it is, what it sees, what it may use.

    ``argv`` and ``directory`` are paths as the process sees them. ``variables`` is its whole
    environment. ``log`` is where its output goes, in a private folder of this build. ``memory``
    are folders on empty file systems in memory, which belong to the process. ``processors`` are
    those it may run on, none for all.
    """

    argv: tuple[str, ...]
    directory: str
    variables: Mapping[str, str]
    folders: tuple[Folder, ...]
    environment: BuildEnvironment
    limits: Limits
    log: Path
    memory: tuple[str, ...] = ()
    processors: tuple[int, ...] = ()


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

    ``temporary`` are folders in memory that anybody may write to, ``memory`` those of the build.
    """

    parents: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, bytes], ...]
    temporary: tuple[str, ...]
    memory: tuple[str, ...]
    folders: tuple[Folder, ...]


def build_owner() -> int | None:
    """Return the uid that must own what a build writes, or ``None`` for our own."""
    return BUILD_UID if os.geteuid() == 0 else None


def program(name: str) -> str:
    """Return where *name* is.

    :raises AsamanError: it is not installed (exit 4)
    """
    found = _found(name)
    if found is None:
        raise AsamanError(f"program {name}", "it is not installed", code=ExitCode.NOT_AVAILABLE)
    return found


def _found(name: str) -> str | None:
    """Return the path of *name* that holds in a sandbox as well, where links of the host do not."""
    found = shutil.which(name)
    if found is None:
        return None
    behind = Path(found).resolve()
    # Where one program plays many, the name that it is called by says which.
    return str(behind) if behind.name == name else found


# --- what a build sees ---------------------------------------------------------------------------


def view(command: Command) -> View:
    """Return the root that *command* sees on every rung with constant paths."""
    world = command.environment
    system = [Path(name) for name in _SYSTEM]
    shown = [path for path in system if path.exists() and not path.is_symlink()]
    shown += [path for path in map(Path, _SYSTEM_FILES) if path.exists()]
    files = (*_accounts(world).items(), (_ONLINE, _processors(world)))
    folders = (*(Folder(host=path, inside=str(path)) for path in shown), *command.folders)
    paths = (*(item.inside for item in folders), *dict(files), world.home)
    return View(
        parents=_parents((*paths, *(f"{folder}/content" for folder in command.memory))),
        links=tuple((str(path), str(path.readlink())) for path in system if path.is_symlink()),
        files=files,
        temporary=(*TEMPORARY, world.home),
        memory=command.memory,
        folders=folders,
    )


def _parents(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the folders on the way to *paths*, outermost first."""
    # What lies in a folder that is shown or in memory is not ours to make in the root.
    ways = {
        str(parent)
        for path in paths
        if not path.startswith(("/usr/", "/tmp/"))  # noqa: S108 - the sandbox's own
        for parent in Path(path).parents
    }
    return tuple(sorted(ways - {"/"}))


def _accounts(world: BuildEnvironment) -> dict[str, bytes]:
    user = f"{world.user}:x:{world.uid}:{world.uid}::{world.home}:/bin/sh\n"
    return {
        "/etc/passwd": f"root:x:0:0::/root:/bin/sh\n{user}".encode(),
        "/etc/group": f"root:x:0:\n{world.user}:x:{world.uid}:\n".encode(),
        "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    }


def _processors(world: BuildEnvironment) -> bytes:
    return f"0-{world.processors - 1}\n".encode() if world.processors > 1 else b"0\n"


def _temporary_size() -> int:
    """Return the bytes that each folder in memory may hold."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(_TEMPORARY_SIZE, memory // 2)


# --- full: bubblewrap ----------------------------------------------------------------------------


def full(command: Command) -> Launch:
    """Bubblewrap: every namespace, and a root that holds only what is named.

    Where the tool is root, one bubblewrap mounts as root, and a second one, started as an
    unprivileged user, forbids nested user namespaces: one alone cannot do both.
    """
    bwrap = program("bwrap")
    world, seen = command.environment, view(command)
    files = _Files()
    chdir = ("--chdir", command.directory)
    outer = [
        "--die-with-parent",
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--new-session", "--hostname", world.host_name),
        # Without an init of bubblewrap's own, its end is that of all processes, and it says what
        # they used.
        "--as-pid-1",
        *(*_bubblewrap(seen, files), "--remount-ro", "/dev", "--remount-ro", "/"),
    ]
    identity = ("--unshare-user", "--uid", str(world.uid), "--gid", str(world.uid))
    inner = (*identity, "--disable-userns")
    proc = ("--ro-bind", "/proc/sys", "/proc/sys")
    memory = [part for folder in seen.memory for part in _tmpfs(folder, "0755")]
    limited = _limited(command, own_namespace=True)
    if os.geteuid() != 0:
        arguments = files.add(os.fsencode("\0".join([*outer, *memory, *chdir, *inner, *proc])))
        return Launch(
            argv=(bwrap, "--args", str(arguments), "--", *_FIRST, *limited),
            files=tuple(files.numbers),
        )
    keep = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    # Root without capabilities cannot enter what belongs to the build's user: the second one does.
    arguments = files.add(os.fsencode("\0".join([*outer, "--chdir", "/", *keep])))
    # The second one mounts what is in memory: it is then the build's own.
    second = ("--die-with-parent", *chdir, *inner, "--dev-bind", "/", "/", *proc, *memory)
    return Launch(
        argv=(
            # The first process stays root's: the kernel lets only its like take it with them.
            *(bwrap, "--args", str(arguments), "--", *_FIRST, *_dropped()),
            *(bwrap, *second, "--", *limited),
        ),
        files=tuple(files.numbers),
    )


class _Files:
    """Open files in memory that a sandbox program reads; host paths stay out of its arguments."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def add(self, content: bytes) -> int:
        number = os.memfd_create("amrasaman")
        self.numbers.append(number)
        rest = memoryview(content)
        while rest:
            # A part of the arguments would be another sandbox.
            rest = rest[os.write(number, rest) :]
        os.lseek(number, 0, os.SEEK_SET)
        return number


def _bubblewrap(seen: View, files: _Files) -> list[str]:
    """Return bubblewrap's arguments for a root."""
    arguments: list[str] = []
    for folder in seen.parents:
        arguments += ["--perms", "0755", "--dir", folder]
    for name, target in seen.links:
        arguments += ["--symlink", target, name]
    for name, content in seen.files:
        arguments += ["--perms", "0644", "--ro-bind-data", str(files.add(content)), name]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for name in seen.temporary:
        arguments += _tmpfs(name, "1777")
    for item in seen.folders:
        arguments += ["--bind" if item.writable else "--ro-bind", str(item.host), item.inside]
    return arguments


def _tmpfs(folder: str, mode: str) -> tuple[str, ...]:
    return ("--perms", mode, "--size", str(_temporary_size()), "--tmpfs", folder)


def _dropped() -> tuple[str, ...]:
    """Return how a command is started as the unprivileged user of builds."""
    who = str(BUILD_UID)
    return (program("setpriv"), "--reuid", who, "--regid", who, "--clear-groups", "--")


# --- namespaces: unshare -------------------------------------------------------------------------


def namespaces(command: Command) -> Launch:
    """Util-linux ``unshare``: the same namespaces, and a root that a shell puts together.

    The shell is the first process of the PID namespace; with it, all others end. Its script comes
    through its standard input, so that host paths are in nobody's arguments.
    """
    root = command.log.parent / "root"
    if not command.log.parent.is_dir() or command.log.parent == Path("/dev"):
        raise ValueError("a sandbox needs a private folder for its log")
    with contextlib.suppress(FileExistsError):
        root.mkdir(mode=0o700)
    script = "\n".join(["{ set -eu", *_script(command, root), "}", ""])
    files = _Files()
    stdin = files.add(os.fsencode(script))
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return Launch(
        argv=(
            *(program("setpriv"), "--pdeathsig", "KILL", "--", program("unshare"), *user),
            *("--fork", "--kill-child=KILL", "--pid", "--mount", "--net", "--ipc", "--uts"),
            *("--", "/bin/sh", "-s"),
        ),
        files=(stdin,),
        stdin=stdin,
    )


def _script(command: Command, root: Path) -> Iterator[str]:
    """Yield the shell's lines: mount, change the root, give up all privileges, run the build."""
    seen, quoted = view(command), shlex.quote
    world = command.environment
    umask = f"umask {world.umask:04o}"
    at = str(root)
    yield "PATH=/usr/sbin:/usr/bin:/sbin:/bin; umask 0022"
    yield f"hostname {quoted(world.host_name)}"
    # Without iproute there is no loopback either, which no build can tell from a slow one.
    yield "ip link set lo up 2>/dev/null || :"
    yield f"mount -t tmpfs -o mode=0755,nosuid,nodev,size=64m tmpfs {quoted(at)}"
    yield f"cd {quoted(at)}"
    yield "mkdir old proc dev tmp"
    yield f"mkdir -p {' '.join(quoted(f'.{folder}') for folder in seen.parents)}"
    for name, target in seen.links:
        yield f"ln -s {quoted(target)} {quoted(f'.{name}')}"
    for name, content in seen.files:
        yield f"printf %s {quoted(content.decode())} > {quoted(f'.{name}')}"
    yield "mount -t proc -o nosuid,nodev,noexec proc ./proc"
    yield from _devices()
    owner = build_owner() or 0
    modes = {
        **dict.fromkeys(seen.temporary, "mode=1777"),
        **dict.fromkeys(seen.memory, f"mode=0755,uid={owner},gid={owner}"),
    }
    for name, mode in modes.items():
        options = f"{mode},nosuid,nodev,size={_temporary_size()}"
        yield f"mkdir -p {quoted(f'.{name}')}"
        yield f"mount -t tmpfs -o {options} tmpfs {quoted(f'.{name}')}"
    for item in seen.folders:
        yield from _bound(item)
    yield "pivot_root . old; cd /; umount -l /old; rmdir /old"
    yield "mount -o remount,bind,ro,nosuid,nodev /; mount -o remount,bind,ro,nosuid /dev"
    # The last of the chain is the build; the shell itself waits, since signals do not reach it.
    # Root takes its step down first, so that what it may not do is not the host's to decide.
    inner = (
        "set -eu; echo 1 > /proc/sys/user/max_user_namespaces; "
        "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro,nosuid,nodev,noexec /proc/sys; "
        f"exec unshare --user --map-user={world.uid} --map-group={world.uid} -- "
        'setpriv --no-new-privs -- "$@"'
    )
    drop = (
        ()
        if os.geteuid() != 0
        else (*_dropped(), program("unshare"), "--user", "--map-root-user", "--mount", "--")
    )
    # The search path up to there was ours.
    path = command.variables.get("PATH")
    restore = ("/usr/bin/env", *(("-u", "PATH") if path is None else (f"PATH={path}",)))
    limited = _limited(command, own_namespace=True)
    run = (*drop, "/bin/sh", "-c", inner, "sh", *restore, *limited)
    yield f"cd {quoted(command.directory)}; {umask}"
    yield f"{shlex.join(run)} < /dev/null"
    yield "exit $?"


def _devices() -> Iterator[str]:
    yield "mount -t tmpfs -o mode=0755,nosuid,size=64k tmpfs ./dev"
    for name in _DEVICES:
        yield f": > ./dev/{name}; mount --bind /dev/{name} ./dev/{name}"
    yield "mkdir ./dev/pts ./dev/shm"
    yield "mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts ./dev/pts"
    yield "ln -s pts/ptmx ./dev/ptmx; ln -s /proc/self/fd ./dev/fd; ln -s /proc/kcore ./dev/core"
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        yield f"ln -s /proc/self/fd/{number} ./dev/{name}"


def _bound(item: Folder) -> Iterator[str]:
    host, inside = str(item.host), f".{item.inside}"
    made = "mkdir -p" if item.host.is_dir() else ":>"
    yield f"{made} {shlex.quote(inside)}"
    yield f"mount --rbind {shlex.quote(host)} {shlex.quote(inside)}"
    for below in _mounts_below(host):
        path = f"{inside}{below[len(host.rstrip('/')) :]}" if below != host else inside
        options = _options(below, writable=item.writable)
        yield f"mount -o remount,bind,{options} {shlex.quote(path)}"


def _mounts_below(host: str) -> list[str]:
    """Return *host* and the mount points below it, which are bound along with it."""
    found = [host]
    with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), line.split(" ")[4])
            if path.startswith(f"{host.rstrip('/')}/"):
                found.append(path)
    return list(dict.fromkeys(found))


def _options(host: str, *, writable: bool) -> str:
    """Return the options of a bound mount; an unprivileged user cannot drop what its origin has."""
    flags = 0
    with contextlib.suppress(OSError):
        flags = os.statvfs(host).f_flag
    rows = (
        (os.ST_NOEXEC, "noexec"),
        (os.ST_NOATIME, "noatime"),
        (os.ST_NODIRATIME, "nodiratime"),
        (os.ST_RELATIME, "relatime"),
    )
    kept = [name for flag, name in rows if flags & flag]
    read_only = not writable or flags & os.ST_RDONLY
    return ",".join(["ro" if read_only else "rw", "nosuid", "nodev", *kept])


# --- none ----------------------------------------------------------------------------------------


def none(command: Command) -> Launch:
    """No isolation: the normalised environment alone, at the host's own paths."""
    return Launch(argv=_limited(command, own_namespace=False))


def _limited(command: Command, *, own_namespace: bool) -> tuple[str, ...]:
    """Return the command with the limits that the kernel keeps, its processors and its clock."""
    argv = (*_BEGIN, *_clock(command.environment), *command.argv)
    taskset = _found("taskset")
    if taskset is not None and command.processors:
        argv = (taskset, "--cpu-list", ",".join(map(str, command.processors)), *argv)
    prlimit = program("prlimit") if own_namespace else _found("prlimit")
    if prlimit is None:
        return argv
    limits = [f"--fsize={command.limits.file or 'unlimited'}", "--core=0"]
    if own_namespace and command.limits.processes and _counts_by_namespace():
        limits.append(f"--nproc={command.limits.processes}")
    return (prlimit, *limits, "--", *argv)


@functools.cache
def clock_library() -> str:
    """Return the path of libfaketime, or ``""`` where it is not installed."""
    found = (
        path
        for pattern in ("lib/*/faketime", "lib64/faketime", "lib/faketime", "local/lib/faketime")
        for path in sorted(Path("/usr").glob(f"{pattern}/libfaketime.so.1"))
    )
    return str(next(found, ""))


def _clock(world: BuildEnvironment) -> tuple[str, ...]:
    """Return the start of a command line under another clock; times of files stay as they are."""
    if world.clock is None and not world.clock_offset:
        return ()
    if not clock_library():
        raise AsamanError(
            "another clock",
            "libfaketime is not installed",
            hint="install it (Debian, Fedora: package libfaketime)",
            code=ExitCode.NOT_AVAILABLE,
        )
    moment = (
        (f"FAKETIME={world.clock_offset:+d}",)
        if world.clock is None
        else (f"FAKETIME={world.clock + world.clock_offset}", "FAKETIME_FMT=%s")
    )
    variables = ("FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", *moment)
    return (program("env"), f"LD_PRELOAD={clock_library()}", *variables)


def _counts_by_namespace() -> bool:
    numbers = os.uname().release.split(".")[:2]
    with contextlib.suppress(ValueError):
        return tuple(int(number) for number in numbers) >= _COUNTS_BY_NAMESPACE
    return False


#: The ladder, highest rung first.
RUNGS: Final[dict[str, Callable[[Command], Launch]]] = {
    "full": full,
    "namespaces": namespaces,
    "none": none,
}
