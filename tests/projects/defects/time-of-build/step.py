"""The time of the build is written into a module."""

import time


def members(folder):
    value = time.time()
    return {"example.py": f"VALUE = {value!r}\n"}
