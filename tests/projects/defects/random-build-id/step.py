"""The linker makes up a build id."""

import subprocess


def members(folder):
    command = ["gcc", "-shared", "-fPIC", "-Wl,--build-id=uuid", "-o", "example.so", "example.c"]
    subprocess.run(command, check=True)
    return {"example.so": (folder / "example.so").read_bytes()}
