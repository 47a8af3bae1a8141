"""Mounts, makes namespaces, becomes another user, runs programs with the setuid bit."""
import ctypes
import os
import shutil
import subprocess

import wheel

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
libc = ctypes.CDLL(None, use_errno=True)


def called(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return name


def child(attack, *arguments):
    """Run *attack* in a process of its own, since it would change this one."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            attack(*arguments)
            code = 0
        finally:
            os._exit(code)
    return "" if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) else str(arguments)


def program(*command):
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=10)
    return "" if done.returncode else str(command)


def capabilities():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    held = [name for name in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(lines[name], 16)]
    return held if lines["NoNewPrivs"].strip() == "1" else [*held, "NoNewPrivs"]


def raised():
    """Raise the number of user namespaces again, then make one."""
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("100")
    return "raised"


def build(folder):
    outcomes = [
        wheel.tried(child, called, "unshare", CLONE_NEWUSER),
        wheel.tried(child, called, "unshare", CLONE_NEWNS),
        wheel.tried(child, called, "mount", b"none", b"/tmp", b"tmpfs", 0, None),
        wheel.tried(child, called, "sethostname", b"evil", 4),
        wheel.tried(child, os.setuid, 0 if os.getuid() else 12345),
        wheel.tried(child, os.setgroups, [0]),
        wheel.tried(child, os.chroot, "/tmp"),
        wheel.tried(child, os.mknod, "/tmp/disk", 0o60666, os.makedev(8, 0)),
        wheel.tried(capabilities),
        wheel.tried(raised),
    ]
    if shutil.which("unshare"):
        outcomes.append(wheel.tried(program, "unshare", "--user", "--map-root-user", "true"))
    return wheel.make(folder, wheel.worst(outcomes))
