"""The user's name is written into a module."""

import getpass


def members(folder):
    value = getpass.getuser()
    return {"example.py": f"VALUE = {value!r}\n"}
