"""Annotations of a GitHub Actions run: one line each, and foreign text stays text."""

from __future__ import annotations

import pytest

from amrasaman_nox.errors import AsamanError, Origin
from amrasaman_nox.model import BuildFailure, BuildOutcome, Report, Verdict
from amrasaman_nox.reports.annotations import of_error, of_report
from tests.reports.examples import build_report, hostile_build_report, verify_report


def test_each_failure_and_each_bad_verdict_is_an_annotation() -> None:
    lines = list(of_report(verify_report()))
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 3
    assert lines[0].startswith("::error title=lxml 5.2.1%3A different::lxml 5.2.1  different  ")
    assert list(of_report(build_report())) == [
        "::error title=lxml 5.2.1%3A failed,file=requirements.txt,line=7::"
        "build: the backend ended with 1 (hint: install the headers of libxml2)"
    ]


@pytest.mark.parametrize(("allowed", "count"), [(Verdict.EQUIVALENT, 3), (Verdict.IDENTICAL, 4)])
def test_what_is_allowed_is_no_error(allowed: Verdict, count: int) -> None:
    report = verify_report()
    strict = Report(command="verify", comparisons=report.comparisons, allowed=allowed)
    assert len(list(of_report(strict))) == count


def test_an_annotation_is_one_line_whatever_it_contains() -> None:
    failure = BuildFailure(
        name="a,b:c",
        version="1%0A",
        stage="build",
        reason="x\n::error::owned",
        origin=Origin(path="r,file=x.txt", line=1),
    )
    report = Report(command="reproducible_wheels", build=BuildOutcome(failures=(failure,)))
    assert list(of_report(report)) == [
        "::error title=a%2Cb%3Ac 1%250A%3A failed,file=r%2Cfile=x.txt,line=1::"
        "build: x\\n::error::owned"
    ]
    (line,) = of_report(hostile_build_report())
    assert "secret" not in line


def test_each_of_several_errors_is_an_annotation_at_its_line() -> None:
    other = AsamanError("b==1", "not hashed", origin=Origin(path="r.txt", line=3))
    error = AsamanError("a==1", "not hashed", hint="hash it", others=(other,))
    assert list(of_error(error)) == [
        "::error title=a==1::not hashed (hint: hash it)",
        "::error title=b==1,file=r.txt,line=3::not hashed",
    ]
