"""Signed statements: DSSE envelopes, one to a line (in-toto bundle, ``NAME.intoto.jsonl``).

Nothing of an envelope is trusted before its signature was verified: its ``keyid`` is a hint that
nobody signed, and what was signed is parsed from the very bytes that were verified.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from amrasaman_nox import strict_json
from amrasaman_nox.errors import AsamanError, code_of, system_reason
from amrasaman_nox.files import copy_in_place, open_regular
from amrasaman_nox.strict_json import Malformed, Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from securesystemslib.signer import SSlibKey

    from amrasaman_nox.agreement.keys import SigningKey


class Seal(Protocol):
    """What makes envelopes, and knows its own."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def sealed(self, payload: bytes) -> str:
        """Return the envelope of an in-toto statement as a line without its end.

        :raises AsamanError: it cannot be signed
        """

    def made(self, envelope: Envelope) -> bool:
        """Tell whether this signed *envelope*."""


#: What is behind the name of a wheel.
SUFFIX: Final = ".intoto.jsonl"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
#: The most bytes of a file of envelopes, and the most envelopes in it.
LARGEST: Final = 32 << 20
_MOST_LINES: Final = 100
_MOST_SIGNATURES: Final = 20
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A DSSE envelope: the bytes that were signed, their type, and signatures of nobody yet.

    ``bundle`` is the whole line where it is a sigstore bundle, which has a certificate as well.
    """

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]
    bundle: bytes = b""

    @property
    def signed(self) -> bytes:
        """What the signatures are of (DSSE pre-authentication encoding)."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)

    def verified_by(self, keys: Iterable[SSlibKey]) -> tuple[SSlibKey, ...]:
        """Return those of *keys* that made one of the signatures, each once."""
        return tuple(key for key in dict.fromkeys(keys) if self._is_by(key))

    def _is_by(self, key: SSlibKey) -> bool:
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature

        for found in self.signatures:
            try:
                key.verify_signature(Signature(key.keyid, found.hex()), self.signed)
            except UnverifiedSignatureError:
                continue
            return True
        return False


def sealed(payload: bytes, key: SigningKey) -> str:
    """Return the envelope of an in-toto statement, signed with *key*, as a line without its end."""
    from securesystemslib.dsse import Envelope as Dsse

    envelope = Dsse(payload, PAYLOAD_TYPE, {})
    signature = key.sign(envelope.pae())
    envelope.signatures[signature.keyid] = signature
    return json.dumps(envelope.to_dict(), sort_keys=True, separators=(",", ":"))


def parse(line: bytes) -> Envelope:
    """Return the envelope in *line*: a DSSE envelope, or a sigstore bundle that has one.

    :raises Malformed: it is neither, or its payload is no in-toto statement
    """
    document = strict_json.parse(line)
    inner = document.get("dsseEnvelope")
    found = document if inner is None else inner
    kind = found["payloadType"].text()
    if kind != PAYLOAD_TYPE:
        raise Malformed(f"its type is {kind[:80]}, not {PAYLOAD_TYPE}")
    signatures = found["signatures"].items()
    if not 1 <= len(signatures) <= _MOST_SIGNATURES:
        raise Malformed(f"1 to {_MOST_SIGNATURES} signatures are required, not {len(signatures)}")
    return Envelope(
        payload=_decoded(found["payload"]),
        payload_type=kind,
        signatures=tuple(_decoded(each["sig"]) for each in signatures),
        bundle=b"" if inner is None else line,
    )


def beside(wheel: Path) -> Path:
    """Return the path of the envelopes for *wheel*."""
    return wheel.with_name(f"{wheel.name}{SUFFIX}")


def read_file(path: Path) -> bytes:
    """Return the content of a file of envelopes, a regular file of at most 32 MiB.

    :raises AsamanError: it cannot be read, or is larger (exit 2 or 5)
    """
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise AsamanError(str(path), system_reason(error), code=code_of(error)) from None
    if len(content) > LARGEST:
        raise AsamanError(str(path), f"larger than {LARGEST >> 20} MiB")
    return content


def lines_of(content: bytes, what: str) -> tuple[bytes, ...]:
    """Return the lines of a file of envelopes.

    :param what: the file or URL, for messages
    :raises AsamanError: it has none, or too many (exit 2)
    """
    lines = tuple(line for line in content.split(b"\n") if line.strip())
    if not lines:
        raise AsamanError(what, "it has no signature")
    if len(lines) > _MOST_LINES:
        raise AsamanError(what, f"more than {_MOST_LINES} signatures")
    return lines


def put(path: Path, payload: bytes, seal: Seal) -> bool:
    """Put *payload*, signed with *seal*, into a file of envelopes; return whether that changed it.

    An earlier line that *seal* made goes; one of the same statement stays as it is.

    :raises AsamanError: the file holds something else than envelopes (exit 2), or it cannot be
        signed
    :raises OSError: it cannot be read or written
    """
    former = lines_of(read_file(path), str(path)) if path.exists() else ()
    kept = []
    for number, each in enumerate(former, 1):
        try:
            envelope = parse(each)
        except Malformed as malformed:
            raise AsamanError(f"{path} line {number}", str(malformed)) from None
        if not seal.made(envelope):
            kept.append(each)
        elif envelope.payload == payload:
            return False
    text = b"".join(each + b"\n" for each in (*kept, seal.sealed(payload).encode()))
    copy_in_place(io.BytesIO(text), path, None)
    return True


def _decoded(value: Value) -> bytes:
    """Return what a text in either alphabet of base64 is of (RFC 4648)."""
    text = value.text()
    try:
        if not _BASE64.fullmatch(text):
            raise binascii.Error
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise value.malformed("not base64") from None
