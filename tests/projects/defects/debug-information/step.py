"""Debug information holds the folder of the build."""

import subprocess


def members(folder):
    command = ["gcc", "-g", "-shared", "-fPIC", "-o", "example.so", "example.c"]
    subprocess.run(command, check=True)
    return {"example.so": (folder / "example.so").read_bytes()}
