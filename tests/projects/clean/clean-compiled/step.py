"""A compiled member with the flags of the environment."""

import os
import subprocess


def members(folder):
    flags = os.environ["CPPFLAGS"].split() + os.environ["LDFLAGS"].split()
    command = [
        "gcc",
        *flags,
        "-O2",
        "-shared",
        "-fPIC",
        "-o",
        "example.so",
        str(folder / "example.c"),
    ]
    subprocess.run(command, check=True)
    return {"example.so": (folder / "example.so").read_bytes()}
