"""A module, data and a sorted listing."""

import os


def members(folder):
    names = sorted(name for name in os.listdir(folder) if name.endswith(".part"))
    return {
        "example/__init__.py": f"NAMES = {names!r}\n",
        "example/words.txt": "\n".join(sorted({"zebra", "Apple", "\u00e4pfel"})) + "\n",
    }
