"""The code is for the processor of the machine at hand."""

import os
import pathlib
import subprocess


def members(folder):
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True)
    built = pathlib.Path(os.environ["CARGO_TARGET_DIR"], "release", "libexample.so")
    return {"example.so": built.read_bytes()}
