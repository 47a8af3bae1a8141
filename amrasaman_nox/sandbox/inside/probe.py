"""A build backend whose wheel contains what a build sees of each thing that is varied.

This runs under the interpreter of the build, which may be older than ours, in the sandbox.
"""

# ruff: noqa: D103, PTH100, PTH109, PTH111, PTH116, PTH118, PTH123, PTH208

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import locale
import os
import pwd
import subprocess
import sys
import time
import zipfile

#: Where the wheel has what was seen, and the folder of the source that is listed.
SEEN = "seen.json"
LISTED = "listed"
#: Variables of those that the variation "extra-variables" sets.
EXTRA = ("BUILD_ID", "BUILD_NUMBER", "COLUMNS", "EDITOR", "GIT_COMMIT", "TERM")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def said(*command: str) -> str:
    """Return what another program prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def mode_of_new_file() -> int:
    with open("made", "w"):
        pass
    return os.stat("made").st_mode & 0o777


def see_locale() -> list[Any]:
    name = locale.setlocale(locale.LC_ALL, "")
    return [name, os.environ.get("LC_ALL", "")]


def see_clock() -> list[Any]:
    now = time.gmtime()
    return [
        now.tm_year,
        now.tm_mon,
        now.tm_mday,
        now.tm_wday,
        now.tm_hour,
        said("date", "-u", "+%Y-%m-%d %H"),
    ]


#: What is seen of each variation: a list of values that are each to be another one.
SIGHTS: dict[str, Callable[[], list[Any]]] = {
    "build-path": lambda: [os.getcwd(), os.path.abspath(LISTED)],
    "environment-path": lambda: [sys.prefix],
    "user": lambda: [os.getuid(), getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name],
    "home": lambda: [os.path.expanduser("~"), pwd.getpwuid(os.getuid()).pw_dir],
    "host-name": lambda: [os.uname().nodename],
    "time-zone": lambda: [time.strftime("%z", time.localtime(0)), said("date", "+%z")],
    "locale": see_locale,
    "umask": lambda: [mode_of_new_file()],
    "hash-seed": lambda: [hash("a text")],
    "directory-order": lambda: [os.listdir(LISTED)],
    "source-times": lambda: [os.stat(os.path.join(LISTED, "a")).st_mtime],
    "processors": lambda: [len(os.sched_getaffinity(0))],
    "clock": see_clock,
    "extra-variables": lambda: [[os.environ.get(name, "") for name in EXTRA]],
    "address-layout": lambda: [said("cat", "/proc/self/maps") == said("cat", "/proc/self/maps")],
}


def look() -> dict[str, list[Any]]:
    """Return what is seen of each variation; what cannot be looked at is seen as its fault."""
    seen = {}
    for name, sight in SIGHTS.items():
        try:
            seen[name] = sight()
        except (OSError, KeyError, ValueError, locale.Error, subprocess.SubprocessError) as error:
            seen[name] = [type(error).__name__]
    return seen


def build_wheel(
    wheel_directory: str,
    config_settings: object = None,
    metadata_directory: object = None,
) -> str:
    """Build the wheel (PEP 517)."""
    info = "amrasaman_probe-1.0.dist-info"
    members = {
        SEEN: json.dumps(look()),
        info + "/METADATA": "Metadata-Version: 2.1\nName: amrasaman-probe\nVersion: 1.0\n",
        info + "/WHEEL": "Wheel-Version: 1.0\nGenerator: probe\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    rows = []
    for name, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        rows.append(f"{name},sha256={digest.decode()},{len(text.encode())}\n")
    members[info + "/RECORD"] = "".join([*rows, info + "/RECORD,,\n"])
    filename = "amrasaman_probe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return filename
