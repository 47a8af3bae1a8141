"""What signs statements: a key, or an identity that sigstore certifies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.agreement import envelopes, identities, keys
from amrasaman_nox.agreement.identities import Identity
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from amrasaman_nox.agreement.envelopes import Envelope, Seal
    from amrasaman_nox.agreement.keys import SigningKey
    from amrasaman_nox.config.config import Config

_NO_IDENTITY: Final = "no OIDC identity here: a CI service gives one to a workflow that asks for it"
_HINT: Final = "GitHub: permissions: id-token: write; elsewhere sign with --key FILE"


@dataclass(frozen=True, slots=True)
class KeySeal:
    """Signs with a key."""

    key: SigningKey

    @property
    def name(self) -> str:
        """The type and the beginning of the ID of the key."""
        return f"the {self.key.public_key.keytype} key {self.key.public_key.keyid[:16]}…"

    def sealed(self, payload: bytes) -> str:
        """Return the DSSE envelope of *payload*."""
        return envelopes.sealed(payload, self.key)

    def made(self, envelope: Envelope) -> bool:
        """Tell whether the key signed *envelope*."""
        return bool(envelope.verified_by([self.key.public_key]))


@dataclass(frozen=True, slots=True)
class IdentitySeal:
    """Signs as the workflow that this runs in: Fulcio certifies it, Rekor logs the signature."""

    identity: Identity

    @property
    def name(self) -> str:
        """The identity and its issuer."""
        return f"the identity {self.identity}"

    def sealed(self, payload: bytes) -> str:
        """Return the sigstore bundle of *payload*; that asks sigstore's public services."""
        from sigstore.dsse import Statement
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import IdentityToken
        from sigstore.sign import SigningContext

        try:
            # A token is valid for minutes, and builds take hours.
            token = IdentityToken(_token())
            context = SigningContext.from_trust_config(ClientTrustConfig.production())
            with context.signer(token) as signer:
                return signer.sign_dsse(Statement(payload)).to_json()
        except (Error, OSError, ValueError) as error:
            why = _first_line(error) or type(error).__name__
            raise AsamanError("sigstore", why, code=ExitCode.INPUT_OUTPUT) from None

    def made(self, envelope: Envelope) -> bool:
        """Tell whether the identity signed *envelope*."""
        return identities.is_by(envelope, [self.identity])


def configured(config: Config) -> Seal | None:
    """Return what signs as *config* says, ``None`` for nothing; it is tried or checked.

    :raises AsamanError: the key cannot be used, or there is no identity
    """
    if config.identity:
        return _of_identity()
    if config.key is None:
        return None
    return KeySeal(keys.signing_key(config.key, config.passphrase))


def _of_identity() -> IdentitySeal:
    keys.needs_library()
    identities.needs_library()
    from sigstore.errors import Error
    from sigstore.oidc import IdentityToken

    try:
        token = IdentityToken(_token())
    except (Error, ValueError) as error:
        raise _not_usable(error) from None
    return IdentitySeal(Identity(issuer=token.federated_issuer, identity=token.identity))


def _not_usable(error: Exception) -> AsamanError:
    return AsamanError("--identity", f"not usable: {_first_line(error)}", hint=_HINT)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _token() -> str:
    from sigstore.oidc import IdentityError, detect_credential

    try:
        found = detect_credential()
    except IdentityError as error:
        raise _not_usable(error) from None
    if found is None:
        raise AsamanError("--identity", _NO_IDENTITY, hint=_HINT, code=ExitCode.NOT_AVAILABLE)
    return found
