"""Reads what lies beside Python in the folder in which it is installed."""
import os
import sys

import wheel


def build(folder):
    prefix = sys.base_prefix
    files = ("share/keyrings/login", "lib/token", "bin/other", "etc/netrc")
    outcomes = [wheel.tried(read, os.path.join(prefix, name)) for name in files]
    library = os.path.dirname(os.__file__)
    outcomes.append(wheel.tried(os.listdir, os.path.join(library, "site-packages")))
    outcomes.append(wheel.tried(found, prefix))
    return wheel.make(folder, wheel.worst(outcomes))


def read(path):
    with open(path) as file:
        return file.read()


def found(prefix):
    return sorted(set(os.listdir(prefix)) - {"bin", "include", "lib"})
