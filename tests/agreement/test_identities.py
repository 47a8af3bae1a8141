"""Identities, by a bundle of a release that sigstore certified (recorded)."""

from __future__ import annotations

import base64
import dataclasses
import json
import sys
from typing import TYPE_CHECKING

import pytest
from pypi_attestations import Provenance

from amrasaman_nox.agreement import envelopes, identities
from amrasaman_nox.agreement.identities import Identity
from amrasaman_nox.errors import AsamanError

from .test_publishers import CONTENT

if TYPE_CHECKING:
    from amrasaman_nox.agreement.envelopes import Envelope

pytestmark = pytest.mark.filterwarnings("default")

IDENTITY = Identity(
    issuer="https://token.actions.githubusercontent.com",
    identity="https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml"
    "@refs/tags/v0.0.19",
)


def line() -> bytes:
    """Return the recorded attestation as the sigstore bundle that it was made from."""
    found = Provenance.model_validate_json(CONTENT).attestation_bundles[0].attestations[0]
    return found.to_bundle().to_json().encode()


def bundle() -> Envelope:
    return envelopes.parse(line())


def test_the_identity_in_the_certificate_signed_the_bundle() -> None:
    assert identities.is_by(bundle(), [IDENTITY])
    other = dataclasses.replace(IDENTITY, identity="https://github.com/x")
    assert identities.is_by(bundle(), [other, IDENTITY])


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(IDENTITY, identity=IDENTITY.identity.replace("v0.0.19", "v0.0.20")),
        dataclasses.replace(IDENTITY, identity=IDENTITY.identity.removesuffix("9")),
        dataclasses.replace(IDENTITY, issuer="https://accounts.google.com"),
    ],
)
def test_another_identity_did_not(other: Identity) -> None:
    assert not identities.is_by(bundle(), [other])


def test_a_changed_payload_is_not_signed() -> None:
    document = json.loads(line())
    payload = base64.b64decode(document["dsseEnvelope"]["payload"])
    changed = payload.replace(b"0.0.19", b"0.0.18")
    document["dsseEnvelope"]["payload"] = base64.b64encode(changed).decode()
    assert not identities.is_by(envelopes.parse(json.dumps(document).encode()), [IDENTITY])
    # What is parsed is what was verified.
    assert not identities.is_by(dataclasses.replace(bundle(), payload=changed), [IDENTITY])


@pytest.mark.parametrize("part", ["tlogEntries", "certificate"])
def test_a_bundle_without_its_log_or_its_certificate_is_not_signed(part: str) -> None:
    document = json.loads(line())
    del document["verificationMaterial"][part]
    assert not identities.is_by(envelopes.parse(json.dumps(document).encode()), [IDENTITY])


def test_an_envelope_without_a_bundle_has_no_identity() -> None:
    assert not identities.is_by(dataclasses.replace(bundle(), bundle=b""), [IDENTITY])
    assert not identities.is_by(bundle(), [])


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.verify", None)
    with pytest.raises(AsamanError, match="is not installed") as raised:
        identities.needs_library()
    assert "amrasaman-nox[sign]" in raised.value.hint
