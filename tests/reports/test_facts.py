"""What all formats share: what counts as good, the counts, the logs, and whose cause is whose."""

from __future__ import annotations

import pytest

from amrasaman_nox.model import Cause, Comparison, Difference, Report, Verdict
from amrasaman_nox.reports import facts
from tests.reports.examples import build_report, different, verify_report
from tests.support.differences import changed


def test_counts_leave_out_what_there_is_none_of() -> None:
    assert facts.summary(verify_report()) == (
        "1 identical, 1 equivalent, 1 different, 1 failed, 1 unchecked"
    )
    assert facts.counts(build_report())[-2:] == (("failed", 1), ("left out", 1))
    assert facts.summary(Report(command="verify")) == "nothing was compared"


def test_a_log_is_shown_from_its_end_behind_bars() -> None:
    log = "".join(f"line {number}\n" for number in range(100))
    shown = facts.tail(log)
    assert len(shown) == facts.LONGEST_TAIL
    assert shown[-1] == "| line 99"
    assert facts.tail("\x1b[2J\n##[group]x\ta") == ("| \\x1b[2J", "| ##[group]x  a")
    assert facts.tail("") == ()


def test_a_log_has_no_frames_of_the_frontend() -> None:
    frames = (
        "Traceback (most recent call last):\n"
        '  File "/build/frontend/hook.py", line 1, in build_wheel\n'
        '    return build()\n           ^^^^^\n  File "/tmp/x/frontend/start.py", line 2, in main\n'
    )
    own = '  File "/build/source/setup.py", line 3, in <module>\n    raise ValueError\nValueError\n'
    assert facts.tail(frames + own) == (
        "| Traceback (most recent call last):",
        *('|   File "/build/source/setup.py", line 3, in <module>', "|     raise ValueError"),
        "| ValueError",
    )


def test_each_difference_has_its_own_cause_and_what_follows_has_none() -> None:
    found = [(one.kind, cause and cause.explanation) for one, cause in facts.explained(different())]
    assert found == [("elf", "build-path-in-elf"), ("text", "build-path-in-text"), ("record", None)]


def test_differences_of_the_archive_itself_are_told_apart_by_their_kinds() -> None:
    kinds = ("zip-times", "zip-order")
    one = Comparison(
        name="a",
        version="1",
        wheel="a.whl",
        verdict=Verdict.EQUIVALENT,
        differences=tuple(Difference(kind=kind, changes=changed(kind)) for kind in kinds),
        causes=tuple(
            Cause(variation="clock", explanation=kind, difference=Difference(kind=kind))
            for kind in reversed(kinds)
        ),
    )
    found = [
        (difference.kind, cause and cause.explanation) for difference, cause in facts.explained(one)
    ]
    assert found == [("zip-order", "zip-order"), ("zip-times", "zip-times")]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        (
            "clock: libfaketime is not installed: at all",
            ("clock", "libfaketime is not installed: at all"),
        ),
        ("clock", ("clock", "")),
    ],
)
def test_a_variation_that_was_not_varied_has_a_reason(text: str, pair: tuple[str, str]) -> None:
    assert facts.reason_not_varied(text) == pair


def test_two_comparisons_of_one_wheel_are_told_apart() -> None:
    facts_of = {"name": "p", "version": "1", "wheel": "p-1-py3-none-any.whl"}
    report = Report(
        command="verify",
        comparisons=(
            Comparison(**facts_of, verdict=Verdict.IDENTICAL),
            Comparison(**facts_of, verdict=Verdict.IDENTICAL, against="/work/dist/p.whl"),
        ),
    )
    assert [name for name, _ in facts.named(report)] == [
        "p (py3-none-any, rebuild)",
        "p (py3-none-any, dist)",
    ]
