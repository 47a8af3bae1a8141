"""The compiler runs in a temporary folder, with debug information."""

import shutil
import subprocess
import tempfile


def members(folder):
    work = tempfile.mkdtemp()
    shutil.copy("example.c", work)
    command = ["gcc", "-g", "-shared", "-fPIC", "-o", str(folder / "example.so"), "example.c"]
    subprocess.run(command, check=True, cwd=work)
    return {"example.so": (folder / "example.so").read_bytes()}
