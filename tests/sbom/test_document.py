"""The SBOM as a whole: valid, connected, and the same for the same records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from amrasaman_nox.sbom.document import Known, render

from . import examples

ONE: list[Known] = [(examples.full(), (examples.SAME,))]
TWO: list[Known] = [*ONE, (examples.full("b"), ())]


def test_the_validator_of_cyclonedx_accepts_it() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for wheels in (ONE, TWO, [(examples.record("c", as_published=True), ())]):
        assert validator.validate_str(render(wheels)) is None


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["bom-ref"]] if "bom-ref" in value else []
        return own + [one for each in value.values() for one in references(each)]
    return [one for each in value for one in references(each)] if isinstance(value, list) else []


def test_references_are_unique_and_all_is_reached_from_the_subject() -> None:
    for wheels in (ONE, TWO):
        content = json.loads(render(wheels))
        found = references(content)
        assert len(found) == len(set(found))
        edges = {one["ref"]: one.get("dependsOn", []) for one in content["dependencies"]}
        waiting, seen = [content["metadata"]["component"]["bom-ref"]], set[str]()
        while waiting:
            seen.add(one := waiting.pop())
            waiting += [each for each in edges.get(one, []) if each not in seen]
        assert {one["bom-ref"] for one in content["components"]} <= seen


def test_its_subject_is_the_wheel_or_the_set_of_wheels() -> None:
    one, two = (json.loads(render(wheels)) for wheels in (ONE, TWO))
    assert one["metadata"]["component"]["purl"].startswith("pkg:pypi/a@1.0")
    assert two["metadata"]["component"]["name"] == "wheels"
    # What both were made with is there once.
    assert len(two["components"]) == len(one["components"]) + 2


def test_time_and_serial_number_follow_from_the_content() -> None:
    content = json.loads(render(ONE))
    assert content["metadata"]["timestamp"] == "2011-06-29T20:23:37+00:00"
    assert content["serialNumber"] != json.loads(render(TWO))["serialNumber"]
    assert "timestamp" not in json.loads(render([(examples.record("c"), ())]))["metadata"]


def test_another_process_writes_the_same_bytes() -> None:
    code = (
        "from amrasaman_nox.sbom.document import render\n"
        "from tests.sbom.examples import SAME, full\n"
        "print(render([(full(), (SAME,)), (full('b'), ())]), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == render(TWO)
