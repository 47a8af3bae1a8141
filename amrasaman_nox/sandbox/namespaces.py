"""The rung "namespaces": the unshare program of util-linux."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.sandbox.limited import with_limits
from amrasaman_nox.sandbox.view import (
    Files,
    Folder,
    Launch,
    ProcessSpec,
    build_owner,
    program,
    temporary_size,
    unprivileged,
    view,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")
# How the kernel writes blanks in the list of mounts.
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def namespaces(command: ProcessSpec, filtered: bool) -> Launch:
    """Util-linux ``unshare``: the same namespaces, and a root that a shell puts together.

    The shell is the first process of the PID namespace; with it, all others end. Its script comes
    through its standard input, so that host paths are in nobody's arguments.
    """
    root = command.log.parent / "root"
    if not command.log.parent.is_dir() or command.log.parent == Path("/dev"):
        raise ValueError("a sandbox needs a private folder for its log")
    with contextlib.suppress(FileExistsError):
        root.mkdir(mode=0o700)
    script = "\n".join(["{ set -eu", *_script(command, root, filtered=filtered), "}", ""])
    files = Files()
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


def _script(command: ProcessSpec, root: Path, *, filtered: bool) -> Iterator[str]:
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
    own = f"mode=0755,uid={owner},gid={owner},size={seen.memory_size}"
    modes = {
        **dict.fromkeys(seen.temporary, f"mode=1777,size={temporary_size()}"),
        **dict.fromkeys(seen.memory, own),
    }
    for name, mode in modes.items():
        options = f"{mode},nosuid,nodev"
        yield f"mkdir -p {quoted(f'.{name}')}"
        yield f"mount -t tmpfs -o {options} tmpfs {quoted(f'.{name}')}"
    for name in seen.within:
        yield f"mkdir -p {quoted(f'.{name}')}"
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
        else (*unprivileged(), program("unshare"), "--user", "--map-root-user", "--mount", "--")
    )
    # The search path up to there was ours.
    path = command.variables.get("PATH")
    restore = ("/usr/bin/env", *(("-u", "PATH") if path is None else (f"PATH={path}",)))
    limited = with_limits(command, own_namespace=True, filtered=filtered)
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
    if item.host is None:
        options = "ro,mode=0755,nosuid,nodev,size=4k"
        yield f"mount -t tmpfs -o {options} tmpfs {shlex.quote(f'.{item.inside}')}"
        return
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
