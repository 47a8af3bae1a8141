"""Writes into its wheel all that could tell a rebuild from a first build."""
import gc
import json
import os
import re
import resource
import sys

import wheel

#: Folders of the sandbox's own; those of the system are the machine's.
OWN = ("/", "/build", "/etc", "/home", "/tmp", "/dev/shm", os.path.expanduser("~"), sys.prefix)
#: Numbers of the machine that go on with every mount, and names that are random.
RANDOM = re.compile(r"^\d+ \d+ \d+:\d+ |/build-[^/ ]*|/source-[^/ ]*|/amrasaman-[^/ ]*|/bindfile\w+")

#: When the sandbox began, in seconds since 1970.
BEGUN = min(os.stat(path).st_mtime for path in ("/", "/build", "/etc"))


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError as error:
        return str(error)


def facts(path):
    found = os.lstat(path)
    return [path, found.st_mode, found.st_uid, found.st_gid, found.st_nlink]


def time_of(path):
    found = os.lstat(path)
    # What is not older than the sandbox was made for it.
    return ["new" if moment > BEGUN - 2 else moment for moment in (found.st_mtime, found.st_ctime)]


def tree(top):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if top != "/" or name == "build"]
        # The order is part of it.
        yield from (os.path.join(folder, name) for name in [*folders, *files])


def processes():
    for number in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        yield [number, read(f"/proc/{number}/cmdline"), read(f"/proc/{number}/comm")]


def descriptors():
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        yield [number, re.sub(r"\d+", "N", target)]


def mounts():
    for line in read("/proc/self/mountinfo").splitlines():
        yield RANDOM.sub("", line)


def limits():
    names = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    return {name: resource.getrlimit(getattr(resource, name)) for name in names}


def counters():
    names = ("net/dev", "net/unix", "sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "keys")
    # The kernel numbers sockets and keyrings at random, and keyrings are in use for some time by
    # processes that have ended.
    number = re.compile(r"^[0-9a-f]+:? |(?<=^[0-9a-f]{8} [A-Z-]{7}) +\d+ ", re.MULTILINE)
    return {name: number.sub("", read(f"/proc/{name}")) for name in names}


def sights():
    return {
        "variables": sorted(os.environ.items()),
        "arguments": [sys.argv, sys.orig_argv, sys.path, sys.flags],
        "folders": [[facts(path) for path in tree(top)] for top in OWN],
        "times": [[time_of(path) for path in tree(top)] for top in OWN],
        "processes": [os.getpid(), os.getppid(), list(processes())],
        "descriptors": sorted(descriptors()),
        "mounts": list(mounts()),
        "limits": limits(),
        "counters": counters(),
        "modules": sorted(sys.modules),
        "umask": os.umask(0o022),
        "signals": re.findall(r"Sig\w+:.*|Cap\w+:.*|Seccomp.*", read("/proc/self/status")),
        "objects": len(gc.get_objects()) // 1000,
        "addresses": id(os.environ),
    }


def build(folder):
    return wheel.make(folder, json.dumps(sights()))
