"""Values drawn from a seed: equal seeds give equal values, on any machine and any Python."""

from __future__ import annotations

import hashlib
import secrets
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

#: What names of users, machines and folders are made of.
_WORDS: Final = (
    *("alder", "anchor", "basalt", "birch", "canyon", "cedar", "copper", "delta"),
    *("ember", "falcon", "garnet", "harbor", "indigo", "juniper", "kestrel", "lantern"),
    *("maple", "meadow", "nickel", "orchard", "pebble", "quartz", "raven", "saffron"),
    *("thistle", "timber", "umber", "valley", "walnut", "willow", "yarrow", "zephyr"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """What the varied values of a rebuild are drawn from.

    ``seed`` is any text. ``now`` is when the rebuild begins, ``first`` when the first build did
    (``None``: just now); only the varied clock depends on them.
    """

    seed: str
    now: datetime
    first: datetime | None = None

    def number(self, name: str, low: int, high: int) -> int:
        """Return a number from *low* to *high*, both included; *name* is what it is for."""
        digest = hashlib.sha256(f"{self.seed}\0{name}".encode()).digest()
        return low + int.from_bytes(digest, "big") % (high - low + 1)

    def one_of(self, name: str, choices: Sequence[T]) -> T:
        """Return one of *choices*."""
        return choices[self.number(name, 0, len(choices) - 1)]

    def word(self, name: str) -> str:
        """Return a word with a number: lower-case letters and digits, at most 11 of them."""
        return f"{self.one_of(name, _WORDS)}{self.number(f'{name} number', 100, 9999)}"

    def hexadecimal(self, name: str, digits: int) -> str:
        """Return as many lower-case hexadecimal *digits*."""
        return f"{self.number(name, 0, 16**digits - 1):0{digits}x}"


def begin(seed: str | None = None) -> Draw:
    """Return the draw of a rebuild that begins now.

    :param seed: ``None`` for one that nobody can know before
    """
    return Draw(seed=seed or new_seed(), now=datetime.now(UTC))


def new_seed() -> str:
    """Return a seed that nobody can know before."""
    return secrets.token_hex(8)


def repeated_by(seed: str) -> str:
    """Return the note that says how the same values are drawn again."""
    return f"to repeat this with the same varied values: --seed {shlex.quote(seed)}"
