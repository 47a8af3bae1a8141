"""What verify came to, from its reports, beside the wheel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, Verdict
from amrasaman_nox.reports.json import render as render_report
from amrasaman_nox.verification import verdicts
from amrasaman_nox.verification.verdicts import Found

from ..reports.examples import verify_report

if TYPE_CHECKING:
    from pathlib import Path

OURS = Digest.of(b"ours")
GOOD = Found(against="rebuild", verdict=Verdict.IDENTICAL, varied=("umask",))


def test_a_real_report_is_read(tmp_path: Path) -> None:
    report = verify_report()
    path = tmp_path / "v.json"
    path.write_text(render_report(report))
    found = verdicts.read_reports([path])
    expected = {(one.wheel, one.ours) for one in report.comparisons if one.ours is not None}
    assert set(found) == expected != set()


def written(path: Path, **changes: object) -> Path:
    row = {
        "wheel": "a.whl",
        "ours": str(OURS),
        "against": "rebuild",
        "verdict": "identical",
        "varied": ["umask"],
        "proof": "",
        "reason": "",
    }
    path.write_text(json.dumps({"schema": 1, "comparisons": [{**row, **changes}]}))
    return path


def test_a_later_report_replaces_what_an_earlier_one_says(tmp_path: Path) -> None:
    first = written(tmp_path / "1", verdict="different")
    second, third = written(tmp_path / "2"), written(tmp_path / "3", against="/home/me/team-a")
    found = verdicts.read_reports([first, second, third])["a.whl", OURS]
    assert [(one.against, str(one.verdict)) for one in found] == [
        ("rebuild", "identical"),
        ("team-a", "identical"),
    ]


@pytest.mark.parametrize(
    "changes", [{"verdict": "great"}, {"ours": "md5:0"}, {"varied": "x"}, {"wheel": 1}]
)
def test_what_is_no_report_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(AsamanError, match="malformed"):
        verdicts.read_reports([written(tmp_path / "v.json", **changes)])


def test_the_file_beside_a_wheel_is_of_its_bytes_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.whl.verdicts.json"
    assert verdicts.read_beside(path, OURS) == ()
    path.write_text(verdicts.render(OURS, [GOOD]))
    assert verdicts.read_beside(path, OURS) == (GOOD,)
    assert verdicts.read_beside(path, Digest.of(b"other")) == ()


def test_the_worst_verdict_is_the_one_that_counts() -> None:
    bad = Found(against="published", verdict=Verdict.DIFFERENT)
    assert verdicts.worst([GOOD]) is Verdict.IDENTICAL
    assert verdicts.worst([GOOD, bad]) is Verdict.DIFFERENT
    assert verdicts.worst([]) is Verdict.UNCHECKED


def test_of_two_the_later_one_counts() -> None:
    bad = Found(against="rebuild", verdict=Verdict.DIFFERENT)
    assert verdicts.merged([bad], [GOOD]) == (GOOD,)
