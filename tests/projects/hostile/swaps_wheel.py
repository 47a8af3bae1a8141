"""Hands over one wheel, and puts another one in its place while the process ends."""
import atexit
import os

import wheel


def swap(folder):
    wheel.make(folder, "swapped", "other.whl")
    os.replace(os.path.join(folder, "other.whl"), os.path.join(folder, wheel.NAME))


def build(folder):
    atexit.register(swap, folder)
    return wheel.make(folder, "first")
