"""What a build sees of its surroundings is written into the wheel."""

import getpass
import json
import locale
import os
import pwd
import socket
import subprocess
import sys
import tempfile
import time

KNOWN = {
    "CPPFLAGS", "HOME", "LANG", "LC_ALL", "LDFLAGS", "LOGNAME", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED", "PYTHONNOUSERSITE", "PYTHONUTF8", "SHLVL", "SOURCE_DATE_EPOCH", "TMPDIR", "TZ",
    "USER", "_", "LD_PRELOAD", "FAKETIME", "FAKETIME_FMT", "FAKETIME_DONT_FAKE_MONOTONIC",
    "NO_FAKE_STAT", "_PYPROJECT_HOOKS_BUILD_BACKEND", "_PYPROJECT_HOOKS_BACKEND_PATH",
    "MAKEFLAGS", "CMAKE_BUILD_PARALLEL_LEVEL", "FAKETIME_SHARED",
}  # fmt: skip


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def members(folder):
    locale.setlocale(locale.LC_ALL, "")
    descriptor, created = tempfile.mkstemp()
    with open("made", "w"):
        pass
    seen = {
        "build path": os.getcwd(),
        "environment path": sys.prefix,
        "user": [getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name, os.getuid(), os.getgid()],
        "home": os.path.expanduser("~"),
        "host name": [socket.gethostname(), os.uname().nodename],
        "time zone": [time.strftime("%z", time.localtime(moment)) for moment in (0, 1.7e9)],
        "locale": [locale.setlocale(locale.LC_ALL), said("sh", "-c", "echo $LC_ALL")],
        "umask": oct(os.stat("made").st_mode & 0o777),
        "hash": hash("a string"),
        "listing": [os.listdir("parts"), [n for n in os.listdir() if n.endswith((".py", ".toml"))]],
        "source times": os.stat("step.py").st_mtime,
        "processors": [os.cpu_count(), len(os.sched_getaffinity(0)), int(said("nproc"))],
        "make": os.environ.get("MAKEFLAGS", ""),
        "clock": [int(time.time()), int(said("date", "+%s")), time.monotonic()],
        "addresses": said("cat", "/proc/self/maps") == said("cat", "/proc/self/maps"),
        "variables": sorted(set(os.environ) - KNOWN),
        "source mode": oct(os.stat("step.py").st_mode),
    }
    return {"seen.json": json.dumps(seen)}
