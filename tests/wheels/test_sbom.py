"""The one form of an SBOM of a Rust build."""

from __future__ import annotations

import json
from typing import Any

import pytest

from amrasaman_nox.wheels.sbom import canonical_sbom, is_sbom


def sbom(**facts: Any) -> bytes:
    content = {"bomFormat": "CycloneDX", "specVersion": "1.5", **facts}
    return json.dumps(content, indent=2).encode()


def component(folder: str) -> dict[str, Any]:
    return {"metadata": {"component": {"bom-ref": f"path+file://{folder}#demo@1.0"}}}


@pytest.mark.parametrize("folder", ["/build/source", "/build/other place", "/home/me/.cache/a.b"])
def test_the_folder_of_the_build_becomes_the_constant_one(folder: str) -> None:
    assert canonical_sbom(sbom(**component(folder)), folder) == sbom(**component("/build/source"))


def test_a_folder_that_only_begins_like_that_of_the_build_stays() -> None:
    content = sbom(**component("/build/other-one"))
    assert canonical_sbom(content, "/build/other") == content


def test_random_serial_numbers_and_times_lead_to_the_same_bytes() -> None:
    one = sbom(serialNumber="urn:uuid:1", metadata={"timestamp": "2026-01-01T00:00:00Z"})
    other = sbom(serialNumber="urn:uuid:2", metadata={"timestamp": "2027-01-01T00:00:00Z"})
    settled = canonical_sbom(one, "/build/source")
    assert settled == canonical_sbom(other, "/build/source")
    assert json.loads(settled)["serialNumber"].startswith("urn:uuid:")
    assert "timestamp" not in json.loads(settled)["metadata"]


def test_other_content_leads_to_another_serial_number() -> None:
    numbers = {
        json.loads(canonical_sbom(sbom(serialNumber="x", version=v), ""))["serialNumber"]
        for v in (1, 2)
    }
    assert len(numbers) == 2


def test_a_canonical_sbom_comes_out_as_it_went_in() -> None:
    once = canonical_sbom(sbom(serialNumber="x", **component("/a")), "/a")
    assert canonical_sbom(once, "/a") == once


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"bomFormat": "SPDX"}'])
def test_what_is_no_cyclonedx_document_stays_as_it_is(content: bytes) -> None:
    assert canonical_sbom(content, "/build/source") == content


def test_a_document_that_is_too_deep_stays_as_it_is() -> None:
    content = b"[" * 200_000
    assert canonical_sbom(content, "/build/source") == content


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("demo-1.0.dist-info/sboms/demo.cyclonedx.json", True),
        ("demo-1.0.dist-info/sboms/demo.spdx.json", False),
        ("demo-1.0.dist-info/demo.cyclonedx.json", False),
        ("demo/sboms/demo.cyclonedx.json", False),
        ("a/demo-1.0.dist-info/sboms/demo.cyclonedx.json", False),
    ],
)
def test_only_cyclonedx_documents_of_the_wheel_itself_are_meant(name: str, found: bool) -> None:
    assert is_sbom(name) is found
