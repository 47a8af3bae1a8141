"""The name of the machine is written into a module."""

import socket


def members(folder):
    value = socket.gethostname()
    return {"example.py": f"VALUE = {value!r}\n"}
