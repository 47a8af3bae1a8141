"""Names are written in the order of a set of objects, which is that of their addresses."""


class Node:
    def __init__(self, name):
        self.name = name


def members(folder):
    # Enough of them that a shift by whole pages changes their order.
    nodes = {Node(f"node_{number}") for number in range(4000)}
    return {"example.py": "".join(f"{node.name} = True\n" for node in nodes)}
