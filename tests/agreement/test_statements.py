"""What an envelope says must fit its wheel, whoever signed it."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox import records
from amrasaman_nox.agreement import envelopes, statements
from amrasaman_nox.model import Digest
from amrasaman_nox.strict_json import Malformed

from ..support.rebuilders import rebuilder, record

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import BuildRecord

WHEEL = "six-1.0-py3-none-any.whl"


def with_source(filename: str) -> BuildRecord:
    own = record()
    return dataclasses.replace(own, source=dataclasses.replace(own.source, filename=filename))


def with_wheel(filename: str) -> BuildRecord:
    own = record()
    return dataclasses.replace(own, wheel=dataclasses.replace(own.wheel, filename=filename))


def altered(**changes: Any) -> bytes:
    return json.dumps({**records.statement(record()), **changes}).encode()


def text(own: BuildRecord) -> bytes:
    return records.render(own).encode()


BAD = {
    "deep": (b"[" * 1000, "nested deeper"),
    "no JSON": (b"{", "not JSON"),
    "another statement": (altered(_type="https://in-toto.io/Statement/v0.1"), "not an in-toto"),
    "no predicate": (altered(predicateType=None), "no predicateType"),
    "an unknown predicate": (
        altered(predicateType="https://cyclonedx.org/bom"),
        "unknown predicate https://cyclonedx.org/bom",
    ),
    "provenance of another tool": (altered(predicate={}), "not a provenance file"),
    "another file": (
        text(with_wheel("six-1.0-cp311-cp311-any.whl")),
        "it is signed for six-1.0-cp",
    ),
    "two files": (altered(subject=[{"name": WHEEL, "digest": {}}] * 2), "one item is required"),
    "another project's sdist": (text(with_source("evil-1.0.tar.gz")), "was made from evil-1.0"),
    "another version's sdist": (text(with_source("six-1.1.tar.gz")), "was made from six-1.1"),
    "no sdist": (text(with_source("six")), "was made from six"),
    "a wheel that was not taken": (
        text(
            dataclasses.replace(
                with_source(WHEEL),
                as_published=True,
                source=dataclasses.replace(record().source, filename=WHEEL, digest=Digest.of(b"?")),
            )
        ),
        "was made from",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_fit_its_wheel_says_why(kind: str) -> None:
    payload, why = BAD[kind]
    with pytest.raises(Malformed, match=why):
        statements.record_of(payload, WHEEL)


def test_a_wheel_of_another_release_is_refused() -> None:
    own = dataclasses.replace(with_wheel("evil-1.0-py3-none-any.whl"))
    with pytest.raises(Malformed, match="is not of six 1"):
        statements.record_of(text(own), "evil-1.0-py3-none-any.whl")


def test_a_wheel_that_was_taken_as_published_fits_itself() -> None:
    own = with_source(WHEEL)
    own = dataclasses.replace(
        own, as_published=True, source=dataclasses.replace(own.source, digest=own.wheel.digest)
    )
    assert statements.record_of(text(own), WHEEL).as_published


def test_each_line_that_does_not_count_is_named(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    good = own.signs().read_bytes()
    other = {
        "payload": base64.b64encode(altered(predicateType="x")).decode(),
        "payloadType": envelopes.PAYLOAD_TYPE,
        "signatures": [{"sig": "AAAA"}],
    }
    content = good + json.dumps(other).encode() + b"\nwords\n"
    found, problems = statements.read(content, "f", WHEEL)
    assert [each.record for each in found] == [record()]
    assert [str(each) for each in problems] == [
        "f line 2: not counted: unknown predicate x",
        "f line 3: not counted: not JSON",
    ]
