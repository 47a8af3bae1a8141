"""Another system, as far as a process can be made to see one: without what Windows or macOS lack.

``python -m tests.support.elsewhere SYSTEM ARGUMENT ...`` calls ``asaman`` there.
"""

from __future__ import annotations

# What asks for the system at its own import sees the real one: it is not what is tested.
import asyncio  # noqa: F401
import getpass  # noqa: F401
import multiprocessing  # noqa: F401
import os
import platform  # noqa: F401
import shutil  # noqa: F401
import signal
import ssl  # noqa: F401
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
import uuid  # noqa: F401

import click._compat  # noqa: F401
import colorlog  # noqa: F401
import platformdirs  # noqa: F401
import requests  # noqa: F401
import rich.console  # noqa: F401
import uv  # noqa: F401
import virtualenv  # noqa: F401

_POSIX_MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty")
_LINUX = ("sched_getaffinity", "memfd_create", "pidfd_open", "setns", "unshare", "O_PATH")
_POSIX = (
    *("geteuid", "getuid", "getegid", "getgid", "chown", "lchown", "fchown", "fchmod", "fork"),
    *("killpg", "getpgid", "setsid", "statvfs", "mkfifo", "O_NOFOLLOW", "O_NONBLOCK"),
    *("O_CLOEXEC", "O_DIRECTORY"),
)
_POSIX_SIGNALS = ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGCHLD")

SYSTEMS = ("darwin", "win32")


def pretend(system: str) -> None:
    """Take from this process what *system* lacks, and let it say that it runs there."""
    assert "amrasaman_nox.files" not in sys.modules, "too late: it has seen this system"
    _hide(os, _LINUX)
    if system == "win32":
        sys.modules.update(dict.fromkeys(_POSIX_MODULES))  # type: ignore[arg-type]
        _hide(os, _POSIX)
        _hide(signal, _POSIX_SIGNALS)
        os.supports_dir_fd.clear()  # type: ignore[attr-defined]
    sys.platform = system


def _hide(module: object, names: tuple[str, ...]) -> None:
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


if __name__ == "__main__":
    pretend(sys.argv[1])
    from amrasaman_nox import cli

    sys.exit(cli.run(sys.argv[2:]))
