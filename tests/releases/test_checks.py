"""The table of checks."""

from __future__ import annotations

from amrasaman_nox.releases.checks import CHECKS, NAMES

from ..support.documents import ROOT


def test_no_two_checks_share_a_name() -> None:
    assert len(set(NAMES)) == len(CHECKS)


def test_each_check_is_documented() -> None:
    text = (ROOT / "docs/how-to/maintainers.md").read_text()
    for check in CHECKS:
        assert f"| `{check.name}` | {check.requires} |" in text
