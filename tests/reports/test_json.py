"""The JSON report keeps to the schema in the docs, and has everything that was found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.reports.json import render
from tests.reports.examples import EVERY, build_report, verify_report

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "report-schema.md"
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "null": type(None),
}


def schema() -> dict[str, Any]:
    (text,) = re.findall(
        r"^```json\n(\{\n  \"\$schema\".*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    return json.loads(text)  # type: ignore[no-any-return]


def faults(value: Any, rule: dict[str, Any], root: dict[str, Any], where: str = "$") -> list[str]:
    """Return where *value* breaks the part of JSON Schema that the page uses."""
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    kinds = rule.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not isinstance(value, tuple(TYPES[kind] for kind in kinds)):
        return [f"{where}: {type(value).__name__} is none of {kinds}"]
    found = []
    if "enum" in rule and value not in rule["enum"]:
        found.append(f"{where}: {value!r}")
    if "pattern" in rule and isinstance(value, str) and not re.search(rule["pattern"], value):
        found.append(f"{where}: {value!r}")
    if isinstance(value, list):
        for place, one in enumerate(value):
            found += faults(one, rule["items"], root, f"{where}[{place}]")
    if isinstance(value, dict):
        known = rule["properties"]
        found += [f"{where}.{key}: missing" for key in rule["required"] if key not in value]
        found += [f"{where}.{key}: unknown" for key in value if key not in known]
        for key in value.keys() & known.keys():
            found += faults(value[key], known[key], root, f"{where}.{key}")
    return found


@pytest.mark.parametrize("report", EVERY)
def test_a_report_keeps_to_the_schema_in_the_docs(report: object) -> None:
    value = json.loads(render(report()))  # type: ignore[operator]
    hostile = "hostile" in getattr(report, "__name__", "")
    found = faults(value, schema(), schema())
    # A hostile record does not come with an honest version, so that only shapes are judged.
    assert [
        fault for fault in found if not hostile or "missing" in fault or "unknown" in fault
    ] == []


def test_the_check_of_the_schema_finds_faults() -> None:
    value = json.loads(render(verify_report()))
    value["comparisons"][0]["verdict"] = "perfect"
    del value["comparisons"][1]["causes"]
    value["comparisons"][2]["more"] = 1
    assert len(faults(value, schema(), schema())) == 3


def test_comparisons_have_verdict_normalisations_and_causes() -> None:
    one = json.loads(render(verify_report()))["comparisons"][2]
    assert (one["name"], one["version"], one["verdict"]) == ("lxml", "5.2.1", "different")
    assert one["causes"][0] == {
        "variation": "build-path",
        "explanation": "build-path-in-elf",
        "member": "lxml/etree.cpython-311-x86_64-linux-gnu.so",
        "detail": one["differences"][2]["detail"],
    }
    assert one["not_varied"] == [{"variation": "clock", "reason": "libfaketime is not installed"}]


def test_wheels_have_hashes_state_and_record() -> None:
    value = json.loads(render(build_report()))
    assert [one["state"] for one in value["wheels"]] == ["built", "kept", "taken"]
    first = build_report().build.records[0]
    assert value["wheels"][0] == {
        "name": "attrs",
        "version": "1.0",
        "wheel": "attrs-1.0-py3-none-any.whl",
        "sha256": first.wheel.digest.value,
        "content_sha256": first.wheel.content_digest.value,
        "state": "built",
        "record": "attrs-1.0-py3-none-any.whl.provenance.json",
    }
    assert value["failures"][0]["origin"] == {"path": "requirements.txt", "line": 7}
    assert value["left_out"] == [
        {"name": "pywin32", "version": "306", "reason": "its marker does not apply"}
    ]
    assert "comparisons" not in value


def test_a_diff_keeps_its_lines() -> None:
    differences = json.loads(render(verify_report()))["comparisons"][2]["differences"]
    assert differences[1]["diff"].split("\n")[2] == "@@ -1,3 +1,3 @@"


@pytest.mark.parametrize("report", EVERY)
def test_foreign_text_is_inert_and_holds_no_credentials(report: object) -> None:
    text = render(report())  # type: ignore[operator]
    assert text.isascii()
    assert "secret" not in text
    assert not set("\x1b\u202e\x9b\r\ud800") & set(json.dumps(json.loads(text), ensure_ascii=False))
