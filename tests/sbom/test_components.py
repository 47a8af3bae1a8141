"""The components of an SBOM."""

from __future__ import annotations

import dataclasses

from amrasaman_nox.model import Digest, Modified, Verdict
from amrasaman_nox.sbom import components
from amrasaman_nox.verification.verdicts import Found

from . import examples


def test_everything_that_a_wheel_was_made_of_has_a_package_url() -> None:
    parts = list(components.parts(examples.full()))
    assert [str(one.purl or one.name) for one in parts] == [
        "pkg:pypi/a@1.0?file_name=a-1.0.tar.gz",
        "pkg:pypi/flit-core@3.12.0?file_name=flit_core-3.12.0-py3-none-any.whl",
        "pkg:cargo/itoa@1.0.11",
        "pkg:deb/debian/libc6-dev@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12",
        "/opt/x.h",
        "pkg:generic/cpython@3.11.7",
        "pkg:generic/rust@1.95.0",
        "cc",
    ]


def test_files_have_their_hashes() -> None:
    hashes = {
        one.content
        for part in components.parts(examples.full())
        for each in (part, *part.components)
        for one in each.hashes
    }
    wanted = (b"sdist", b"flit", b"itoa", b"stdio", b"x", b"python")
    assert hashes == {Digest.of(each).value for each in wanted}


def test_what_only_the_build_had_is_excluded() -> None:
    scopes = {one.name: one.scope for one in components.parts(examples.full())}
    excluded = {name for name, scope in scopes.items() if scope is not None}
    assert excluded == {"flit-core", "cpython", "rust", "cc"}


def test_a_verdict_is_evidence_for_the_hash() -> None:
    different = Found(against="published", verdict=Verdict.DIFFERENT, reason="other backend")
    wheel = components.wheel(examples.full(), (examples.SAME, different))
    assert wheel.evidence is not None
    (identity,) = wheel.evidence.identity
    found = {method.value: method.confidence for method in identity.methods}
    assert found == {
        "rebuild: identical; varied umask, clock": 1,
        "published: different; other backend": 0,
    }
    properties = {one.name: one.value for one in wheel.properties}
    assert properties["amrasaman-nox:verdict"] == "different"


def test_without_a_verdict_there_is_no_evidence() -> None:
    wheel = components.wheel(examples.full(), ())
    assert wheel.evidence is None
    assert {one.value for one in wheel.properties if one.name.endswith("verdict")} == {"unchecked"}


def test_a_modified_source_is_named() -> None:
    change = Modified(pinned=None, archive="https://host/a.zip#sha256=0")
    source = dataclasses.replace(examples.full().source, modified=change)
    values = {
        one.name.rpartition(":")[2]: one.value for one in components.source(source).properties
    }
    assert values == {"kind": "sdist", "modified": "modified source: another archive"}
