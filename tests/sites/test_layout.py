"""Where the files of a site are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.sites import layout

from . import handmade

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_special_in_a_url_is_encoded() -> None:
    found = layout.link("wheels/a-1!2.0+local.1-py3-none-any.whl", depth=2)
    assert found == "../../wheels/a-1%212.0%2Blocal.1-py3-none-any.whl"


def test_pages_of_a_project_are_in_folders_of_its_name() -> None:
    assert layout.simple_page("a-b") == "simple/a-b/index.html"
    assert layout.simple_page("a-b", layout.JSON) == "simple/a-b/index.json"
    assert layout.project_page("a-b") == "projects/a-b.html"


def test_own_files_are_pages_and_what_is_beside_wheels(tmp_path: Path) -> None:
    handmade.put(tmp_path / "w", "a")
    site = handmade.site(tmp_path, tmp_path / "w")
    (site / "wheels/notes.txt").write_text("of somebody else")
    found = {path.relative_to(site).as_posix() for path in layout.own_files(site)}
    assert found == {
        "simple/a/index.html",
        "simple/a/index.json",
        "projects/a.html",
        "wheels/a-1.0-py3-none-any.whl.metadata",
        "wheels/a-1.0-py3-none-any.whl.provenance.json",
    }
