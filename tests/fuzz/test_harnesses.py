"""The harnesses themselves: their sound inputs are accepted, and any of them changed is refused."""

from __future__ import annotations

import random

import pytest

from .harnesses import HARNESSES, attempt

STARTS = [
    (name, number) for name, (_, starts) in HARNESSES.items() for number in range(len(starts))
]


@pytest.mark.parametrize(("name", "number"), STARTS)
def test_a_sound_input_is_accepted(name: str, number: int) -> None:
    accepted = attempt(name, HARNESSES[name][1][number])
    assert accepted or name == "requirements", "its constraints file is not there"


@pytest.mark.parametrize("name", HARNESSES)
def test_a_changed_input_is_accepted_or_refused_in_one_way(name: str) -> None:
    chance = random.Random(name)
    refused = 0
    for start in HARNESSES[name][1] * 40:
        data = bytearray(start)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        refused += not attempt(name, bytes(data))
    assert refused
