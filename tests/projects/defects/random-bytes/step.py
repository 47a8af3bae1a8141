"""A random identifier is written into a module."""

import uuid


def members(folder):
    value = uuid.uuid4().hex
    return {"example.py": f"VALUE = {value!r}\n"}
