"""The HTML page in a real browser: wide and on a phone, light and dark."""

from __future__ import annotations

import dataclasses
import os
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.model import Verdict
from amrasaman_nox.reports.html import render
from tests.reports.examples import EVERY, verify_report
from tests.support.browser import BROWSER, browser, found_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.model import Report

#: Where the package has axe; nothing else of it is used.
AXE_FILE = "axe_playwright_python/axe.min.js"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]

#: A page around the page: it measures from outside, since the policy lets no script in.
FRAME = """<!doctype html><body><pre id="found"></pre>
<iframe src="page.html" style="border:0;width:WIDTHpx;height:900px"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument;
  const style = (selector) => frame.contentWindow.getComputedStyle(page.querySelector(selector));
  const box = (element) => element.getBoundingClientRect();
  const kept = (page) => {
    const [name, state, order] = page.querySelectorAll(".controls input, .controls select");
    const rows = () => [...page.querySelectorAll("[data-list] > *")]
      .filter((row) => box(row).height > 0).map((row) => row.dataset.name);
    const put = (control, value, event) => {
      control.value = value;
      control.dispatchEvent(new Event(event));
      return rows();
    };
    return {
      all: rows(), named: put(name, "LX", "input"), again: put(name, "", "input"),
      different: put(state, "different", "change"), every: put(state, "", "change"),
      sorted: put(order, "name", "change"), found: put(order, "", "change"),
    };
  };
  const open = [...page.querySelectorAll("details[open] .body")];
  document.querySelector("#found").textContent = JSON.stringify({
    width: frame.contentWindow.innerWidth,
    needed: page.documentElement.scrollWidth,
    ground: style("body").backgroundColor,
    ink: style("body").color,
    font: style("body").fontSize,
    margin: style("body").marginTop,
    foreign: page.querySelectorAll("script[src], img, iframe, a").length,
    kept: page.querySelector(".controls") && kept(page),
    text: page.body.innerText,
    heights: open.map((element) => box(element).height),
    pairs: [...page.querySelectorAll(".pair:not(.alone)")].map(
      (pair) => [...pair.children].map((child) => [box(child).left, box(child).top])),
  });
};
</script>"""


def measured(folder: Path, text: str, width: int, *flags: str) -> Any:
    (folder / "page.html").write_text(text, encoding="utf-8")
    return found_by(folder, FRAME.replace("WIDTH", str(width)), *flags)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("report", EVERY)
def test_the_page_fits_and_shows_its_content(report: object, width: int, tmp_path: Path) -> None:
    found = measured(tmp_path, render(report()), width)  # type: ignore[operator]
    assert found["width"] == width
    assert found["needed"] <= width
    # The style sheet is in force, so the policy names its hash rightly.
    assert (found["margin"], found["font"]) == ("0px", "16px")
    assert found["foreign"] == 0
    assert len(found["text"]) > 100
    assert all(height > 50 for height in found["heights"])


def test_what_is_shown_can_be_filtered_and_sorted(tmp_path: Path) -> None:
    kept = measured(tmp_path, render(verify_report()), 1280)["kept"]
    assert kept["named"] == ["lxml"]
    assert kept["all"] == kept["again"] == kept["every"] == kept["found"]
    different = [one.name for one in verify_report().comparisons if one.verdict == "different"]
    assert sorted(kept["different"]) == sorted(different)
    assert kept["sorted"] == sorted(kept["all"])


def brightness(colour: str) -> int:
    return sum(map(int, re.findall(r"\d+", colour)[:3]))


def test_the_page_is_light_or_dark_as_the_reader_has_it(tmp_path: Path) -> None:
    text = render(verify_report())
    light = measured(tmp_path, text, 1280, "--blink-settings=preferredColorScheme=1")
    dark = measured(tmp_path, text, 1280, "--blink-settings=preferredColorScheme=0")
    assert brightness(light["ground"]) > 600 > 200 > brightness(light["ink"])
    assert brightness(dark["ground"]) < 150 < 600 < brightness(dark["ink"])


def test_explanation_and_diff_stand_side_by_side_and_on_a_phone_one_above_the_other(
    tmp_path: Path,
) -> None:
    text = render(verify_report())
    for explanation, diff in measured(tmp_path, text, 1280)["pairs"]:
        assert explanation[0] < diff[0]
        assert explanation[1] == diff[1]
    for explanation, diff in measured(tmp_path, text, 390)["pairs"]:
        assert explanation[0] == diff[0]
        assert explanation[1] < diff[1]


def test_a_screenshot_can_be_taken(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render(verify_report()), encoding="utf-8")
    picture = tmp_path / "page.png"
    browser(tmp_path, page, "--window-size=1280,1600", f"--screenshot={picture}")
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    # A blank page of this size packs to far less.
    assert len(data) > 30_000


#: Runs axe, which tests pages for those who do not see them or have no mouse, in the page itself.
AXE = """<pre id="found"></pre><script src="axe.min.js"></script><script>
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]}).then((result) => {
  document.querySelector("#found").textContent = JSON.stringify(
    result.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))]));
});
</script>"""


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("report", EVERY)
def test_axe_finds_nothing(report: Callable[[], Report], scheme: int, tmp_path: Path) -> None:
    try:
        script = metadata.distribution("axe-playwright-python").locate_file(AXE_FILE)
    except metadata.PackageNotFoundError:
        pytest.skip("axe is not installed: pip install --no-deps axe-playwright-python")
    (tmp_path / "axe.min.js").write_text(Path(str(script)).read_text(encoding="utf-8"))
    # Its policy lets no script of others run.
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", render(report()))
    page = page.replace("</main>", f"</main>{AXE}", 1)
    shown = f"--blink-settings=preferredColorScheme={scheme}"
    assert found_by(tmp_path, page, shown) == []


#: Says how long a page took to open, in milliseconds.
OPENED = """<pre id="found"></pre><script>addEventListener("load", () => setTimeout(() => {
  const [page] = performance.getEntriesByType("navigation");
  document.querySelector("#found").textContent = JSON.stringify(page.domComplete);
}));</script>"""


def test_a_page_with_two_thousand_sources_opens_soon(tmp_path: Path) -> None:
    good = [one for one in verify_report().comparisons if one.verdict is Verdict.IDENTICAL]
    many = (*verify_report().comparisons, *good * (2000 // len(good)))
    text = render(dataclasses.replace(verify_report(), comparisons=many))
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    # A second, on a machine that does nothing else.
    others = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert found_by(tmp_path, page.replace("</main>", f"</main>{OPENED}", 1)) < 1500 * others
