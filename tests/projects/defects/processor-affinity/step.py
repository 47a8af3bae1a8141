"""The number of usable processors is written into a module."""

import os


def members(folder):
    value = len(os.sched_getaffinity(0))
    return {"example.py": f"VALUE = {value!r}\n"}
