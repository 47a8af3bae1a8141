"""The home folder is written into a module."""

import os


def members(folder):
    value = os.path.expanduser("~/.example")
    return {"example.py": f"VALUE = {value!r}\n"}
