"""Findings before a release, in every report that has them."""

from __future__ import annotations

import json as standard

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import Finding, Report
from amrasaman_nox.reports import findings, json, markdown, table
from amrasaman_nox.verification.acceptance import exit_code

ONE = Finding(check="tag", what="commit 1 has no tag", fix="git tag")
ALLOWED = Finding(check="readme", what="<b>\x1b[1m", fix="y", allowed=True)
REPORT = Report(command="release_check", findings=(ONE, ALLOWED))


def test_a_finding_is_one_line_with_how_to_fix_it() -> None:
    assert next(findings.lines(REPORT)) == "tag: commit 1 has no tag. Fix: git tag"
    text = table.render(REPORT)
    assert "tag: commit 1 has no tag. Fix: git tag\n" in text
    assert "readme (allowed): <b>\\x1b[1m. Fix: y" in text
    assert text.endswith("1 to fix, 1 allowed\n")


def test_what_is_allowed_does_not_fail() -> None:
    assert exit_code(REPORT) is ExitCode.DIFFERENT
    assert exit_code(Report(command="release_check", findings=(ALLOWED,))) is ExitCode.DONE


def test_markdown_and_json_have_them() -> None:
    assert "- tag: commit 1 has no tag. Fix: git tag" in markdown.render(REPORT)
    assert "<b>" not in markdown.render(REPORT)
    found = standard.loads(json.render(REPORT))["findings"]
    assert found[0] == {"check": "tag", "what": ONE.what, "fix": "git tag", "allowed": False}


def test_nothing_found_says_so() -> None:
    assert table.render(Report(command="release_check")) == "ready for a release\n"
