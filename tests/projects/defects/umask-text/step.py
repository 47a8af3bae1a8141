"""The umask of the build is written into a module."""

import os


def members(folder):
    value = os.umask(0)
    return {"example.py": f"VALUE = {value!r}\n"}
