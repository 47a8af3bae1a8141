"""A build script makes a constant by chance."""

import os
import pathlib
import subprocess


def members(folder):
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True)
    built = pathlib.Path(os.environ["CARGO_TARGET_DIR"], "release", "libexample.so")
    return {"example.so": built.read_bytes()}
