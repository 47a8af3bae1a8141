"""The HTML page: one file, nothing fetched, no foreign script, all foreign text escaped."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from amrasaman_nox.model import Called
from amrasaman_nox.reports.html import render
from tests.reports.examples import EVERY, build_report, verify_report

#: Every element and attribute that the page may have.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section"),
    *("article", "details", "summary", "h1", "h2", "h3", "h4", "p", "ul", "li", "dl", "dt", "dd"),
    *("div", "span", "b", "code", "pre", "br", "table", "thead", "tbody", "tr", "th", "td"),
    *("form", "label", "input", "select", "option", "output", "script", "mark"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name"),
    *("class", "open", "tabindex", "data-label", "data-name", "data-state", "data-list"),
    *("hidden", "type", "autocomplete", "value", "aria-label", "aria-live"),
}
VOID = {"meta", "br", "input"}


class Page(HTMLParser):
    """Collects elements, attributes and text, and checks that all elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


@pytest.mark.parametrize("report", EVERY)
def test_the_page_is_well_formed_and_holds_no_foreign_markup(report: object) -> None:
    text = render(report())  # type: ignore[operator]
    page = parsed(text)
    assert page.open == []
    assert page.elements <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    assert not set("\x1b\u202e\x9b\r\ud800") & set(text)
    assert "secret" not in text


@pytest.mark.parametrize("report", EVERY)
def test_the_policy_allows_one_style_sheet_and_one_script_and_nothing_else(report: object) -> None:
    text = render(report())  # type: ignore[operator]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    allowed = (f"style-src '{digest_of(style)}'", f"script-src '{digest_of(script)}'")
    assert f"default-src 'none'; {'; '.join(allowed)}; base-uri 'none';" in text
    # The policy has to stand before what it judges.
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert not re.search(r"url\(|@import|https?:", style)
    assert not re.search(r"fetch|eval|innerHTML|import|https?:", script)


def digest_of(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def test_the_page_begins_with_a_sentence_and_how_the_command_was_called() -> None:
    called = Called(
        command="asaman verify",
        inputs=("requirements.txt",),
        ended=datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
    )
    report = replace(verify_report(), called=called, interpreters=("CPython 3.11.7",))
    text = parsed(render(report)).text
    assert "Not shown to be reproducible: 3 of " in text
    parts = ("asaman verify", "requirements.txt", "2026-11-28 09:00 UTC", "CPython 3.11.7")
    assert [part for part in parts if part not in text] == []


def test_what_did_not_succeed_comes_first() -> None:
    text = render(verify_report())
    folds = re.findall(r"<details data-name=\"[^\"]*\" data-state=\"\w+\"( open)?>", text)
    assert folds == sorted(folds, reverse=True)
    text = render(build_report())
    assert text.index("<h2>Failures</h2>") < text.index("<h2>Wheels</h2>")


def test_the_two_wheels_are_called_as_their_folders_are() -> None:
    one = next(each for each in verify_report().comparisons if each.name == "lxml")
    text = parsed(render(replace(verify_report(), comparisons=(one,)))).text
    assert "First" in text
    assert "Rebuilt" in text
    other = replace(one, against="published")
    assert "Published" in parsed(render(replace(verify_report(), comparisons=(other,)))).text


def test_the_script_does_not_show_what_it_is_not_there_for() -> None:
    assert '<form class="controls" hidden>' in render(build_report())


def test_everything_that_was_found_is_on_the_page() -> None:
    text = parsed(render(verify_report())).text
    for part in (
        "1 identical",
        "attrs 25.3.0",
        "identical content under the published headers",
        "generator: hatchling 1.27.0",
        "SOURCE_DATE_EPOCH: 1741885200",
        "(normalised: compression, member-order)",
        "build-path, umask, time-zone",
        "clock: libfaketime is not installed",
        "varied: build path",
        "-/build/source/x.c",
        "strip with LDFLAGS=-Wl,-s",
        "Equal under the normalisation record-regenerated.",
        "| one\n| two",
        "Isolation: full",
        "Accepted: equivalent or better",
    ):
        assert part in text


def test_the_explanation_is_beside_its_own_diff() -> None:
    text = render(verify_report())
    articles = re.findall(r'<article class="difference">.*?</article>', text, re.DOTALL)
    (elf,) = (article for article in articles if "etree" in article)
    assert "Compilers write the working folder" in elf
    assert '<span class="add">+/<mark>elsewhere</mark>/x.c</span>' in elf
    assert elf.index("Compilers write") < elf.index("+/<mark>elsewhere")


def test_what_is_not_good_is_open_and_what_is_good_is_folded() -> None:
    folds = re.findall(r"<details data[^>]*?( open)?>\n<summary><b>(\w+)", render(verify_report()))
    assert {name for opened, name in folds if opened} == {"lxml", "numpy", "cffi"}


def test_builds_show_the_whole_hash_and_failures_their_log() -> None:
    text = parsed(render(build_report())).text
    assert str(build_report().build.records[0].wheel.digest) in text
    assert "| fatal error: libxml/xmlversion.h: No such file" in text
    assert "pywin32==306: its marker does not apply" in text


def test_causes_are_links_to_the_site_that_is_named() -> None:
    report = verify_report()
    assert "<a " not in render(report)
    text = render(dataclasses.replace(report, documents='https://docs.example/"x"/'))
    found = re.findall(r'<h4><a href="([^"]+)">', text)
    assert found
    start = "https://docs.example/&quot;x&quot;/explanations/"
    assert all(url.startswith(start) and url.endswith(".html") for url in found)


def test_two_thousand_sources_are_rendered_soon() -> None:
    comparisons = verify_report().comparisons
    many = comparisons * (2000 // len(comparisons))
    begun = time.process_time()
    assert render(dataclasses.replace(verify_report(), comparisons=many)).count("<summary>") >= 2000
    assert time.process_time() - begun < 10
