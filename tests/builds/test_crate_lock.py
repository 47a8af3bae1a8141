"""Crates of a source without a lock are resolved as of a date, by the real cargo, offline."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import crate_lock
from amrasaman_nox.config.variables import own_variables
from amrasaman_nox.environments import interpreters, toolchains
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildJob, Digest, Pin, Source
from amrasaman_nox.sandbox.ladder import choose
from tests.support.crates import index_line
from tests.support.projects import make_sdist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amrasaman_nox.model import Crate
    from amrasaman_nox.sources.store import Store

UNTIL = datetime(2024, 6, 1, tzinfo=UTC)
EARLY, LATE = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
MANIFEST = '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2018"\n[lib]\npath = "lib.rs"\n'
WANTED = '[dependencies]\ngreets = "1"\n'
HELPER = {"name": "helper", "req": "^1"}
PAGES = {
    "greets": index_line("greets", "1.0.0", pubtime=EARLY)
    + index_line("greets", "1.1.0", deps=[HELPER], pubtime=EARLY)
    + index_line("greets", "1.2.0", pubtime=LATE),
    "helper": index_line("helper", "1.0.0"),
}


def job(store: Store, files: dict[str, str], rung: str) -> BuildJob:
    if shutil.which("rustc") is None:
        pytest.skip("no Rust toolchain is installed")
    data = make_sdist("demo", "1.0", files)
    digest = Digest.of(data)
    store.add([data], digest)
    return BuildJob(
        source=Source(
            pin=Pin(name="demo", version="1.0", digests=(digest,)),
            filename="demo-1.0.tar.gz",
            digest=digest,
            crates=(),
        ),
        requirements=(),
        interpreter=interpreters.inspect(""),
        isolation=rung,
        rust=toolchains.inspect("", dict(own_variables()), store),
    )


def resolved(
    store: Store,
    files: dict[str, str],
    pages: Mapping[str, bytes] = PAGES,
    until: datetime = UNTIL,
    rung: str = "auto",
) -> tuple[tuple[Crate, ...], tuple[str, ...]]:
    def lookup(names: Sequence[str]) -> Mapping[str, bytes]:
        return {name: pages[name] for name in names if name in pages}

    isolation = choose(rung)
    return crate_lock.resolve(
        job(store, files, isolation.rung), lookup, until, store=store, isolation=isolation
    )


def test_the_newest_releases_of_that_date_are_taken_and_undated_ones_are_named(
    store: Store,
) -> None:
    files = {"Cargo.toml": MANIFEST + WANTED, "lib.rs": ""}
    crates, notes = resolved(store, files)
    assert [(one.name, one.version, one.registry) for one in crates] == [
        ("greets", "1.1.0", ""),
        ("helper", "1.0.0", ""),
    ]
    assert notes == (
        "it has no Cargo.lock: its crates are those of 2024-06-01T00:00:00Z",
        "the index does not say when these crates came out: helper 1.0.0",
    )
    (crate,), _ = resolved(store, files, until=datetime(2026, 1, 1, tzinfo=UTC), rung="none")
    assert (crate.version, crate.digest) == ("1.2.0", Digest.of(b""))


def test_cargo_takes_no_older_release_for_want_of_a_crate(store: Store) -> None:
    # What is looked into first is the newest release, which needs nothing.
    manifest = f'{MANIFEST}[dependencies]\ngreets = ">=1, <1.2"\n'
    crates, _ = resolved(
        store, {"Cargo.toml": manifest, "lib.rs": ""}, until=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert [str(one) for one in crates] == ["greets 1.1.0", "helper 1.0.0"]


def test_the_members_of_a_workspace_are_resolved_together(store: Store) -> None:
    files = {"Cargo.toml": '[workspace]\nmembers = ["one"]\n', "one/lib.rs": ""}
    crates, _ = resolved(store, {**files, "one/Cargo.toml": MANIFEST + WANTED})
    assert [one.name for one in crates] == ["greets", "helper"]


def test_a_source_without_dependencies_has_no_crates(store: Store) -> None:
    assert resolved(store, {"native/Cargo.toml": MANIFEST, "native/lib.rs": ""})[0] == ()


def test_where_nothing_fits_the_error_has_the_date_and_what_cargo_says(store: Store) -> None:
    manifest = f'{MANIFEST}[dependencies]\ngreets = "1.2"\n'
    with pytest.raises(AsamanError) as caught:
        resolved(store, {"Cargo.toml": manifest, "lib.rs": ""})
    assert caught.value.what == "demo==1.0"
    assert "cannot be resolved as of 2024-06-01T00:00:00Z: " in caught.value.why
    assert "greets" in caught.value.why
    assert "--only-binary demo" in (caught.value.hint or "")
    assert caught.value.code is ExitCode.BUILD_FAILED


def test_without_a_toolchain_nothing_is_resolved(store: Store) -> None:
    isolation = choose("none")
    order = dataclasses.replace(
        job(store, {"Cargo.toml": MANIFEST, "lib.rs": ""}, "none"), rust=None
    )
    with pytest.raises(AsamanError) as caught:
        crate_lock.resolve(order, lambda names: {}, UNTIL, store=store, isolation=isolation)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
