"""The number of processors is written into a module."""

import os


def members(folder):
    value = os.cpu_count()
    return {"example.py": f"VALUE = {value!r}\n"}
