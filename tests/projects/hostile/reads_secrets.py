"""Reads what belongs to the user: a file in the home folder, the account, other sources."""
import os
import sys

import wheel


def read(path):
    if os.path.isdir(path):  # noqa: PTH112 - a text, as tempfile gives it
        # The folders on the way to the interpreter are there, and nothing else is in them.
        names = [os.path.join(path, name) for name in os.listdir(path)]
        return [name for name in names if not f"{sys.base_prefix}/".startswith(f"{name}/")]
    with open(path, "rb") as file:
        return path if file.read(100) else ""


def build(folder):
    paths = (os.environ["TARGET_SECRET"], "/root", "/etc/shadow", "/etc/hostname", "/var/lib")
    home = [f"/home/{name}" for name in os.listdir("/home")] if os.path.isdir("/home") else []
    return wheel.make(folder, wheel.worst(wheel.tried(read, path) for path in (*paths, *home)))
