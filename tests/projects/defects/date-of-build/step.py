"""The day of the build is written into a module."""

import time


def members(folder):
    return {"example.py": f"BUILT = {time.strftime('%Y-%m-%d', time.gmtime())!r}\n"}
