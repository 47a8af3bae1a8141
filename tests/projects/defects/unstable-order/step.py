"""Results are written in the order in which they come."""

import random


def members(folder):
    # Which of parallel tasks ends first is nobody's choice either.
    results = [f"result_{number:02}" for number in range(24)]
    random.SystemRandom().shuffle(results)
    return {"example.py": "".join(f"{name} = True\n" for name in results)}
