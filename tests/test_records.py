from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    BuildEnvironment,
    BuildRecord,
    Crate,
    Digest,
    LockedFile,
    Pin,
    Publisher,
    RustToolchain,
    Source,
    SystemPackage,
    Tool,
    Wheel,
)

from .reports.examples import interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        interpreter=interpreter("/usr/bin/python3.11", "3.11.2", b"python"),
        environment=BuildEnvironment(variables=(("A", "b"),)),
        isolation="full",
        isolation_reasons=("why",),
        source_on_disk="outgrown",
        config_settings=(("--global-option", "x"),),
        backend="hatchling.build",
        passes=("member-order",),
        tools=(Tool(name="cc", version="cc 12"),),
        versions=(("amrasaman-nox", "0.4.0"), ("zlib", "1.2.13")),
        as_of=datetime(2025, 3, 13, 11, 10, 22, tzinfo=UTC),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        finished=datetime(2026, 1, 2, tzinfo=UTC),
    )


def test_a_record_reads_back_to_itself() -> None:
    assert records.parse(records.render(record()).encode(), "r") == record()


def test_a_record_says_that_an_interpreter_is_free_threaded_and_that_a_wheel_has_an_sbom() -> None:
    own = record()
    assert own.interpreter is not None
    assert own.environment is not None
    changed = dataclasses.replace(
        own,
        interpreter=dataclasses.replace(own.interpreter, free_threaded=True),
        environment=dataclasses.replace(own.environment, embedded_sbom=True),
    )
    read = records.parse(records.render(changed).encode(), "r")
    assert read.interpreter is not None
    assert read.environment is not None
    assert read.interpreter.key.split("-")[1].endswith("t")
    assert read.environment.embedded_sbom
    assert "freeThreaded" not in records.render(own)
    assert "embedded_sbom" not in records.render(own)


def of_rust() -> BuildRecord:
    toolchain = RustToolchain(
        sysroot="/opt/rust", version="1.95.0", commit="abc", host="x86_64-unknown-linux-gnu",
        cargo="cargo 1.95.0", digest=Digest.of(b"rust"),
    )  # fmt: skip
    crate = Crate(name="itoa", version="1.0.11", digest=Digest.of(b"itoa"), registry="registry+x")
    whole = record()
    source = dataclasses.replace(whole.source, crates=(crate,))
    return dataclasses.replace(whole, rust=toolchain, source=source)


def test_a_record_of_a_rust_build_has_the_toolchain_and_every_crate() -> None:
    definition = records.statement(of_rust())["predicate"]["buildDefinition"]
    assert definition["internalParameters"]["rust"]["version"] == "1.95.0"
    dependency = definition["resolvedDependencies"][-1]
    assert dependency["uri"] == "pkg:cargo/itoa@1.0.11"
    assert dependency["digest"] == {"sha256": Digest.of(b"itoa").value}
    assert records.parse(records.render(of_rust()).encode(), "r") == of_rust()


@pytest.mark.parametrize("name", ["../itoa", "a/b", "", "other"])
def test_a_crate_of_a_record_has_the_name_of_its_file(name: str) -> None:
    content = records.statement(of_rust())
    content["predicate"]["buildDefinition"]["resolvedDependencies"][-1]["annotations"]["name"] = (
        name
    )
    with pytest.raises(AsamanError, match="malformed or incomplete"):
        records.parse(json.dumps(content).encode(), "r")


def test_a_taken_wheel_is_said_to_be_taken() -> None:
    taken = dataclasses.replace(
        record(), as_published=True, interpreter=None, environment=None, config_settings=()
    )
    taken = dataclasses.replace(taken, source=dataclasses.replace(taken.source, as_published=True))
    assert "published as is, not rebuilt" in records.render(taken)
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
    ("content", "why"),
    [
        (b"", "not a provenance file: not JSON"),
        (b"[]", "an object is required"),
        (b"\xff", "not UTF-8"),
        (b"{}", "no predicate"),
        (
            b'{"predicate": {"buildDefinition": {"buildType": 1}}}',
            "buildType: a string is required",
        ),
        (
            b'{"predicate": {"buildDefinition": {"buildType": "urn:amrasaman-nox:wheel:v1"}}}',
            "malformed or incomplete: no predicate.buildDefinition.externalParameters",
        ),
    ],
)
def test_what_is_no_record_is_refused_with_the_place(content: bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=f"record r: .*{why}"):
        records.parse(content, "r")


DEFINITION = "predicate.buildDefinition"
INTERNAL = f"{DEFINITION}.internalParameters"
CONTENT = "predicate.runDetails.byproducts.0"


def changed(path: str, value: object) -> bytes:
    """Return a record in which what is at *path* is *value*."""
    document: Any = json.loads(records.render(record()))
    *way, last = path.split(".")
    at = document
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[int(last) if isinstance(at, list) else last] = value
    return json.dumps(document).encode()


