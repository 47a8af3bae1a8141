"""Who published a file, by a provenance object that an index served (recorded)."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.agreement.publishers import check_library, publisher_of
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, Publisher

pytestmark = pytest.mark.filterwarnings("default")

NAME = "pypi_attestations-0.0.19.tar.gz"
CONTENT = (Path(__file__).parent / f"recorded/{NAME}.provenance").read_bytes()
DIGEST = Digest(
    algorithm="sha256", value="9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3"
)


def test_repository_workflow_and_commit_are_those_of_the_certificate() -> None:
    assert publisher_of(CONTENT, NAME, DIGEST) == Publisher(
        kind="GitHub",
        repository="trailofbits/pypi-attestations",
        workflow="release.yml",
        commit="08802efe1f8e5fec4ad842d6b8ce97656092ee72",
    )


def changed(**changes: Any) -> bytes:
    document = json.loads(CONTENT)
    bundle = document["attestation_bundles"][0]
    bundle["publisher"] |= changes.pop("publisher", {})
    bundle["attestations"][0]["envelope"] |= changes.pop("envelope", {})
    return json.dumps({**document, **changes}).encode()


STATEMENT = base64.b64encode(
    json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": NAME, "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://docs.pypi.org/attestations/publish/v1",
            "predicate": None,
        }
    ).encode()
).decode()


@pytest.mark.parametrize(
    ("content", "name", "digest"),
    [
        (CONTENT, NAME, Digest.of(b"other")),
        (CONTENT, "pypi_attestations-0.0.20.tar.gz", DIGEST),
        (CONTENT, "no file name", DIGEST),
        (changed(publisher={"repository": "somebody/else"}), NAME, DIGEST),
        (changed(publisher={"workflow": "other.yml"}), NAME, DIGEST),
        (changed(publisher={"kind": "Unknown"}), NAME, DIGEST),
        (changed(envelope={"statement": STATEMENT}), NAME, Digest.of(b"other")),
        (changed(attestation_bundles=[]), NAME, DIGEST),
        (b"[" * 100_000, NAME, DIGEST),
        (b"<html>", NAME, DIGEST),
        (b"", NAME, DIGEST),
    ],
    ids=range(11),
)
def test_what_is_not_of_this_file_or_of_this_publisher_is_refused(
    content: bytes, name: str, digest: Digest
) -> None:
    with pytest.raises(AsamanError) as caught:
        publisher_of(content, name, digest)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert caught.value.lines()[0].startswith(f"error: attestation of {name}: ")


def test_without_the_library_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypi_attestations", None)
    with pytest.raises(AsamanError) as caught:
        check_library()
    assert caught.value.hint == "install it: pip install 'amrasaman-nox[sign]'"
