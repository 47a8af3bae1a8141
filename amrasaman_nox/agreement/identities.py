"""Signatures without a key: sigstore certifies an identity, and its log has the signature.

All is verified offline, with the trust root that sigstore's library brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox import extras
from amrasaman_nox.agreement.envelopes import PAYLOAD_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amrasaman_nox.agreement.envelopes import Envelope


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """An identity that sigstore certifies: who *issuer* (an OIDC provider) says that it is."""

    issuer: str
    identity: str

    def __str__(self) -> str:
        return f"{self.identity} ({self.issuer})"


def needs_library() -> None:
    """Check that sigstore's library is installed.

    :raises AsamanError: it is not (exit 4)
    """
    extras.check("identities", "sign", "sigstore.verify")


def is_by(envelope: Envelope, identities: Iterable[Identity]) -> bool:
    """Tell whether one of *identities* signed *envelope*, which must be a sigstore bundle.

    Certificate, signature and the log's promise are verified, and identity and issuer must be
    exactly those of the certificate.
    """
    wanted = tuple(identities)
    if not (wanted and envelope.bundle):
        return False
    from sigstore.errors import Error
    from sigstore.models import Bundle
    from sigstore.verify import Verifier, policy

    rules = [policy.Identity(identity=each.identity, issuer=each.issuer) for each in wanted]
    try:
        bundle = Bundle.from_json(envelope.bundle)
        verifier = Verifier.production(offline=True)
        kind, payload = verifier.verify_dsse(bundle, policy.AnyOf(list(rules)))
    except (Error, ValueError):
        return False
    # What is parsed must be what was verified.
    return kind == PAYLOAD_TYPE and payload == envelope.payload
