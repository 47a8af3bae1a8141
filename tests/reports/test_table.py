"""The table at the end: complete, plain in a pipe, and inert whatever it contains."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from amrasaman_nox.model import Report
from amrasaman_nox.reports import html, markdown
from amrasaman_nox.reports.table import render
from tests.reports.examples import EVERY, build_report, verify_report


def test_builds_show_their_state_and_the_short_hash() -> None:
    text = render(build_report())
    digest = build_report().build.records[0].wheel.digest.value
    assert re.search(rf"attrs +1\.0 +attrs-1\.0-py3-none-any\.whl +{digest[:16]}… +built\n", text)
    assert re.search(r"markupsafe .* from the store\n", text)
    assert re.search(r"charset-normalizer .* published as is\n", text)
    assert text.endswith("1 failed, 1 left out; isolation: full\n")


def test_the_last_line_has_the_seed_of_the_varied_values() -> None:
    text = render(replace(verify_report(), seed="5f1d"))
    assert "; isolation: full; seed: 5f1d\n" in text


def test_a_failure_shows_stage_reason_hint_and_the_end_of_its_log() -> None:
    text = render(build_report())
    assert "failed: lxml==5.2.1 (requirements.txt line 7): build: the backend ended with 1" in text
    assert "hint: install the headers of libxml2\n| cc -c etree.c\n| fatal error" in text
    assert "log: /var/log/lxml.log" in text
    assert "left out: pywin32==306: its marker does not apply" in text


def test_a_verdict_names_its_cause_and_how_to_fix_it_on_one_line() -> None:
    (line,) = (line for line in render(verify_report()).split("\n") if "different  " in line)
    assert "etree.cpython-311-x86_64-linux-gnu.so: build path embedded" in line
    assert "(varied: build path) and 1 more → Build at a constant path" in line


def test_what_was_not_varied_is_said() -> None:
    text = render(verify_report())
    assert "lxml 5.2.1: not varied: clock (libfaketime is not installed)" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_keeps_to_the_width(width: int) -> None:
    lines = [
        line for line in render(build_report(), width=width).split("\n") if "failed" not in line
    ]
    assert max(map(len, lines)) <= width


def test_a_narrow_table_loses_nothing() -> None:
    text = render(build_report(), width=60)
    names = "".join(line[1:22].split("  ")[0].strip() for line in text.split("\n"))
    assert "charset-normalizer-1.0-py3-none-any.whl" in names


def test_colour_is_written_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" not in render(verify_report())
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b[32m" in render(verify_report(), colour=True)


@pytest.mark.parametrize("report", EVERY)
def test_foreign_text_is_inert(report: object) -> None:
    text = render(report())  # type: ignore[operator]
    assert not set("\x1b\u202e\x9b\r\ud800") & set(text)
    assert "secret" not in text
    assert not re.search(r"^(::|##\[)", text, re.MULTILINE)
    text.encode()


def test_nothing_to_report_is_one_line() -> None:
    assert render(Report(command="reproducible_wheels")) == "nothing to do\n"


def test_the_file_that_was_asked_for_is_named() -> None:
    report = Report(command="verified_requirements", output="verified-requirements.txt")
    assert render(report).endswith("written: verified-requirements.txt\n")
    assert "written:" not in render(build_report())


def test_a_lock_with_nothing_to_add_is_said_to_be_complete() -> None:
    assert render(Report(command="lock_build_requirements")) == "the build lock is complete\n"


def test_an_sdist_and_a_wheel_of_one_release_are_told_apart() -> None:
    names = ("attrs-25.3.0.tar.gz", "attrs-25.3.0-py3-none-any.whl")
    (one, *_) = verify_report().comparisons
    both = tuple(replace(one, wheel=name) for name in names)
    for as_text in (render, markdown.render, html.render):
        text = as_text(Report(command="verify", comparisons=both))
        assert "attrs (sdist)" in text
        assert "attrs (py3-none-any)" in text
    assert "(" not in render(Report(command="verify", comparisons=both[:1])).splitlines()[2][:20]
