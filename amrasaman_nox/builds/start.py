"""The first of our own code in a sandbox: the source goes into memory, then the hook runs.

How a folder is listed is up to its file system: by hashes that were salted when it was made (ext4)
or by creation (in memory). A source in memory, created in one order, is listed in one order on
every machine. This runs under the interpreter of the build, which may be older than ours.
"""

# Importing pathlib would cost each build more than all that is done here.
# ruff: noqa: PTH102, PTH112, PTH114, PTH118, PTH123, PTH208

from __future__ import annotations

import os
import shutil
import sys

#: Where the sandbox shows the unpacked source, which is never written to.
UNPACKED = "/build/unpacked"


def fill(source: bytes, destination: bytes, reverse: bool) -> None:
    """Copy all that is in *source* into the folder *destination*, each folder by name."""
    for name in sorted(os.listdir(source), reverse=reverse):
        here, there = os.path.join(source, name), os.path.join(destination, name)
        if os.path.isdir(here) and not os.path.islink(here):
            os.mkdir(there)
            fill(here, there, reverse)
        else:
            shutil.copy2(here, there, follow_symlinks=False)
    shutil.copystat(source, destination)


def main() -> None:
    """Fill the build folder (argument 1) in the order (2), then run a script (3) with the rest."""
    folder, order, script = sys.argv[1:4]
    fill(os.fsencode(UNPACKED), os.fsencode(folder), order == "reversed")
    sys.argv[:] = sys.argv[3:]
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec")
    exec(code, {"__name__": "__main__", "__file__": script})  # noqa: S102 - as the interpreter would


if __name__ == "__main__":
    main()
