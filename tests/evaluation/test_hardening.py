from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from .hardening import ROOT, TRIALS, Trial, _came_to, _rung, kept, rows


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.what)
def test_every_row_names_tests_that_exist(trial: Trial) -> None:
    assert all((ROOT / path).exists() for path in trial.paths)
    words = [word for word in trial.names.split() if word != "or"]
    text = "".join(
        file.read_text()
        for path in trial.paths
        for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py"))
    )
    assert [word for word in words if word not in text] == []


def test_a_row_counts_what_held_on_its_rung() -> None:
    trial = Trial("something", (), by_rung=True, before="reached")
    found = Counter({("full", "held"): 3, ("none", "skipped"): 1, ("", "held"): 7})
    assert list(rows(trial, found)) == [
        "| something, isolation full | reached | 3 | 0 | 0 |",
        "| something, isolation none | reached | 0 | 1 | 0 |",
    ]


def test_rows_that_are_not_tried_again_stay() -> None:
    lines = [
        "| a | – | 1 | 0 | 0 |",
        "| a, isolation full | – | 2 | 0 | 0 |",
        "| ab | – | 3 | 0 | 0 |",
    ]
    assert kept(Trial("a", ()), lines) == lines[:2]


def test_the_rung_of_a_test_is_its_parameter() -> None:
    assert _rung("test_a[full-x]") == "full"
    assert _rung("test_a[x-namespaces]") == "namespaces"
    assert _rung("test_a[none-full]") == "none"
    assert _rung("test_full") == ""
    assert _came_to(ET.fromstring("<testcase><failure/></testcase>")) == "failed"