def places(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value of a document with the path to it."""
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in pairs:
        yield f"{path}{key}", inner
        yield from places(inner, f"{path}{key}.")


#: What is not read: it says what ours always says, or is for other readers.
FREE = ("predicate.runDetails.builder.id", f"{CONTENT}.name")


def is_free(path: str) -> bool:
    return path.startswith(FREE) or path.endswith(
        (".uri", ".kind", "resolvedDependencies.1.annotations")
    )


@pytest.mark.parametrize(
    ("path", "former"),
    [pair for pair in places(json.loads(records.render(record()))) if not is_free(pair[0])],
)
def test_a_value_of_another_type_is_refused_wherever_it_is(path: str, former: object) -> None:
    others = [other for other in ([[]], {"x": {}}, 1.5, True) if type(other) is not type(former)]
    for other in others:
        with pytest.raises(
            AsamanError, match=r"^record r: (malformed or incomplete|not a provenance file): "
        ):
            records.parse(changed(path, other), "r")


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("subject.0.name", "../attrs-25.3.0-py3-none-any.whl", "not a file name"),
        ("subject.0.name", "a\nb.whl", "not a file name"),
        ("subject.0.digest", {"md5": "0" * 32}, "weak hash md5"),
        ("subject.0.digest", {"sha256": "0" * 63}, "malformed hash"),
        ("subject", [], "one item is required, not 0"),
        (f"{DEFINITION}.externalParameters.name", "../x", "not a normalized project name"),
        (f"{DEFINITION}.externalParameters.version", "1/../2", "not a version"),
        (f"{DEFINITION}.externalParameters.configSettings", [["a"]], "a name and a value"),
        (f"{DEFINITION}.resolvedDependencies", [], "the source is missing"),
        (f"{DEFINITION}.resolvedDependencies.0.name", "..", "not a file name"),
        (f"{DEFINITION}.resolvedDependencies.1.name", "/etc/passwd", "not a file name"),
        (f"{INTERNAL}.taken", True, "False is required"),
        (f"{INTERNAL}.environment.umask", "18", "a whole number is required"),
        (f"{INTERNAL}.environment.__class__", 1, "unknown to this version"),
        (f"{INTERNAL}.environment.variables", {}, "unknown to this version"),
        (f"{INTERNAL}.backend", "\ud800", "lone surrogate"),
        ("predicate.runDetails.metadata.startedOn", "2026-01-01T00:00:00", "in UTC"),
    ],
)
def test_a_value_that_ours_cannot_have_is_refused(path: str, value: object, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        records.parse(changed(path, value), "r")


def test_what_a_later_version_adds_is_ignored() -> None:
    assert records.parse(changed(f"{INTERNAL}.later", {"x": 1}), "r") == record()


def test_a_record_of_another_schema_is_refused_with_its_version() -> None:
    other = records.render(record()).replace("wheel:v1", "wheel:v9")
    with pytest.raises(AsamanError, match="wheel:v9"):
        records.parse(other.encode(), "r")


def test_a_record_says_the_versions_that_made_it_and_not_those_that_write_it() -> None:
    builder = json.loads(records.render(record()))["predicate"]["runDetails"]["builder"]
    assert builder["version"] == {"amrasaman-nox": "0.4.0", "zlib": "1.2.13"}
    own = dict(records.own_versions())
    assert set(own) >= {"amrasaman-nox", "uv", "zlib"}
    assert own["amrasaman-nox"] == importlib.metadata.version("amrasaman-nox")


PAGE = Path(__file__).parents[1] / "docs/reference/provenance.md"


def schema() -> Any:
    (text,) = re.findall(
        r"^```json\n(\{\n  \"\$schema\".*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    return json.loads(text)


def in_full() -> BuildRecord:
    package = SystemPackage(
        kind="deb", name="libc6-dev", version="2.36", architecture="amd64",
        files=(("/usr/include/math.h", Digest.of(b"math")),),
    )  # fmt: skip
    source = dataclasses.replace(of_rust().source, rust_channel="1.95")
    return dataclasses.replace(
        of_rust(), source=source, filtered=True, fixed_addresses=True, distribution="debian 12",
        system=(package,), publisher=Publisher(kind="GitHub", repository="o/r"),
    )  # fmt: skip


def test_records_keep_to_the_schema_in_the_docs() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    check = jsonschema.Draft202012Validator(schema())
    taken = dataclasses.replace(record(), as_published=True, interpreter=None, environment=None)
    for one in (record(), in_full(), taken):
        check.validate(json.loads(records.render(one)))
    assert records.parse(records.render(in_full()).encode(), "r") == in_full()
    for path, value in (("subject", {}), (f"{INTERNAL}.isolation.rung", 1), (INTERNAL, {})):
        assert not check.is_valid(json.loads(changed(path, value)))
