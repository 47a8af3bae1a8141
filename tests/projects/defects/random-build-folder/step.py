"""The path of a temporary folder is written into a module."""

import tempfile


def members(folder):
    value = tempfile.mkdtemp()
    return {"example.py": f"VALUE = {value!r}\n"}
