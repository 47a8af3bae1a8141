"""Files are concatenated as the folder lists them."""

import os


def members(folder):
    parts = [name for name in os.listdir(folder) if name.endswith(".part")]
    return {"parts.txt": "".join((folder / name).read_text() for name in parts)}
