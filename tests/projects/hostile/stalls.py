"""Leaves what costs time to search, list or print."""
import os
import sys

import wheel


def pattern(folder):
    sys.stderr.write("cc " * 22_000)
    raise RuntimeError("cc " * 1_000)


def line(folder):
    raise RuntimeError("error \x1b" * 1_000_000)


def name(folder):
    return "x\x1b" * 2_500_000 + ".whl"


def files(folder):
    for number in range(20_000):
        with open(os.path.join(folder, f"{number:06}-" + "\x1b" * 200), "w"):
            pass
    return wheel.make(folder)


def build(folder):
    return globals()[os.environ["TARGET_HOW"]](folder)
