"""Keys that sign records: in a PEM file, or behind a command that keeps them; and public keys.

Ed25519 and ECDSA on the NIST curves P-256, P-384 and P-521, through ``securesystemslib``.
"""

from __future__ import annotations

import base64
import binascii
import os
import shlex
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from amrasaman_nox import extras, system
from amrasaman_nox.config.config import COMMAND_KEY
from amrasaman_nox.config.variables import PASSPHRASE
from amrasaman_nox.errors import AsamanError, ExitCode, code_of, system_reason
from amrasaman_nox.files import open_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import Signature, SSlibKey

_LARGEST: Final = 64 << 10
#: Seconds that a command may take for a signature: a person may have to touch a token.
_PATIENCE: Final = 120
#: What a command signs before anything is built, so that one that cannot sign is found in time.
_TRIAL: Final = b"amrasaman-nox: is this key there?"
_KINDS: Final = "an Ed25519 or ECDSA key (P-256, P-384 or P-521) is required"


class SigningKey(Protocol):
    """What signs: a key of ``securesystemslib``, or one that a command has."""

    @property
    def public_key(self) -> SSlibKey:
        """The public half."""

    def sign(self, payload: bytes) -> Signature:
        """Return the signature of *payload*."""


def needs_library() -> None:
    """Check that the libraries for signatures are installed.

    :raises AsamanError: they are not (exit 4)
    """
    extras.check("signatures", "sign", "cryptography", "securesystemslib.signer")


def signing_key(text: str, passphrase: str | None = None) -> SigningKey:
    """Return the key that *text* names: the path of a PEM file, or ``cmd:COMMAND_KEY``.

    :param passphrase: of an encrypted PEM file, ``None`` for none
    :raises AsamanError: the key is missing, of another type, readable by others, or encrypted with
        another passphrase (exit 2); the command fails (exit 5); a library is missing (exit 4)
    """
    needs_library()
    if text.startswith(COMMAND_KEY):
        return _of_command(text)
    return _of_file(Path(text), passphrase)


def public_key(pem: bytes, what: str) -> SSlibKey:
    """Return the public key in *pem* (SubjectPublicKeyInfo).

    :param what: what messages call it
    :raises AsamanError: it is no public key, or of another type (exit 2)
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    if b"PRIVATE KEY" in pem:
        raise AsamanError(what, "a private key: only the public one belongs here")
    try:
        found = load_pem_public_key(pem)
        key = SSlibKey.from_crypto(found)
    except Exception:  # what is not supported has several types
        raise AsamanError(what, f"not a public key in PEM: {_KINDS}") from None
    if key.keytype not in ("ed25519", "ecdsa"):
        raise AsamanError(what, f"a key of the type {key.keytype}: {_KINDS}")
    return key


def public_pem(key: SSlibKey) -> str:
    """Return *key* as PEM (SubjectPublicKeyInfo), as a policy has it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    value = str(key.keyval["public"])
    if key.keytype != "ed25519":
        return value
    found = Ed25519PublicKey.from_public_bytes(bytes.fromhex(value))
    return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_private_key(passphrase: str | None) -> bytes:
    """Return a new Ed25519 key as PEM (PKCS #8), encrypted if there is a *passphrase*.

    :raises AsamanError: a library is missing (exit 4)
    """
    needs_library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


# --- a file ----------------------------------------------------------------------------------


def _of_file(path: Path, passphrase: str | None) -> SigningKey:
    from securesystemslib.signer import CryptoSigner

    what = f"key {path}"
    pem = _read_private(path, what)
    if b"-----BEGIN PUBLIC KEY-----" in pem:
        raise AsamanError(what, "a public key: the private one is required to sign")
    private = _loaded(pem, what, passphrase)
    try:
        signer = CryptoSigner(private)
    except ValueError:
        raise AsamanError(what, f"of another type: {_KINDS}") from None
    if signer.public_key.keytype not in ("ed25519", "ecdsa"):
        kind = signer.public_key.keytype
        raise AsamanError(what, f"of the type {kind}: {_KINDS}", hint="make one: asaman keygen")
    return signer


