"""Puts something else where the hook's own answer is read from."""
import atexit
import os
import sys

import wheel

ANSWER = os.path.join(sys.argv[-1], "output.json")


def replace(kind):
    if os.path.lexists(ANSWER):
        os.unlink(ANSWER)
    if kind == "fifo":
        os.mkfifo(ANSWER)
    elif kind == "zero":
        os.symlink("/dev/zero", ANSWER)
    elif kind == "folder":
        os.mkdir(ANSWER)
    elif kind == "secret":
        os.symlink(os.environ["TARGET_SECRET"], ANSWER)
    elif kind == "hard":
        os.link(os.path.join(sys.argv[-1], "input.json"), ANSWER)
    elif kind == "text":
        with open(ANSWER, "w") as file:
            file.write("[" * 100_000)
    elif kind == "missing":
        pass
    elif kind == "huge":
        with open(ANSWER, "wb") as file:
            file.truncate(100 << 20)


def build(folder):
    atexit.register(replace, os.environ["TARGET_ANSWER"])
    return wheel.make(folder)
