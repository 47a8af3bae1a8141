"""Verdicts, variations and differences in words."""

from __future__ import annotations

import pytest

from amrasaman_nox.model import Cause, Change, Comparison, Difference, Row, RowKind, Verdict
from amrasaman_nox.reports.wording import (
    diff_rows,
    diff_text,
    difference_line,
    variation_label,
    verdict_line,
    why_line,
)
from amrasaman_nox.verification.explain import explanation_of
from tests.reports.examples import HOSTILE


@pytest.mark.parametrize(
    ("variation", "label"),
    [
        ("hash-seed", "varied: hash seed"),
        ("user+host-name", "varied: user+host name"),
        ("random", "nothing varied"),
        ("published", "as published"),
        ("", "as published"),
    ],
)
def test_a_variation_is_named_as_a_reader_says_it(variation: str, label: str) -> None:
    assert variation_label(variation) == label


def comparison(**facts: object) -> Comparison:
    named = {"name": "one", "version": "1.0", "wheel": "one-1.0-py3-none-any.whl"}
    values = {**named, "verdict": Verdict.IDENTICAL, **facts}
    return Comparison(**values)  # type: ignore[arg-type]


CAUSE = Cause(
    variation="hash-seed",
    explanation="hash-order",
    difference=Difference(kind="text", member="pkg/names.py"),
)


def test_a_wheel_that_is_identical_needs_no_words() -> None:
    assert verdict_line(comparison()) == "one 1.0  identical"


def test_a_cause_is_named_with_the_file_the_variation_and_the_fix() -> None:
    line = why_line(comparison(verdict=Verdict.DIFFERENT, causes=(CAUSE, CAUSE)))
    row = explanation_of(CAUSE)
    assert line == f"names.py: {row.title} (varied: hash seed) and 1 more → {row.packager}"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"verdict": Verdict.EQUIVALENT, "normalisations": ("member-times",)}, "member-times"),
        ({"verdict": Verdict.EQUIVALENT, "proof": "proven", "causes": (CAUSE,)}, "proven"),
        ({"verdict": Verdict.FAILED, "reason": "build: it broke"}, "build: it broke"),
        (
            {
                "verdict": Verdict.DIFFERENT,
                "against": "published",
                "reason": "built by Python 3.9",
                "hint": "--python 3.9",
                "causes": (CAUSE,),
            },
            "built by Python 3.9 → --python 3.9",
        ),
    ],
)
def test_what_says_most_of_a_verdict_is_said(facts: dict[str, object], said: str) -> None:
    assert said in why_line(comparison(**facts))


@pytest.mark.parametrize(
    ("difference", "line"),
    [
        (Difference(kind="executable-bit", member="a"), ""),
        (
            Difference(kind="text", changes=(Change(what="line", ours="a", theirs="b", place=3),)),
            "line 3: a → b",
        ),
        (Difference(kind="text", reordered="words"), "the same words in another order"),
        (
            Difference(kind="metadata", changes=(Change(what="Version", theirs="1"),), total=1),
            "Version: nothing → 1",
        ),
        (
            Difference(kind="record", changes=(Change(what="row", of="a.py"),), total=7),
            "7 of the rows differ: a.py and 6 more",
        ),
        (Difference(kind="record"), "line endings"),
        (
            Difference(
                kind="zip-times",
                changes=(Change(what="time", ours="1", theirs="2", of="a.py", count=2),),
            ),
            "time of 2 members, such as a.py: 1 → 2",
        ),
        (Difference(kind="nested-archive"), "packed in another way, same members"),
        (Difference(kind="bytes"), "too large to compare in detail"),
        (Difference(kind="elf"), "outside of the sections"),
    ],
)
def test_a_difference_of_each_kind_is_one_line(difference: Difference, line: str) -> None:
    assert difference_line(difference) == line


@pytest.mark.parametrize("kind", ["text", "metadata", "record", "entry-points", "elf", "zip-times"])
def test_no_hostile_text_leaves_a_line_or_speaks_to_a_terminal(kind: str) -> None:
    change = Change(what=HOSTILE, ours=HOSTILE, theirs=f"{HOSTILE}\n", of=HOSTILE)
    line = difference_line(Difference(kind=kind, member=HOSTILE, changes=(change,), total=1))
    assert not set("\x1b\x9b\u202e\n") & set(line)


def test_the_diff_of_a_nested_archive_names_its_members() -> None:
    inner = Difference(kind="text", member="x.txt", rows=(Row(RowKind.OURS, "1"),))
    facts = (Change(what="time", ours="1", theirs="2", of="x.txt"),)
    nested = Difference(kind="nested-archive", changes=facts, inner=(inner,))
    assert [row.text for row in diff_rows(nested)] == [
        "time of 1 member, x.txt: 1 → 2",
        "x.txt",
        "1",
    ]
    assert diff_text(inner) == "-1"
