"""Which sources get crates, and what is said where they cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildSystem, Digest, Event, IndexOptions, Pin, RustToolchain
from amrasaman_nox.sdists.reader import SdistInfo
from amrasaman_nox.sdists.rust import RustSource
from amrasaman_nox.sources import rust
from amrasaman_nox.sources.site import RustSite, Site
from tests.support.crates import crate, crate_file

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Crate
    from amrasaman_nox.sources.store import Store

PIN = Pin(name="demo", version="1.0")
A = crate_file("a")
TOOLCHAIN = RustToolchain(
    sysroot="/opt/rust", version="1.80.0", commit="", host="", cargo="", digest=Digest.of(b"")
)
MATURIN = BuildSystem(requires=("Maturin>=1",), backend="maturin")
SETUPTOOLS = BuildSystem(requires=("setuptools",), backend="setuptools.build_meta")


def missing(channel: str) -> RustToolchain:
    raise AsamanError("Rust toolchain", "rustc is not on PATH")


def prepare(
    store: Store,
    source: RustSource | None,
    *,
    system: BuildSystem = MATURIN,
    place: Path | str = "",
    installed: bool = True,
    said: list[Event] | None = None,
) -> tuple[Crate, ...] | None:
    toolchain = (lambda channel: TOOLCHAIN) if installed else missing
    site = Site(
        store=store,
        index=IndexOptions(),
        notify=(said if said is not None else []).append,
        rust=RustSite(toolchain=toolchain, crate_index=str(place)),
    )
    info = SdistInfo(
        filename="demo-1.0.tar.gz", name="demo", version="1.0", pyproject=None,
        has_setup_py=False, top="demo-1.0", members=1, size=1, rust=source,
    )  # fmt: skip
    return rust.prepare(site, PIN, info, system)


def test_a_source_without_rust_has_no_crates(store: Store) -> None:
    assert prepare(store, None, installed=False) is None


def test_the_crates_of_a_source_are_in_the_store_then(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a-1.0.0.crate").write_bytes(A)
    found = prepare(store, RustSource(crates=(crate("a", A),)), place=tmp_path)
    assert found == (crate("a", A),)
    assert store.has(Digest.of(A))


def test_what_is_wrong_with_crates_is_one_error_of_the_pin(store: Store, tmp_path: Path) -> None:
    source = RustSource(crates=(crate("a", A), crate("c", A[1:])))
    (tmp_path / "a-1.0.0.crate").write_bytes(A)
    with pytest.raises(AsamanError) as failed:
        prepare(store, source, place=tmp_path)
    (line,) = failed.value.lines()
    assert line.startswith("error: demo==1.0: ")
    assert line.endswith(f"{tmp_path}/c-1.0.0.crate: No such file or directory")
    other = RustSource(crates=(crate("b", A[1:]), crate("c", A[2:])))
    with pytest.raises(AsamanError, match="2 of its crates cannot be fetched, such as "):
        prepare(store, other, place=tmp_path)


def test_a_source_that_brings_all_its_crates_has_none_to_fetch(store: Store) -> None:
    assert prepare(store, RustSource()) == ()


@pytest.mark.parametrize(
    ("source", "why", "hint", "code"),
    [
        (
            RustSource(),
            "needs Rust, but no toolchain was found: Rust toolchain: rustc is",
            "install Rust",
            3,
        ),
        (
            RustSource(fault="x.tar.gz: Cargo.lock: bad"),
            "by hash: x.tar.gz: Cargo.lock: bad",
            "pin the hashes of its wheels as well, and use one of them: --only-binary demo",
            2,
        ),
    ],
)
def test_rust_that_is_needed_and_cannot_be_built_is_an_error_of_the_pin(
    source: RustSource, why: str, hint: str, code: int, store: Store
) -> None:
    with pytest.raises(AsamanError) as refused:
        prepare(store, source, installed=bool(source.fault))
    assert str(refused.value).startswith("demo==1.0: ")
    assert why in str(refused.value)
    assert refused.value.code is ExitCode(code)
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("source", "installed"), [(RustSource(), False), (RustSource(fault="bad"), True)]
)
def test_rust_that_is_optional_is_left_out_then(
    source: RustSource, installed: bool, store: Store
) -> None:
    assert prepare(store, source, installed=installed, system=SETUPTOOLS) is None


def test_crates_are_the_same_after_json() -> None:
    crates = (crate("a", A),)
    assert rust.of_facts(json.loads(json.dumps(rust.facts(crates)))) == crates
    assert rust.of_facts(rust.facts(None)) is None
    assert rust.of_facts(rust.facts(())) == ()


def test_a_manifest_that_needs_a_newer_rust_is_an_error_of_the_pin(store: Store) -> None:
    assert prepare(store, RustSource(rust_version="1.80")) == ()
    newer = RustSource(rust_version="1.81")
    with pytest.raises(AsamanError) as refused:
        prepare(store, newer)
    assert refused.value.why == "needs Rust 1.81 or newer, but the toolchain is 1.80.0"
    assert "rustup toolchain install 1.81 --profile minimal" in (refused.value.hint or "")
    assert refused.value.code is ExitCode.BUILD_FAILED
    # Where Rust is optional, cargo decides.
    assert prepare(store, newer, system=SETUPTOOLS) == ()


def test_a_toolchain_that_a_source_names_and_that_is_not_installed_is_a_note(store: Store) -> None:
    said: list[Event] = []
    assert prepare(store, RustSource(channel="1.80"), said=said) == ()
    assert not said
    assert prepare(store, RustSource(channel="nightly-2024-01-01"), said=said) == ()
    (event,) = said
    assert "names nightly-2024-01-01, and it is built with 1.80.0" in event.note
    assert "rustup toolchain install nightly-2024-01-01" in event.note
