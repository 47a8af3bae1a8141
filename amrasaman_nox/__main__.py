"""``python -m amrasaman_nox``: the same as ``asaman``."""

from __future__ import annotations

from amrasaman_nox.cli import asaman

if __name__ == "__main__":
    asaman()
