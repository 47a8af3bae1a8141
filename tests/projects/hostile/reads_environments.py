"""Reads the environment of its parents and of every other process, for the tokens of a CI job."""
import glob
import os

import wheel


def read(path):
    with open(path, "rb") as file:
        return os.environ["TARGET_TOKEN"].encode() in file.read()


def build(folder):
    paths = {f"/proc/{os.getppid()}/environ", "/proc/1/environ", *glob.glob("/proc/[0-9]*/environ")}
    return wheel.make(folder, wheel.worst(wheel.tried(read, path) for path in sorted(paths)))
