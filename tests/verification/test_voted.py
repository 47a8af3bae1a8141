"""asaman verify against several rebuilders."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import Report, Verdict
from amrasaman_nox.verification.acceptance import exit_code

from ..support.rebuilders import Rebuilder, policy_text, rebuilder
from ..support.served import served
from .test_rebuilders import WHEEL, altered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Report]


@pytest.fixture
def teams(run: Run, tmp_path: Path) -> tuple[Rebuilder, ...]:
    """Two rebuilders that have signed what we have built."""
    run("clean-pure", vary=("umask",))
    found = tuple(rebuilder(tmp_path, name) for name in ("team-a", "team-b"))
    for each in found:
        each.folder.mkdir()
        for path in (tmp_path / "wheels").glob("*.whl*"):
            shutil.copy(path, each.folder)
        each.sign()
    return found


def test_who_of_several_agrees_is_said_with_and_without_a_policy(
    run: Run, teams: tuple[Rebuilder, ...], tmp_path: Path
) -> None:
    a, b = teams
    with served(b.folder) as url:
        places = (str(a.folder), url)
        (found,) = run("clean-pure", against=places).comparisons
        assert found.verdict is Verdict.IDENTICAL
        assert found.reason == f"{a.folder} agrees; {url} agrees"
        (tmp_path / "policy.toml").write_text(policy_text(*teams))
        report = run("clean-pure", against=places, policy=tmp_path / "policy.toml")
    (found,) = report.comparisons
    assert found.reason == "2 of 2 votes; team-a agrees; team-b agrees"
    assert exit_code(report) is ExitCode.DONE

    # What differs is compared member by member, too.
    altered(b.folder / WHEEL, b"poisoned")
    report = run("clean-pure", against=(str(a.folder), str(b.folder)))
    (found,) = report.comparisons
    assert (found.verdict, exit_code(report)) == (Verdict.DIFFERENT, ExitCode.DIFFERENT)
    assert [vote.verdict for vote in found.votes] == [Verdict.IDENTICAL, Verdict.DIFFERENT]
    assert "example/words.txt" in {one.member for one in found.differences}
    assert any("not the wheel that its record names" in note for note in report.notes)