def _read_private(path: Path, what: str) -> bytes:
    try:
        with open_regular(path) as file:
            _check_private(os.fstat(file.fileno()), path, what)
            content = file.read(_LARGEST + 1)
    except OSError as error:
        hint = "" if path.exists() else f"make one: asaman keygen {shlex.quote(str(path))}"
        raise AsamanError(what, system_reason(error), hint=hint, code=code_of(error)) from None
    if len(content) > _LARGEST:
        raise AsamanError(what, f"longer than {_LARGEST} bytes")
    return content


def _check_private(facts: os.stat_result, path: Path, what: str) -> None:
    """Check that nobody but the caller can have read the key, and root."""
    if not system.HAS_OWNERS:
        return
    if facts.st_uid not in {system.user(), 0}:
        raise AsamanError(what, f"another user owns it (UID {facts.st_uid})")
    if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        why = f"others can read it (mode {stat.S_IMODE(facts.st_mode):04o})"
        hint = f"chmod 600 {shlex.quote(str(path))}; if others have read it, make a new key"
        raise AsamanError(what, why, hint=hint)


def _loaded(pem: bytes, what: str, passphrase: str | None) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = b"ENCRYPTED" in pem
    if encrypted and not passphrase:
        hint = f"give its passphrase in the variable {PASSPHRASE}"
        raise AsamanError(what, "encrypted, and there is no passphrase", hint=hint)
    password = passphrase.encode() if encrypted and passphrase else None
    try:
        return load_pem_private_key(pem, password)
    except UnsupportedAlgorithm:
        raise AsamanError(what, f"of another type: {_KINDS}") from None
    except (ValueError, TypeError):
        why = f"not a private key in PEM: {_KINDS}"
        if encrypted:
            why = f"the passphrase in {PASSPHRASE} does not open it"
        raise AsamanError(what, why) from None


# --- a command -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A key that only a command has, such as one of a token, of an agent or of a cloud service.

    ``COMMAND public`` prints the public key in PEM. ``COMMAND sign`` reads the bytes to sign from
    its standard input and prints the signature, as it is or in base64: 64 bytes for Ed25519, DER
    for ECDSA with the hash that goes with the curve (SHA-256, SHA-384, SHA-512).
    """

    words: tuple[str, ...]
    public_key: SSlibKey

    def sign(self, payload: bytes) -> Signature:
        """Return the signature of *payload*; it is checked, since the command is not ours.

        :raises AsamanError: the command fails, or prints no signature of this key (exit 5)
        """
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature

        printed = _run(self.words, "sign", payload)
        for found in (printed, _of_base64(printed)):
            signature = Signature(self.public_key.keyid, found.hex())
            try:
                self.public_key.verify_signature(signature, payload)
            except UnverifiedSignatureError:
                continue
            return signature
        raise _fault(self.words, "what it printed is not a signature of its public key")


def _of_command(text: str) -> CommandKey:
    try:
        words = tuple(shlex.split(text.removeprefix(COMMAND_KEY)))
    except ValueError as error:
        raise AsamanError(f"key {text}", f"not a command: {error}") from None
    if not words:
        raise AsamanError(f"key {text}", "a command is required, such as cmd:./kms-key")
    pem = _run(words, "public", b"")
    key = CommandKey(words, public_key(pem, f"public key of {shlex.join(words)}"))
    key.sign(_TRIAL)
    return key


def _run(words: tuple[str, ...], verb: str, payload: bytes) -> bytes:
    try:
        done = subprocess.run(
            [*words, verb], input=payload, capture_output=True, timeout=_PATIENCE, check=False
        )
    except OSError as error:
        why = f"{words[0]}: {system_reason(error)}"
        raise AsamanError(f"key command {shlex.join(words)}", why) from None
    except subprocess.TimeoutExpired:
        raise _fault(words, f"{verb}: no answer in {_PATIENCE} seconds") from None
    if done.returncode or len(done.stdout) > _LARGEST:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _fault(words, f"{verb}: exit code {done.returncode}: {said[-1] if said else ''}")
    return done.stdout


def _of_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def _fault(words: tuple[str, ...], why: str) -> AsamanError:
    what = f"key command {shlex.join(words)}"
    return AsamanError(what, why, code=ExitCode.INPUT_OUTPUT)
