"""Keys: what is accepted, and the one line for everything else."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from securesystemslib.signer import CryptoSigner

from amrasaman_nox.agreement import keys
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def pem_of(key: PrivateKeyTypes, passphrase: str = "") -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def public_of(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def put(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


ED25519 = ed25519.Ed25519PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())
GOOD = {
    "ed25519": ED25519,
    "p256": P256,
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_key_signs_what_its_public_half_verifies(kind: str, tmp_path: Path) -> None:
    key = keys.signing_key(str(put(tmp_path / "k.pem", pem_of(GOOD[kind]))))
    public = keys.public_key(public_of(GOOD[kind]), "k.pub")
    assert public == key.public_key
    public.verify_signature(key.sign(b"text"), b"text")
    assert keys.public_key(keys.public_pem(public).encode(), "again") == public


BAD = {
    "rsa": (pem_of(rsa.generate_private_key(65537, 1024)), "of the type rsa"),
    "another curve": (pem_of(ec.generate_private_key(ec.SECP256K1())), "of another type"),
    "a public key": (public_of(ED25519), "the private one is required"),
    "no PEM": (b"words", "not a private key in PEM"),
    "a broken PEM": (pem_of(ED25519)[:60], "not a private key in PEM"),
    "nothing": (b"", "not a private key in PEM"),
    "too long": (b"-" * (1 << 17), "longer than"),
    "encrypted": (pem_of(ED25519, "secret"), "encrypted, and there is no passphrase"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_key_that_signs_is_one_line(kind: str, tmp_path: Path) -> None:
    content, why = BAD[kind]
    path = put(tmp_path / "k.pem", content)
    with pytest.raises(AsamanError, match=why) as raised:
        keys.signing_key(str(path))
    assert raised.value.what == f"key {path}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = put(tmp_path / "k.pem", pem_of(ED25519), mode)
    with pytest.raises(AsamanError, match=rf"others can read it \(mode 0{mode:o}\)") as raised:
        keys.signing_key(str(path))
    assert "chmod 600" in raised.value.hint


def test_a_key_that_is_missing_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="No such file") as raised:
        keys.signing_key(str(tmp_path / "k.pem"))
    assert "asaman keygen" in raised.value.hint
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "."):
        with pytest.raises(AsamanError, match="Not a regular file"):
            keys.signing_key(str(tmp_path / name))


def test_an_encrypted_key_is_opened_by_its_passphrase_alone(tmp_path: Path) -> None:
    path = str(put(tmp_path / "k.pem", pem_of(ED25519, "secret")))
    assert keys.signing_key(path, "secret").public_key.keytype == "ed25519"
    with pytest.raises(AsamanError, match="does not open it") as raised:
        keys.signing_key(path, "guess")
    assert "guess" not in str(raised.value)


def test_a_passphrase_that_is_not_needed_does_no_harm(tmp_path: Path) -> None:
    path = put(tmp_path / "k.pem", pem_of(P256))
    assert keys.signing_key(str(path), "secret").public_key.keytype == "ecdsa"


@pytest.mark.parametrize(
    "pem", [pem_of(ED25519), public_of(rsa.generate_private_key(65537, 1024)), b"x", b""]
)
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(AsamanError, match="key"):
        keys.public_key(pem, "k.pub")


# --- a command -------------------------------------------------------------------------------

AGENT = """
import base64, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
key = serialization.load_pem_private_key(open({pem!r}, "rb").read(), None)
if sys.argv[1] == "public":
    kinds = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    sys.stdout.buffer.write(key.public_key().public_bytes(*kinds))
else:
    data = sys.stdin.buffer.read()
    ecdsa = [ec.ECDSA(hashes.SHA256())] if isinstance(key, ec.EllipticCurvePrivateKey) else []
    sys.stdout.buffer.write({encode}(key.sign(data, *ecdsa)))
"""


@pytest.mark.parametrize(
    ("key", "encode"), [(ED25519, "bytes"), (ED25519, "base64.encodebytes"), (P256, "bytes")]
)
def test_a_command_signs(key: PrivateKeyTypes, encode: str, tmp_path: Path) -> None:
    pem = put(tmp_path / "k.pem", pem_of(key))
    agent = put(tmp_path / "agent.py", AGENT.format(pem=str(pem), encode=encode).encode())
    found = keys.signing_key(f"cmd:{sys.executable} {agent}")
    assert found.public_key == CryptoSigner(key).public_key
    found.public_key.verify_signature(found.sign(b"text"), b"text")


PUBLIC = public_of(ED25519).decode()
COMMANDS = {
    "none": ("cmd:", "a command is required"),
    "no words": ("cmd:'", "not a command"),
    "missing": ("cmd:/no/such/agent", "No such file"),
    "fails": ("cmd:sh -c 'echo token is locked >&2; exit 3'", "exit code 3: token is locked"),
    "no key": ("cmd:echo hello", "not a public key in PEM"),
    "another signature": (f"cmd:sh -c 'echo \"{PUBLIC}\"'", "is not a signature of its public key"),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_that_cannot_sign_is_found_before_anything_is_signed(kind: str) -> None:
    text, why = COMMANDS[kind]
    with pytest.raises(AsamanError, match=why):
        keys.signing_key(text)


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    with pytest.raises(AsamanError, match="is not installed") as raised:
        keys.signing_key("k.pem")
    assert "amrasaman-nox[sign]" in raised.value.hint
