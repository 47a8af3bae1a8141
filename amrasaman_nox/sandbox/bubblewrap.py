"""The rung "full": bubblewrap."""

from __future__ import annotations

import os
from typing import Final

from amrasaman_nox.sandbox import system_calls
from amrasaman_nox.sandbox.limited import with_limits
from amrasaman_nox.sandbox.view import (
    Files,
    Launch,
    ProcessSpec,
    View,
    program,
    temporary_size,
    unprivileged,
    view,
)

# A build is not the first process of its namespace: signals would not reach that one.
_FIRST: Final = ("/bin/sh", "-c", '"$@"; exit $?', "sh")


def full(command: ProcessSpec, filtered: bool) -> Launch:
    """Bubblewrap: every namespace, and a root that holds only what is named.

    Where the tool is root, one bubblewrap mounts as root, and a second one, started as an
    unprivileged user, forbids nested user namespaces: one alone cannot do both.
    """
    bwrap = program("bwrap")
    world, seen = command.environment, view(command)
    files = Files()
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
    memory = [part for folder in seen.memory for part in _tmpfs(folder, "0755", seen.memory_size)]
    limited = with_limits(command, own_namespace=True, filtered=False)
    # The innermost one sets the filter, since it refuses what mounting takes.
    calls = files.add(system_calls.program(os.uname().machine)) if filtered else None
    inner = (*inner, *(("--seccomp", str(calls)) if calls is not None else ()))
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
            *(bwrap, "--args", str(arguments), "--", *_FIRST, *unprivileged()),
            *(bwrap, *second, "--", *limited),
        ),
        files=tuple(files.numbers),
    )


def _bubblewrap(seen: View, files: Files) -> list[str]:
    """Return bubblewrap's arguments for a root."""
    arguments: list[str] = []
    for folder in seen.parents:
        arguments += ["--perms", "0755", "--dir", folder]
    for name, target in seen.links:
        arguments += ["--symlink", target, name]
    for name, content in seen.files:
        arguments += ["--perms", "0644", "--ro-bind-data", str(files.add(content)), name]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    size = temporary_size()
    for name in seen.temporary:
        arguments += _tmpfs(name, "1777", size)
    for folder in seen.within:
        arguments += ["--perms", "0755", "--dir", folder]
    for item in seen.folders:
        if item.host is None:
            arguments += ["--perms", "0755", "--tmpfs", item.inside, "--remount-ro", item.inside]
        else:
            how = "--bind" if item.writable else "--ro-bind"
            arguments += [how, str(item.host), item.inside]
    return arguments


def _tmpfs(folder: str, mode: str, size: int) -> tuple[str, ...]:
    return ("--perms", mode, "--size", str(size), "--tmpfs", folder)
