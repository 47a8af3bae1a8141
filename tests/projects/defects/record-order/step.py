"""RECORD is written in the order of a set."""


def members(folder):
    return {f"{name}.py": "VALUE = 1\n" for name in {"alpha", "beta", "gamma", "delta", "eta"}}
