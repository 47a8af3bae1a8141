"""The documents as a site, in a browser; ``tests/test_docs.py`` has its navigation."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

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
