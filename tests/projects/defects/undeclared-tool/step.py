"""A tool of the machine is taken that a variable names."""

import os


def members(folder):
    return {"example.py": f'TOOL = "{os.environ.get("SHELL", "/usr/bin/sh")}"\n'}
