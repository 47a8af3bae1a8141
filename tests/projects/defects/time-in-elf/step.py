"""The compiler writes its time, without SOURCE_DATE_EPOCH."""

import subprocess


def members(folder):
    command = [
        "env",
        "-u",
        "SOURCE_DATE_EPOCH",
        "gcc",
        "-shared",
        "-fPIC",
        "-o",
        "example.so",
        "example.c",
    ]
    subprocess.run(command, check=True)
    return {"example.so": (folder / "example.so").read_bytes()}
