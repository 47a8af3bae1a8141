"""The repr of an object is written into a module."""


def members(folder):
    value = repr(object())
    return {"example.py": f"VALUE = {value!r}\n"}
