"""A wheel that a stranger prepared, with a record that says all the right things."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.model import Digest
from amrasaman_nox.record_files import beside, read_file

if TYPE_CHECKING:
    from pathlib import Path

#: No user of any machine that runs tests.
STRANGER = 54321


def forge(wheel: Path, content: bytes = b"forged") -> None:
    """Replace *wheel* by other bytes, and the hash in its record by theirs; the key stays."""
    text = beside(wheel).read_text()
    former = read_file(beside(wheel)).record.wheel.digest
    wheel.unlink()
    wheel.write_bytes(content)
    beside(wheel).write_text(text.replace(former.value, Digest.of(content).value))
    assert records.parse(beside(wheel).read_bytes(), "r").wheel.digest == Digest.of(content)


def give_away(*paths: Path) -> None:
    """Make a stranger the owner of *paths*.

    Only root can; else the test is skipped: the rules themselves are tested without.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in paths:
        os.chown(path, STRANGER, STRANGER)
