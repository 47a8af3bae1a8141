"""Writes where it has no business: the store, another build's folder, an earlier wheel."""
import os

import wheel


def write(path):
    with open(path, "ab"):
        return path


def build(folder):
    paths = os.environ["TARGET_PATHS"].split(":")
    return wheel.make(folder, wheel.worst(wheel.tried(write, path) for path in paths))
