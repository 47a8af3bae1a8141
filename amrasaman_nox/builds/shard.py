"""A part of what is pinned, for runs that are divided among several machines."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amrasaman_nox.model import Requirements


def part(requirements: Requirements, shard: tuple[int, int] | None) -> Requirements:
    """Return the K-th of N parts of what is pinned, all of it without *shard*.

    A pin's part follows from its name alone, so that others neither move it nor are moved by it.

    :param shard: ``(K, N)``, with K from 1 to N
    """
    if shard is None:
        return requirements
    number, parts = shard
    pins = tuple(pin for pin in requirements.pins if part_of(pin.name, parts) == number)
    return dataclasses.replace(requirements, pins=pins)


def part_of(name: str, parts: int) -> int:
    """Return which of *parts* the project *name* (normalised, PEP 503) belongs to, from 1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % parts + 1
