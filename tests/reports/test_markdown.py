"""Markdown and workflow commands: what stands in them, and that foreign text stays text."""

from __future__ import annotations

import re

import pytest

from amrasaman_nox.errors import Origin
from amrasaman_nox.model import BuildFailure, BuildOutcome, Report, Verdict
from amrasaman_nox.reports.markdown import escape, render, workflow_annotations
from tests.reports.examples import EVERY, build_report, hostile_build_report, verify_report


def test_a_verdict_is_a_row_and_its_diff_a_fenced_block() -> None:
    text = render(verify_report())
    assert "| cffi | 1.17 | unchecked | offline |" in text
    assert "| idna | 3.10 | equivalent | (normalised: compression, member-order) |" in text
    assert "```diff\n--- ours\n+++ theirs\n@@ -1,3 +1,3 @@\n import os\n-ROOT" in text
    assert "- Packager: Build at a constant path" in text
    assert "Not varied: clock (libfaketime is not installed)" in text
    assert "- generator: hatchling 1.27.0" in text


def test_a_failed_build_shows_the_end_of_its_log() -> None:
    text = render(build_report())
    assert "```text\n| cc -c etree.c\n| fatal error: libxml/xmlversion.h: No such file\n```" in text
    assert "Hint: install the headers of libxml2" in text
    assert re.search(
        r"^\| attrs \| 1\.0 \| attrs-1.+ \| [0-9a-f]{64} \| built \|$", text, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<b>", r"\<b\>"),
        ("[a](b)", r"\[a\](b)"),
        ("&lt;", r"\&lt;"),
        ("`x`", r"\`x\`"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("---", r"\---"),
        ("# a", r"\# a"),
        ("1.0", "1.0"),
        ("a\nb", r"a\\nb"),
        ("https://a.b", "https&#58;//a.b"),
        ("www.a.b", "www&#46;a.b"),
    ],
)
def test_markup_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize("report", EVERY)
def test_foreign_text_is_inert(report: object) -> None:
    text = render(report())  # type: ignore[operator]
    assert not set("\x1b\u202e\x9b\r\ud800") & set(text)
    assert "secret" not in text
    # Outside of fenced blocks and our own two tags nothing opens one.
    prose = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"</?(?:details|summary)>", "", prose)
    assert not re.search(r"(?<!\\)[<`]", re.sub(r"^.*&lt;.*$", "", prose, flags=re.MULTILINE))
    assert not re.search(r"^(::|##\[)", text, re.MULTILINE)


def test_a_diff_cannot_end_its_own_block() -> None:
    text = render(EVERY[3]())
    assert "````diff\n" in text


def test_each_failure_and_each_bad_verdict_is_an_annotation() -> None:
    lines = workflow_annotations(verify_report()).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 3
    assert lines[0].startswith("::error title=lxml 5.2.1%3A different::lxml 5.2.1  different  ")
    assert workflow_annotations(build_report()) == (
        "::error title=lxml 5.2.1%3A failed,file=requirements.txt,line=7::"
        "build: the backend ended with 1 (hint: install the headers of libxml2)\n"
    )


@pytest.mark.parametrize(("allowed", "count"), [(Verdict.EQUIVALENT, 3), (Verdict.IDENTICAL, 4)])
def test_what_is_allowed_is_no_error(allowed: Verdict, count: int) -> None:
    report = verify_report()
    strict = Report(command="verify", comparisons=report.comparisons, allowed=allowed)
    assert len(workflow_annotations(strict).splitlines()) == count


def test_an_annotation_is_one_line_whatever_stands_in_it() -> None:
    failure = BuildFailure(
        name="a,b:c",
        version="1%0A",
        stage="build",
        reason="x\n::error::owned",
        origin=Origin(path="r,file=x.txt", line=1),
    )
    report = Report(command="reproducible_wheels", build=BuildOutcome(failures=(failure,)))
    assert workflow_annotations(report) == (
        "::error title=a%2Cb%3Ac 1%250A%3A failed,file=r%2Cfile=x.txt,line=1::"
        "build: x\\n::error::owned\n"
    )
    (line,) = workflow_annotations(hostile_build_report()).splitlines()
    assert "secret" not in line
