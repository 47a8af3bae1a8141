from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildEnvironment,
    BuildRecord,
    Digest,
    Interpreter,
    LockedFile,
    Pin,
    Source,
    Tool,
    Wheel,
)

if TYPE_CHECKING:
    from pathlib import Path

SDIST = Digest.of(b"sdist")


def record() -> BuildRecord:
    return BuildRecord(
        name="attrs",
        version="25.3.0",
        wheel=Wheel(
            filename="attrs-25.3.0-py3-none-any.whl",
            digest=Digest.of(b"wheel"),
            content_digest=Digest.of(b"content"),
            size=5,
        ),
        source=Source(
            pin=Pin(name="attrs", version="25.3.0", digests=(SDIST,)),
            filename="attrs-25.3.0.tar.gz",
            digest=SDIST,
            uploaded=datetime(2025, 3, 13, 11, 10, 22, tzinfo=UTC),
        ),
        key="k" * 64,
        requirements=(LockedFile(filename="h-1-py3-none-any.whl", digest=Digest.of(b"h")),),
        interpreter=Interpreter(
            executable="/usr/bin/python3.11",
            implementation="cpython",
            version="3.11.2",
            platform="linux-x86_64",
            prefixes=(),
            markers=(),
            tags=(),
            digest=Digest.of(b"python"),
        ),
        environment=BuildEnvironment(variables=(("A", "b"),)),
        isolation="full",
        isolation_reasons=("why",),
        config_settings=(("--global-option", "x"),),
        backend="hatchling.build",
        passes=("member-order",),
        tools=(Tool(name="cc", version="cc 12"),),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        finished=datetime(2026, 1, 2, tzinfo=UTC),
    )


def test_a_record_reads_back_to_itself() -> None:
    assert records.parse(records.render(record()).encode(), "r") == record()


def test_a_taken_wheel_is_said_to_be_taken() -> None:
    taken = dataclasses.replace(
        record(), taken=True, interpreter=None, environment=None, config_settings=()
    )
    taken = dataclasses.replace(taken, source=dataclasses.replace(taken.source, taken=True))
    assert "taken, not rebuilt" in records.render(taken)
    assert records.parse(records.render(taken).encode(), "r") == taken


def test_a_record_is_an_in_toto_statement_with_slsa_provenance() -> None:
    statement = json.loads(records.render(record()))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [
        {
            "name": "attrs-25.3.0-py3-none-any.whl",
            "digest": {"sha256": Digest.of(b"wheel").value},
        }
    ]
    dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert [item["digest"]["sha256"] for item in dependencies] == [
        SDIST.value,
        Digest.of(b"h").value,
    ]


def test_only_the_clock_section_holds_a_clock() -> None:
    later = dataclasses.replace(record(), started=None, finished=datetime(2030, 1, 1, tzinfo=UTC))
    assert records.statement(later) != records.statement(record())
    assert records.comparable(records.statement(later)) == records.comparable(
        records.statement(record())
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b'{"predicate": {"buildDefinition": {"buildType": "urn:amrasaman-nox:wheel:v1"}}}',
        records.render(record()).replace("attrs-25.3.0-py3", "../attrs-25.3.0-py3").encode(),
        records.render(record()).replace('"sha256"', '"md5"').encode(),
    ],
)
def test_what_is_no_record_is_refused(content: bytes) -> None:
    with pytest.raises(AsamanError):
        records.parse(content, "r")


def test_a_record_of_another_schema_is_refused_with_its_version() -> None:
    other = records.render(record()).replace("wheel:v1", "wheel:v9")
    with pytest.raises(AsamanError, match="wheel:v9"):
        records.parse(other.encode(), "r")


def test_a_record_vouches_only_for_the_wheel_whose_name_it_has(tmp_path: Path) -> None:
    text = records.render(record())
    (tmp_path / "attrs-25.3.0-py3-none-any.whl.provenance.json").write_text(text)
    (tmp_path / "other-1.0-py3-none-any.whl.provenance.json").write_text(text)
    (tmp_path / "broken-1.0-py3-none-any.whl.provenance.json").write_text("{")
    assert [path.name for _, path in records.vouched_wheels(tmp_path)] == [
        "attrs-25.3.0-py3-none-any.whl"
    ]
