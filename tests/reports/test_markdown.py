"""Markdown: what is in it, and that foreign text stays text."""

from __future__ import annotations

import re

import pytest

from amrasaman_nox.reports.markdown import escape, render
from tests.reports.examples import EVERY, build_report, verify_report


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
