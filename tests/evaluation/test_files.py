"""The table of real files: what counts as built, as the same, and as reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.verification.explain import EXPLANATIONS

from . import files, pages

if TYPE_CHECKING:
    from pathlib import Path


def compared(name: str, verdict: str = "identical", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1",
        "verdict": verdict,
        "causes": [],
        "reason": "",
        "hint": "",
        **more,
    }


def file(*comparisons: dict[str, Any], failures: int = 0, code: int = 0) -> files.File:
    failed = [
        {"name": f"f{number}", "version": "2", "stage": "build", "reason": "a|b", "hint": "mend it"}
        for number in range(failures)
    ]
    return files.File(
        name="team.txt",
        python="3.11",
        report={"comparisons": list(comparisons), "failures": failed},
        code=code,
        wall=1.0,
        longest=9.4,
        output=2048,
    )


def test_the_table_has_the_figures_and_what_is_not_built_or_not_the_same() -> None:
    cause = {"variation": "clock", "explanation": "build-time"}
    one = file(
        compared("a"),
        compared("b", "different", causes=[cause, cause]),
        compared("c", "unchecked", reason="used as published, not rebuilt"),
        failures=1,
        code=3,
    )
    text = files.table([one])
    assert "| team.txt | 3.11 | 3 | 2 | 1 | 0 | 1 | 9 |" in text
    assert "| all | | 3 | 2 (66.7 %) | 1 | 0 | 1 | |" in text
    assert "The most that one build printed: 2 KiB." in text
    assert "| f0 2 | 3.11 | build: a\\|b | mend it |" in text
    (remedy,) = [each.packager for each in EXPLANATIONS if each.name == "build-time"]
    assert f"| b 1 | 3.11 | different: clock: build-time | {remedy} |" in text
    assert "| c 1 |" not in text


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([file(*map(compared, "abc"))], True),
        ([file(*[compared("a")] * 98, failures=2, code=3)], True),
        ([file(*[compared("a")] * 97, failures=3, code=3)], False),
        ([file(*[compared("a")] * 97, *[compared("b", "different")] * 3, code=1)], False),
        ([file(compared("a"), code=5)], False),
    ],
)
def test_the_figures_are_reached_or_not(found: list[files.File], expected: bool) -> None:
    assert files.reached(found) is expected


def test_what_a_file_came_to_is_kept_and_not_repeated(tmp_path: Path) -> None:
    """A file that cannot be read has a code and no report."""
    (tmp_path / "bad.txt").write_text("six\n")
    keep = tmp_path / "keep"
    (one,) = files.measure([str(tmp_path / "bad.txt")], keep)
    assert (one.code, one.pins, files.reached([one])) == (2, 0, False)
    (tmp_path / "bad.txt").unlink()
    assert files.measure([str(tmp_path / "bad.txt")], keep) == [one]


def test_the_table_is_put_in_its_place_on_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- files -->\nold\n<!-- end of files -->\nafter\n")
    pages.renew(page, "files", "new")
    assert page.read_text() == "before\n<!-- files -->\n\nnew\n\n<!-- end of files -->\nafter\n"
