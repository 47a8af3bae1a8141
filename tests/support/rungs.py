"""Rungs that work here, and programs that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sandbox.ladder import choose

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sandbox.view import Isolation

ISOLATED = ("full", "namespaces")


def chosen(rung: str) -> Isolation:
    """Return the isolation of *rung*; skip the test where it does not work."""
    try:
        return choose(rung)
    except AsamanError as error:
        pytest.skip(str(error))


def put(path: Path, script: str, mode: int = 0o755) -> None:
    """Put a shell script in the place of a program."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
