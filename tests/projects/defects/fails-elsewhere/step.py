"""The build fails where the folder's name is long."""

import os


def members(folder):
    if len(os.getcwd()) > 20:
        raise ValueError("this folder is too deep for me")
    return {"example.py": "VALUE = 1\n"}
