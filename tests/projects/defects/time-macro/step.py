"""The compiler writes its time, and honours SOURCE_DATE_EPOCH."""

import subprocess


def members(folder):
    command = ["gcc", "-shared", "-fPIC", "-o", "example.so", "example.c"]
    subprocess.run(command, check=True)
    return {"example.so": (folder / "example.so").read_bytes()}
