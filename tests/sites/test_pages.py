"""The pages of a site for people: complete, without a script of others, nothing fetched."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from amrasaman_nox.model import Verdict
from amrasaman_nox.sites import pages
from amrasaman_nox.sites.entries import projects_of
from amrasaman_nox.verification.verdicts import Found

from ..reports import examples
from . import handmade

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sites.entries import Entry, Project


#: What no record and no METADATA that can be read has.
HOSTILE = examples.HOSTILE.replace("\ud800", "")


class Page(HTMLParser):
    """Collects elements, links and text, and checks that all elements are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.links: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in {"meta", "br", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data


def two(folder: Path) -> list[Entry]:
    tags = ("py3-none-any", "py2-none-any")
    return [handmade.entry(folder, "a", "1.0", tag) for tag in tags]


def hostile(folder: Path) -> Project:
    entry = handmade.entry(folder, "a", backend=HOSTILE)
    found = Found(
        against=HOSTILE, verdict=Verdict.DIFFERENT, varied=(HOSTILE,), proof=HOSTILE, reason=HOSTILE
    )
    return projects_of(
        [dataclasses.replace(entry, summary=HOSTILE, requires_python=HOSTILE, found=(found,))]
    )[0]


def test_foreign_text_is_inert(tmp_path: Path) -> None:
    project = hostile(tmp_path)
    for text in (pages.start((project,)), pages.project(project)):
        page = Page(text)
        assert "img" not in page.elements
        assert "<script>alert(1)" in page.text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)
        assert "secret" not in text
        assert all(not link.startswith(("http", "javascript")) for link in page.links)


def test_a_page_of_a_project_needs_no_script(tmp_path: Path) -> None:
    text = pages.project(hostile(tmp_path))
    assert "script" not in Page(text).elements
    assert "script-src 'none'" in text


def test_links_of_all_pages_lead_to_files(tmp_path: Path) -> None:
    wheel = handmade.put(tmp_path / "w", "a", "1.0+l")
    handmade.sign(tmp_path / "w", tmp_path / "a.pem")
    handmade.put(tmp_path / "w", "b", tag="cp311-cp311-linux_x86_64")
    report = handmade.report(tmp_path / "v.json", wheel)
    site = handmade.site(tmp_path, tmp_path / "w", reports=(report,))
    count = 0
    for path in site.rglob("*.html"):
        for link in Page(path.read_text()).links:
            target = path.parent / link.partition("#")[0].replace("%2B", "+")
            assert (target / "index.html" if target.is_dir() else target).is_file(), link
            count += 1
    assert count == 2 + (1 + 5) + (1 + 3) + 2 + 2


def test_the_page_says_what_is_verified_and_signed(tmp_path: Path) -> None:
    entries = two(tmp_path)
    found = Found(against="rebuild", verdict=Verdict.IDENTICAL, varied=("umask",))
    whole = [dataclasses.replace(one, found=(found,), signatures=(b"1", b"2")) for one in entries]
    text = Page(pages.project(projects_of(whole)[0])).text
    assert "identical 2 of 2 wheels verified, 2 of 2 with signed records." in text
    assert "rebuild; varied: umask" in text
    # One that was not verified counts for all.
    text = Page(pages.project(projects_of([whole[0], entries[1]])[0])).text
    assert "unchecked 1 of 2 wheels verified, 1 of 2 with signed records." in text


def test_a_release_has_one_requirement_with_the_hashes_of_all_its_wheels(tmp_path: Path) -> None:
    entries = two(tmp_path)
    text = Page(pages.project(projects_of(entries)[0])).text
    hashes = sorted(f"--hash={one.record.wheel.digest}" for one in entries)
    assert " \\\n    ".join(["a==1.0", *hashes]) in text
