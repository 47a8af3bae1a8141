"""Two causes at once, in one module."""

import time


def members(folder):
    names = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"}
    return {"example.py": f"MADE = {time.time()!r}\nNAMES = {list(names)!r}\n"}
