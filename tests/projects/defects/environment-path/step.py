"""The interpreter's path is written into a module."""

import sys


def members(folder):
    value = sys.prefix
    return {"example.py": f"VALUE = {value!r}\n"}
