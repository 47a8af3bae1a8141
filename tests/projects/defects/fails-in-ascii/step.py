"""A text in UTF-8 is read in the encoding of the locale."""

import pathlib


def members(folder):
    text = pathlib.Path("NOTE.txt").read_text()
    return {"example.py": f"LENGTH = {len(text)}\n"}
