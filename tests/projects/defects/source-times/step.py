"""The modification time of a source file is written into a module."""

import os


def members(folder):
    value = os.stat("step.py").st_mtime
    return {"example.py": f"VALUE = {value!r}\n"}
