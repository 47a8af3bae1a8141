"""The verification summary: others' readers accept it, and its schema is in the docs."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope

from amrasaman_nox.agreement import policy, summary
from amrasaman_nox.agreement.seals import KeySeal
from amrasaman_nox.agreement.votes import Tally
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest

from ..support.rebuilders import policy_text, rebuilder, record

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "policy.md"
SCHEMA = json.loads(
    re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)[1]
)
MOMENT = datetime(2026, 8, 1, tzinfo=UTC)


def tally(**changes: Any) -> Tally:
    own = Tally(record=record(), needed=1, groups=("a",), statements=(Digest.of(b"statement"),))
    return dataclasses.replace(own, **changes)


@pytest.fixture
def rules(tmp_path: Path) -> policy.Policy:
    path = tmp_path / "policy.toml"
    path.write_text(policy_text(rebuilder(tmp_path, "a"), threshold=1))
    return policy.read(path)


def test_a_summary_is_an_in_toto_statement_of_the_schema(rules: policy.Policy) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    text = summary.render([tally()], rules, Path("dir/verified.txt"), MOMENT, None)
    content = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(content)
    Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
    own = record().wheel
    assert content["subject"] == [{"name": own.filename, "digest": {"sha256": own.digest.value}}]
    assert content["predicate"]["resourceUri"] == "verified.txt"
    assert content["predicate"]["timeVerified"] == "2026-08-01T00:00:00Z"
    assert content["predicate"]["policy"]["digest"] == {
        "sha256": Digest.of(Path(rules.path).read_bytes()).value
    }
    assert content["predicate"]["inputAttestations"] == [
        {"digest": {"sha256": Digest.of(b"statement").value}}
    ]


def test_a_signed_summary_is_an_envelope(rules: policy.Policy, tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "signer")
    text = summary.render([tally()], rules, Path("v.txt"), MOMENT, KeySeal(own.key))
    envelope = Envelope.from_dict(json.loads(text))
    assert envelope.verify([own.key.public_key], 1)
    assert json.loads(envelope.payload) == summary.statement(
        [tally()], rules, Path("v.txt"), MOMENT
    )


def test_what_is_exempt_is_no_subject(rules: policy.Policy) -> None:
    exempt = tally(record=record("attrs"), exempt="exempt until 2026-12-31: slow")
    found = summary.statement([tally(), exempt], rules, Path("v.txt"), MOMENT)
    assert [each["name"] for each in found["subject"]] == [record().wheel.filename]
    with pytest.raises(AsamanError, match="all are exempt"):
        summary.render([exempt], rules, Path("v.txt"), MOMENT, None)
