"""Who published a source: in the record, in a note, or why its pin fails."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.model import Publisher
from amrasaman_nox.runs.published_by import notes

from ..reports.examples import record
from ..support import miniatures

if TYPE_CHECKING:
    from ..support.bench import Bench

OF_ANOTHER_FILE = next((Path(__file__).parents[1] / "agreement/recorded").iterdir()).read_bytes()
WHO = Publisher(kind="GitHub", repository="o/r", workflow="w.yml", commit="c0ffee")


@pytest.mark.sandbox
def test_an_attestation_of_another_file_fails_its_pin_alone(cold: Bench) -> None:
    assert cold.index is not None
    cold.index.files["mini_flit-1.0.tar.gz"].provenance = OF_ANOTHER_FILE
    cold.write(*miniatures.pins("mini-flit", "mini-legacy"))
    done = cold.asaman("-r", "requirements.txt", "--attestations")
    assert done.returncode == 4, done.stderr
    assert "attestation of mini_flit-1.0.tar.gz: " in done.stderr
    assert "subject does not match distribution name" in done.stderr
    assert [name.partition("-")[0] for name in cold.hashes()] == ["mini_legacy"]
    assert "mini-legacy==1.0: no attestation says who published mini_legacy" in done.stdout


def test_a_record_says_who_published_its_source() -> None:
    told = dataclasses.replace(record("a"), publisher=WHO)
    text = records.render(told)
    assert records.parse(text.encode(), "a").publisher == WHO
    assert "publisher" not in records.render(record("a"))


def test_an_unknown_publisher_is_said_only_if_that_was_asked() -> None:
    found = [record("a"), dataclasses.replace(record("b"), publisher=WHO)]
    known = "b==1.0: b-1.0.tar.gz was published by GitHub o/r, w.yml, commit c0ffee"
    assert list(notes(found, asked=False)) == [known]
    unknown = "a==1.0: no attestation says who published a-1.0.tar.gz"
    assert list(notes(found, asked=True)) == [unknown, known]
