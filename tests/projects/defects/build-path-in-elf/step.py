"""A compiled member holds the path of its source."""

import subprocess


def members(folder):
    command = ["gcc", "-shared", "-fPIC", "-o", "example.so", str(folder / "example.c")]
    subprocess.run(command, check=True)
    return {"example.so": (folder / "example.so").read_bytes()}
