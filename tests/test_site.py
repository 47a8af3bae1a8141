"""The documents as a site: where each page is, and how it looks in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .support import actions
from .support.browser import BROWSER, found_by

ROOT = Path(__file__).parents[1]
SITE = actions.read(ROOT / "mkdocs.yml")

#: Measures a page of the site from outside.
FRAME = """<!doctype html><body><pre id="found"></pre>
<iframe src="PAGE" style="border:0;width:WIDTHpx;height:900px"></iframe>
<script>
document.querySelector("iframe").onload = (event) => {
  const view = event.target.contentWindow, page = view.document;
  const tables = [...page.querySelectorAll(".md-typeset table")];
  document.querySelector("#found").textContent = JSON.stringify({
    needed: page.documentElement.scrollWidth,
    ground: view.getComputedStyle(page.body).backgroundColor,
    clipped: tables.filter((table) => {
      let box = table;
      while (box && !["auto", "scroll"].includes(view.getComputedStyle(box).overflowX))
        box = box.parentElement;
      return !box && table.scrollWidth > view.innerWidth;
    }).length,
    tables: tables.length,
    marked: page.querySelectorAll(".highlight span[class]").length,
    copied: page.querySelectorAll(".md-code__button, .md-clipboard").length,
    search: page.querySelectorAll("[data-md-component=search], [id^=__search]").length,
    foreign: [...page.querySelectorAll("script[src], link[rel=stylesheet]")]
      .map((one) => one.src || one.href).filter((url) => url.startsWith("http")),
  });
};
</script>"""


def pages(value: Any = SITE["nav"]) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [page for part in parts for page in pages(part)]


def test_each_page_has_one_place_in_the_navigation() -> None:
    found = Counter(pages())
    docs = ROOT / SITE["docs_dir"]
    assert set(found) == {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    assert set(found.values()) == {1}


def test_one_place_is_named_explanation_and_one_catalogue_of_causes() -> None:
    names = [name for section in SITE["nav"] for name in section]
    assert names.count("Explanation") == names.count("Catalogue of causes") == 1
    by_name = {name: part for section in SITE["nav"] for name, part in section.items()}
    assert all(page.startswith("explanations/") for page in by_name["Catalogue of causes"])
    assert all(page.startswith("explanation/") for page in by_name["Explanation"])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site from a copy of the tree; return its folder."""
    pytest.importorskip("zensical")
    copy = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", copy)
    shutil.copytree(ROOT / "docs", copy / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=120)
    return copy / SITE["site_dir"]


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("page", ["reference/configuration.html", "explanations/index.html"])
def test_a_page_fits_and_no_table_is_clipped(
    site: Path, tmp_path: Path, page: str, width: int
) -> None:
    frame = FRAME.replace("PAGE", (site / page).as_uri()).replace("WIDTH", str(width))
    shades = []
    for scheme in (0, 1):
        found = found_by(tmp_path, frame, f"--blink-settings=preferredColorScheme={scheme}")
        assert found["needed"] <= width
        assert (found["clipped"], found["foreign"]) == (0, [])
        assert found["tables"] > 0
        assert found["search"] > 0
        if "configuration" in page:
            assert found["marked"] > 0
            assert found["copied"] > 0
        shades.append(sum(map(int, re.findall(r"\d+", found["ground"])[:3])))
    assert shades[0] < 200 < 600 < shades[1]
