"""The pages of a site for installers."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.sites import simple
from amrasaman_nox.sites.entries import projects_of

from . import handmade

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sites.entries import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    wheels = (
        ("1.0", "cp311-cp311-linux_x86_64"),
        ("1.0", "cp312-cp312-linux_aarch64"),
        ("1.0+l.1", "py3-none-any"),
    )
    found = [handmade.entry(tmp_path, "a-b", *each, requires_python=">=3.8") for each in wheels]
    return projects_of(found)[0]


class Anchors(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def test_an_anchor_has_hash_metadata_and_interpreters(project: Project) -> None:
    first, *others = Anchors(simple.project_html(project)).found
    entry = project.entries[0]
    digest = entry.record.wheel.digest.value
    name = "a_b-1.0%2Bl.1-py3-none-any.whl"
    assert first == {
        "href": f"../../wheels/{name}#sha256={digest}",
        "data-requires-python": ">=3.8",
        "data-core-metadata": f"sha256={entry.metadata_digest.value}",
    }
    assert len(others) == 2


def test_json_says_the_same(project: Project) -> None:
    found = json.loads(simple.project_json(project))
    assert found["meta"] == {"api-version": "1.4"}
    assert (found["name"], found["versions"]) == ("a-b", ["1.0", "1.0+l.1"])
    anchors = Anchors(simple.project_html(project)).found
    for file, anchor, entry in zip(found["files"], anchors, project.entries, strict=True):
        assert f"{file['url']}#sha256={file['hashes']['sha256']}" == anchor["href"]
        assert f"sha256={file['core-metadata']['sha256']}" == anchor["data-core-metadata"]
        assert (file["filename"], file["size"]) == (entry.filename, entry.record.wheel.size)
        assert file["requires-python"] == ">=3.8"
        assert file["_record"] == f"{file['url']}.provenance.json"


def test_lists_have_all_projects(project: Project) -> None:
    assert Anchors(simple.list_html([project])).found == [{"href": "a-b/"}]
    assert json.loads(simple.list_json([project]))["projects"] == [{"name": "a-b"}]
