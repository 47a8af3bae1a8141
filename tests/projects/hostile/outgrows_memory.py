"""Writes many bytes beside its source, and says whether that is on the disk where its output is."""
import os

import wheel


def build(folder):
    with open("grown", "wb") as file:
        for _ in range(int(os.environ["TARGET_MEGABYTES"])):
            file.write(bytes(1 << 20))
            file.flush()
    on_disk = os.stat(".").st_dev == os.stat(folder).st_dev
    return wheel.make(folder, "on disk" if on_disk else "in memory")
