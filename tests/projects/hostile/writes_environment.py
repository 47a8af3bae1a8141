"""Writes into the build environment, which further builds will run."""
import os
import sys
import sysconfig

import wheel


def write(path):
    with open(path, "ab"):
        return path


def build(folder):
    paths = (
        os.path.join(sysconfig.get_path("purelib"), "sitecustomize.py"),
        os.path.join(sys.prefix, "bin", "python-evil"),
        os.path.join(sys.prefix, "pyvenv.cfg"),
    )
    return wheel.make(folder, wheel.worst(wheel.tried(write, path) for path in paths))
