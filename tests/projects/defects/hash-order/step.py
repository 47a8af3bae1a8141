"""A set is written as it is iterated."""


def members(folder):
    value = list({"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"})
    return {"example.py": f"VALUE = {value!r}\n"}
