"""Changes its own source, here and where it was unpacked; a second build would differ."""
import os

import wheel

LINE = b'\nSTATE = "changed"\n'
STATE = "fresh"


def write(path):
    with open(path, "ab") as file:
        return file.write(LINE)


def build(folder):
    outcomes = [wheel.tried(write, f"{base}/attack.py") for base in ("/build/unpacked", os.getcwd())]
    # Its own copy may be written to, of course: what counts is what the next build finds.
    return wheel.make(folder, f"{STATE} {outcomes[0].partition(':')[0]}")
