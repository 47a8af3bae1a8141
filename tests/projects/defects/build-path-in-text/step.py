"""The folder of the build is written into a module."""

import os


def members(folder):
    value = os.getcwd()
    return {"example.py": f"VALUE = {value!r}\n"}
