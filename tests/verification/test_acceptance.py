"""One policy: what is accepted, and the exit code that follows."""

from __future__ import annotations

import dataclasses

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import BuildFailure, BuildOutcome, Comparison, Report, Verdict
from amrasaman_nox.verification.acceptance import compared_nothing, exit_code, is_accepted

FAILURE = BuildFailure(name="a", version="1", stage="build", reason="x", code=ExitCode.INPUT_OUTPUT)
ROWS = [
    (Verdict.EQUIVALENT, Verdict.IDENTICAL, True),
    (Verdict.EQUIVALENT, Verdict.EQUIVALENT, True),
    (Verdict.EQUIVALENT, Verdict.DIFFERENT, False),
    (Verdict.EQUIVALENT, Verdict.FAILED, False),
    (Verdict.EQUIVALENT, Verdict.UNCHECKED, False),
    (Verdict.IDENTICAL, Verdict.IDENTICAL, True),
    (Verdict.IDENTICAL, Verdict.EQUIVALENT, False),
    (Verdict.IDENTICAL, Verdict.UNCHECKED, False),
]


def compared(verdict: Verdict, *, as_published: bool = False) -> Comparison:
    return Comparison(
        name="six", version="1", wheel="six.whl", verdict=verdict, as_published=as_published
    )


def reported(*verdicts: Verdict, allowed: Verdict = Verdict.EQUIVALENT) -> Report:
    compared_ones = tuple(compared(verdict) for verdict in verdicts)
    return Report(command="verify", comparisons=compared_ones, allowed=allowed)


@pytest.mark.parametrize(("allowed", "verdict", "good"), ROWS)
def test_what_is_accepted_follows_from_what_is_allowed(
    allowed: Verdict, verdict: Verdict, good: bool
) -> None:
    assert is_accepted(compared(verdict), allowed) is good


@pytest.mark.parametrize(("allowed", "verdict", "good"), ROWS)
def test_the_exit_code_is_0_where_all_is_accepted(
    allowed: Verdict, verdict: Verdict, good: bool
) -> None:
    bad = ExitCode.BUILD_FAILED if verdict is Verdict.FAILED else ExitCode.DIFFERENT
    report = reported(Verdict.IDENTICAL, verdict, allowed=allowed)
    assert exit_code(report) is (ExitCode.DONE if good else bad)


def test_a_wheel_that_is_used_as_published_on_request_is_accepted_unless_it_differs() -> None:
    assert is_accepted(compared(Verdict.UNCHECKED, as_published=True), Verdict.IDENTICAL)
    assert not is_accepted(compared(Verdict.DIFFERENT, as_published=True), Verdict.EQUIVALENT)


@pytest.mark.parametrize(
    ("report", "nothing"),
    [
        (reported(), True),
        (reported(Verdict.UNCHECKED), True),
        (reported(Verdict.UNCHECKED, Verdict.IDENTICAL), False),
        (reported(Verdict.DIFFERENT), False),
        (Report(command="reproducible_wheels"), False),
    ],
)
def test_nothing_compared_is_not_success(report: Report, nothing: bool) -> None:
    assert compared_nothing(report) is nothing
    assert not nothing or exit_code(report) is ExitCode.DIFFERENT


def test_only_wheels_that_are_used_as_published_is_nothing_compared() -> None:
    taken = compared(Verdict.UNCHECKED, as_published=True)
    assert exit_code(dataclasses.replace(reported(), comparisons=(taken,))) is ExitCode.DIFFERENT


def test_the_code_of_a_failed_build_comes_first() -> None:
    report = dataclasses.replace(
        reported(Verdict.DIFFERENT), build=BuildOutcome(failures=(FAILURE,))
    )
    assert exit_code(report) is ExitCode.INPUT_OUTPUT
