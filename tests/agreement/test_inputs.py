"""What differs in the inputs of two builds is found in their records, the likely cause first."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement.inputs import KINDS, DifferingInput, differing_inputs, inputs_line
from amrasaman_nox.model import Crate, Digest, LockedFile, SystemPackage, Tool

from ..test_records import of_rust, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.model import BuildRecord


def needing(*stems: str) -> BuildRecord:
    files = (
        LockedFile(filename=f"{stem}-py3-none-any.whl", digest=Digest.of(stem.encode()))
        for stem in stems
    )
    return dataclasses.replace(record(), requirements=tuple(files))


def world(**values: object) -> Callable[[BuildRecord], BuildRecord]:
    def change(own: BuildRecord) -> BuildRecord:
        assert own.environment is not None
        found = dataclasses.replace(own.environment, **values)  # type: ignore[arg-type]
        return dataclasses.replace(own, environment=found)

    return change


def python(**values: object) -> Callable[[BuildRecord], BuildRecord]:
    def change(own: BuildRecord) -> BuildRecord:
        assert own.interpreter is not None
        found = dataclasses.replace(own.interpreter, **values)  # type: ignore[arg-type]
        return dataclasses.replace(own, interpreter=found)

    return change


def having(**values: object) -> Callable[[BuildRecord], BuildRecord]:
    return lambda own: dataclasses.replace(own, **values)  # type: ignore[arg-type]


def package(version: str, content: bytes = b"h") -> tuple[SystemPackage, ...]:
    files = (("/usr/include/openssl/ssl.h", Digest.of(content)),)
    return (
        SystemPackage(
            kind="deb", name="libssl-dev", version=version, architecture="amd64", files=files
        ),
    )


H = Digest.of(b"h").value[:12]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (having(as_published=True), "origin build → published wheel"),
        (
            python(version="3.13.0"),
            "interpreter cpython 3.11.2 linux-x86_64 → cpython 3.13.0 linux-x86_64",
        ),
        (python(compile_flags="-O3"), "interpreter compile flags none → -O3"),
        (having(requirements=()), "build requirement h 1 → none"),
        (having(config_settings=()), "config setting --global-option x → none"),
        (world(variables=(("A", "c"),)), "variable A b → c"),
        (world(variables=(("A", ""),)), 'variable A b → ""'),
        (world(source_date_epoch=None), "source date epoch 1309379017 → not set"),
        (world(hash_seed=1), "environment hash seed 0 → 1"),
        (having(tools=(Tool(name="cc", version="cc (X) 13"),)), "compiler cc 12 → (X) 13"),
        (having(distribution="debian 12"), "distribution none → debian 12"),
        (having(isolation="none"), "isolation rung full → none"),
        (having(fixed_addresses=True), "isolation fixed addresses unknown → yes"),
        (having(versions=(("zlib", "1.2.13"),)), "version of amrasaman-nox 0.4.0 → none"),
        (having(backend="flit_core.buildapi"), "backend hatchling.build → flit_core.buildapi"),
        (having(system=package("3.0.15")), "system package libssl-dev none → 3.0.15"),
    ],
)  # fmt: skip
def test_an_input_that_differs_is_named_with_both_values(
    change: Callable[[BuildRecord], BuildRecord], line: str
) -> None:
    (found,) = differing_inputs(record(), change(record()))
    assert str(found) == line
    assert found.kind in KINDS
    assert inputs_line(record(), change(record())) == f"other inputs: {line}"


def test_the_same_inputs_are_said_to_be_the_same_whatever_the_clock_says() -> None:
    later = dataclasses.replace(record(), started=datetime(2030, 1, 1, tzinfo=UTC))
    assert differing_inputs(record(), later) == ()
    assert inputs_line(record(), later) == "from the same inputs"


def test_a_build_requirement_is_named_with_its_versions() -> None:
    left, right = needing("setuptools-80.9.0", "wheel-1.0"), needing("setuptools-78.1.0", "wheel-1")
    first, second = differing_inputs(left, right)
    assert first == DifferingInput(
        kind="build requirement", name="setuptools", ours="80.9.0", theirs="78.1.0"
    )
    # Another spelling of a version is another file.
    assert second.name == "wheel"


def test_another_file_of_the_same_release_is_named_with_its_hash() -> None:
    other = (LockedFile(filename="h-1-py3-none-any.whl", digest=Digest.of(b"evil")),)
    (found,) = differing_inputs(record(), dataclasses.replace(record(), requirements=other))
    assert str(found).startswith(f"build requirement h 1 (h-1-py3-none-any.whl sha256:{H}…) → 1 (")
    assert Digest.of(b"evil").value in found.theirs


def test_the_date_of_the_resolution_counts_where_it_chose_something_else() -> None:
    later = having(as_of=datetime(2026, 1, 1, tzinfo=UTC))
    assert differing_inputs(record(), later(record())) == ()
    first, second = differing_inputs(record(), later(needing("h-2")))
    assert str(first) == "resolution date 2025-03-13T11:10:22Z → 2026-01-01T00:00:00Z"
    assert second.kind == "build requirement"


def test_what_explains_the_others_comes_first() -> None:
    changed = record()
    for change in (having(isolation="none"), world(umask=0), python(version="3.12.1")):
        changed = change(changed)
    found = differing_inputs(record(), changed)
    assert [one.kind for one in found] == ["interpreter", "environment", "isolation"]
    assert KINDS.index("interpreter") < KINDS.index("environment") < KINDS.index("isolation")


def test_a_crate_in_two_versions_is_compared_with_both() -> None:
    def crates(*versions: str) -> BuildRecord:
        found = tuple(
            Crate(name="bitflags", version=version, digest=Digest.of(version.encode()))
            for version in versions
        )
        source = dataclasses.replace(of_rust().source, crates=found)
        return dataclasses.replace(of_rust(), source=source)

    (found,) = differing_inputs(crates("1.3.2", "2.4.0"), crates("2.5.0", "1.3.2"))
    assert str(found) == "crate bitflags 1.3.2, 2.4.0 → 1.3.2, 2.5.0"


def test_a_toolchain_of_one_version_with_other_bytes_differs() -> None:
    rust = of_rust().rust
    assert rust is not None
    other = dataclasses.replace(of_rust(), rust=dataclasses.replace(rust, digest=Digest.of(b"x")))
    (found,) = differing_inputs(of_rust(), other)
    assert found.label == "Rust toolchain"
    assert found.ours != found.theirs


def test_a_package_of_the_system_differs_by_its_version_or_by_its_files() -> None:
    ours = dataclasses.replace(record(), system=package("3.0.15"))
    newer = dataclasses.replace(record(), system=package("3.0.17"))
    (found,) = differing_inputs(ours, newer)
    assert str(found) == "system package libssl-dev 3.0.15 → 3.0.17"
    edited = dataclasses.replace(record(), system=package("3.0.15", b"edited"))
    assert len(differing_inputs(ours, edited)) == 1
    loose = dataclasses.replace(package("")[0], kind="", name="", architecture="")
    (found,) = differing_inputs(record(), dataclasses.replace(record(), system=(loose,)))
    assert found.label == "system file /usr/include/openssl/ssl.h"


def test_what_a_hostile_record_says_is_shown_at_a_length_of_its_own() -> None:
    many = needing(*(f"p{number}-1" for number in range(1000)))
    theirs = dataclasses.replace(many, backend="x" * 1_000_000)
    found = differing_inputs(record(), theirs)
    assert len(found) == 1002
    line = inputs_line(record(), theirs)
    assert len(line) < 10_000
    assert line.endswith(" and 990 more")
    assert len(str(found[-1])) < 1000


def test_a_file_that_is_no_wheel_is_named_as_it_is() -> None:
    odd = (LockedFile(filename="no wheel", digest=Digest.of(b"odd")),)
    (found,) = differing_inputs(
        dataclasses.replace(record(), requirements=()),
        dataclasses.replace(record(), requirements=odd),
    )
    assert found.name == "no wheel"
