from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement import envelopes
from amrasaman_nox.agreement.identities import Identity
from amrasaman_nox.agreement.seals import IdentitySeal, KeySeal, configured
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode

from ..support.rebuilders import rebuilder
from .test_identities import IDENTITY, bundle

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("default")


def test_a_key_knows_its_own_envelopes(tmp_path: Path) -> None:
    own, other = rebuilder(tmp_path, "a"), rebuilder(tmp_path, "b")
    seal = configured(Config(key=str(own.pem)))
    assert seal is not None
    envelope = envelopes.parse(seal.sealed(b"{}").encode())
    assert seal.made(envelope)
    assert not KeySeal(other.key).made(envelope)
    assert seal.name.startswith("the ed25519 key ")


def test_an_identity_knows_its_own_bundles() -> None:
    assert IdentitySeal(IDENTITY).made(bundle())
    other = Identity(issuer=IDENTITY.issuer, identity=f"{IDENTITY.identity}x")
    assert not IdentitySeal(other).made(bundle())


def test_nothing_signs_where_nothing_is_asked_for() -> None:
    assert configured(Config()) is None


def test_where_no_service_gives_an_identity_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "BUILDKITE", "SIGSTORE_ID_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AsamanError, match="no OIDC identity here") as raised:
        configured(Config(identity=True))
    assert raised.value.code is ExitCode.NOT_AVAILABLE
    assert "id-token: write" in raised.value.hint


def test_a_workflow_that_may_not_ask_for_an_identity_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", raising=False)
    with pytest.raises(AsamanError, match="--identity: not usable"):
        configured(Config(identity=True))
