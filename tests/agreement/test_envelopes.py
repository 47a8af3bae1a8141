"""DSSE envelopes: others' verifiers accept ours, and what is no envelope is refused."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from in_toto.models.metadata import Envelope as InTotoEnvelope
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope as Dsse

from amrasaman_nox import records
from amrasaman_nox.agreement import envelopes
from amrasaman_nox.agreement.seals import KeySeal
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.strict_json import Malformed

from ..support.rebuilders import rebuilder, record

if TYPE_CHECKING:
    from pathlib import Path

TEXT = records.render(record()).encode()


def test_verifiers_of_others_accept_ours(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    line = own.signs().read_text()
    public = own.key.public_key
    for kind in (Dsse, InTotoEnvelope):
        envelope = kind.from_dict(json.loads(line))
        assert envelope.verify([public], 1) == {public.keyid: public}
    found = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(found).validate()
    assert found.subject[0].name == "six-1.0-py3-none-any.whl"


def test_what_others_sign_is_verified(tmp_path: Path) -> None:
    own, other = rebuilder(tmp_path, "a"), rebuilder(tmp_path, "b")
    envelope = Dsse(TEXT, envelopes.PAYLOAD_TYPE, {})
    envelope.sign(own.key)  # type: ignore[arg-type]
    envelope.sign(other.key)  # type: ignore[arg-type]
    found = envelopes.parse(json.dumps(envelope.to_dict()).encode())
    both = (own.key.public_key, other.key.public_key)
    assert found.payload == TEXT
    assert found.verified_by(both) == both
    assert found.verified_by([*both, *both]) == both


def test_the_key_id_is_a_hint_and_nothing_else(tmp_path: Path) -> None:
    own, other = rebuilder(tmp_path, "a"), rebuilder(tmp_path, "b")
    document = json.loads(envelopes.sealed(TEXT, own.key))
    for keyid in (other.key.public_key.keyid, "", "x"):
        document["signatures"][0]["keyid"] = keyid
        found = envelopes.parse(json.dumps(document).encode())
        keys = (other.key.public_key, own.key.public_key)
        assert found.verified_by(keys) == (own.key.public_key,)
    del document["signatures"][0]["keyid"]
    found = envelopes.parse(json.dumps(document).encode())
    assert found.verified_by([own.key.public_key]) == (own.key.public_key,)


def test_both_alphabets_of_base64_are_read(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    document = json.loads(envelopes.sealed(b"\xff\xfe\xfb" + TEXT, own.key))
    for name in ("payload",):
        document[name] = base64.urlsafe_b64encode(base64.b64decode(document[name])).decode()
    assert "_" in document["payload"]
    found = envelopes.parse(json.dumps(document).encode())
    assert found.verified_by([own.key.public_key])


@pytest.mark.parametrize("part", ["payload", "payload_type", "signatures"])
def test_a_change_anywhere_is_no_signature(part: str, tmp_path: Path) -> None:
    import dataclasses

    own = rebuilder(tmp_path, "a")
    found = envelopes.parse(envelopes.sealed(TEXT, own.key).encode())
    assert found.verified_by([own.key.public_key])
    changed: dict[str, Any] = {
        "payload": TEXT.replace(b"six", b"sip"),
        "payload_type": "application/json",
        "signatures": (bytes(64), b"", b"\0" * 1000),
    }
    other = dataclasses.replace(found, **{part: changed[part]})
    assert other.verified_by([own.key.public_key]) == ()


def altered(**changes: Any) -> bytes:
    document = {
        "payload": base64.b64encode(TEXT).decode(),
        "payloadType": envelopes.PAYLOAD_TYPE,
        "signatures": [{"keyid": "k", "sig": "AAAA"}],
    }
    return json.dumps({**document, **changes}).encode()


BAD = {
    "no JSON": b"{",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "a key twice": b'{"payload": "", "payload": ""}',
    "another type": altered(payloadType="application/vnd.in-toto+JSON"),
    "no type": altered(payloadType=None),
    "no base64": altered(payload="%%%"),
    "bad padding": altered(payload="AAA"),
    "blanks in base64": altered(payload="AA AA"),
    "no text": altered(payload=7),
    "no signature": altered(signatures=[]),
    "signatures of another kind": altered(signatures={"sig": "AAAA"}),
    "a signature without text": altered(signatures=[{"keyid": "k"}]),
    "many signatures": altered(signatures=[{"sig": "AAAA"}] * 21),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_envelope_is_refused(kind: str) -> None:
    with pytest.raises(Malformed):
        envelopes.parse(BAD[kind])


def test_a_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "f.intoto.jsonl"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(AsamanError, match="larger than 32 MiB"):
        envelopes.read_file(path)
    with pytest.raises(AsamanError, match="more than 100 signatures"):
        envelopes.lines_of(b"{}\n" * 101, "f")
    with pytest.raises(AsamanError, match="has no signature"):
        envelopes.lines_of(b"\n \n", "f")


def test_one_line_a_key_is_kept(tmp_path: Path) -> None:
    own, other = rebuilder(tmp_path, "a"), rebuilder(tmp_path, "b")
    path = tmp_path / "f.intoto.jsonl"
    for each in (own, other):
        assert envelopes.put(path, TEXT, KeySeal(each.key))
    before = path.read_bytes()
    assert not envelopes.put(path, TEXT, KeySeal(own.key))
    assert path.read_bytes() == before
    newer = TEXT.replace(b'"k"', b'"l"')
    assert envelopes.put(path, newer, KeySeal(own.key))
    lines = [envelopes.parse(line) for line in path.read_bytes().splitlines()]
    assert [each.payload for each in lines] == [TEXT, newer]


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    path = tmp_path / "f.intoto.jsonl"
    path.write_text("mine\n")
    with pytest.raises(AsamanError, match=r"f\.intoto\.jsonl line 1: not JSON"):
        envelopes.put(path, TEXT, KeySeal(own.key))
    assert path.read_text() == "mine\n"
