"""Crates come from one place, by hash, and into the store alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Crate, Digest, Event, IndexOptions
from amrasaman_nox.sources.cargo import Registry
from amrasaman_nox.sources.connections import Patience
from amrasaman_nox.sources.crates import crate_url, fetch_crates
from amrasaman_nox.sources.site import Site
from amrasaman_nox.sources.store import Store
from tests.support.crates import SOURCE, crate, crate_file, serve
from tests.support.index import (
    altered,
    longer,
    page,
    redirect,
    reset,
    running_index,
    slow,
    truncated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.index import Behaviour, LocalIndex

A, B = crate_file("a"), crate_file("b")
#: Fast in giving up.
HASTY = Patience(attempts=2, backoff=0.01, read=0.4, grace=0.1, slowest=100)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with running_index() as running:
        yield running


def never() -> Registry:
    raise AssertionError("the user's cargo is not to be asked")


def fetch(
    crates: list[Crate],
    store: Store,
    place: str = "",
    registry: Registry | None = None,
    *,
    offline: bool = False,
    patience: Patience = Patience(),
) -> None:
    fetch_crates(
        crates,
        Site(store=store, index=IndexOptions(offline=offline)),
        place=place,
        default=never if registry is None else lambda: registry,
        patience=patience,
    )


def test_crates_are_fetched_from_the_index_that_is_named(store: Store, index: LocalIndex) -> None:
    place = serve(index, a=A, b=B)
    fetch([crate("a", A), crate("b", B)], store, place)
    assert store.has(Digest.of(A))
    assert store.has(Digest.of(B))


def test_how_many_crates_and_bytes_come_is_told(store: Store, index: LocalIndex) -> None:
    place = serve(index, a=A)
    told: list[Event] = []
    site = Site(store=store, index=IndexOptions(), notify=told.append)
    with pytest.raises(AsamanError):
        fetch_crates([crate("a", A), crate("b", B)], site, place=place, default=never)
    found = [(one.stage, one.state, one.name, one.count, one.size) for one in told]
    assert found == [
        ("crates", "total", "", 2, 0),
        ("crates", "done", "a-1.0.0.crate", 0, len(A)),
        ("crates", "total", "", -1, 0),
    ]


def test_what_the_store_has_is_not_asked_for(store: Store, index: LocalIndex) -> None:
    place = serve(index, a=A)
    fetch([crate("a", A)], store, place)
    asked = len(index.requests)
    fetch([crate("a", A)], store, place)
    fetch([crate("a", A)], store)
    fetch([crate("a", A)], store, offline=True)
    assert len(index.requests) == asked


def test_crates_are_fetched_from_where_the_users_cargo_takes_them(
    store: Store, index: LocalIndex
) -> None:
    serve(index, a=A)
    download = f"{index.base}/files/{{crate}}-{{version}}.crate"
    fetch([crate("a", A)], store, registry=Registry(download=download, source=SOURCE))
    assert store.has(Digest.of(A))


def test_crates_are_taken_from_a_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a-1.0.0.crate").write_bytes(A)
    fetch([crate("a", A)], store, str(tmp_path), offline=True)
    assert store.has(Digest.of(A))


def test_a_crate_of_another_registry_is_refused_unless_a_place_is_named(
    store: Store, index: LocalIndex
) -> None:
    place = serve(index, a=A)
    other = crate("a", A, registry="registry+https://me:secret@other.example/index")
    with pytest.raises(AsamanError) as refused:
        fetch([other], store, registry=Registry(download=place, source=SOURCE))
    assert "crate a 1.0.0: comes from another registry" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.hint == "set a mirror that has it with --crate-index"
    assert not index.requests
    fetch([other], store, place)


@pytest.mark.parametrize("wrong", [altered, longer, page])
def test_other_bytes_than_the_lock_names_are_refused_and_not_kept(
    wrong: Behaviour, store: Store, index: LocalIndex
) -> None:
    place = serve(index, a=A)
    index.always("files/a-1.0.0.crate", wrong)
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, place)
    assert refused.value.code is ExitCode.BAD_INPUT
    assert "a-1.0.0.crate" in str(refused.value)
    assert not store.has(Digest.of(A))


def test_a_truncated_answer_is_asked_for_again(store: Store, index: LocalIndex) -> None:
    place = serve(index, a=A)
    index.misbehave("files/a-1.0.0.crate", truncated)
    fetch([crate("a", A)], store, place)
    assert store.has(Digest.of(A))


@pytest.mark.parametrize(
    ("behaviour", "why"), [(slow(0.05), "too slow"), (slow(2), "timed out"), (reset, "")]
)
def test_a_registry_that_stalls_is_asked_again_and_then_given_up(
    behaviour: Behaviour, why: str, store: Store, index: LocalIndex
) -> None:
    place = serve(index, a=A, b=B)
    index.always("files/b-1.0.0.crate", behaviour)
    with pytest.raises(AsamanError) as given_up:
        fetch([crate("a", A), crate("b", B)], store, place, patience=HASTY)
    assert given_up.value.code is ExitCode.INPUT_OUTPUT
    assert why in given_up.value.why
    asked = [request.path for request in index.requests]
    assert asked.count("/files/b-1.0.0.crate") == HASTY.attempts
    # What came whole stays, and is not asked for again.
    assert store.has(Digest.of(A))
    index.always("files/b-1.0.0.crate", redirect("/files/c-1.0.0.crate"))
    index.add(B, "c-1.0.0.crate")
    fetch([crate("a", A), crate("b", B)], store, place)
    assert store.has(Digest.of(B))
    again = [request.path for request in index.requests[len(asked) :]]
    assert "/files/a-1.0.0.crate" not in again


def test_a_registry_that_is_gone_is_an_error_of_the_network(
    store: Store, index: LocalIndex
) -> None:
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, f"{index.base}/nowhere")
    assert refused.value.code is ExitCode.INPUT_OUTPUT


@pytest.mark.parametrize("content", [b"", b"[]", b'{"dl": 1}', b"[" * 50_000, b"{}"])
def test_a_malformed_configuration_of_a_registry_is_one_line(
    content: bytes, store: Store, index: LocalIndex
) -> None:
    place = serve(index, a=A)
    index.add(content, "config.json")
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, place)
    assert "not the config.json of a registry" in str(refused.value)


def test_a_registry_that_requires_a_token_is_named_with_the_crate(
    store: Store, index: LocalIndex
) -> None:
    place = serve(index, a=A)
    index.add(json.dumps({"dl": "x", "auth-required": True}).encode(), "config.json")
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, place)
    said = "requires a token for downloads, which is not supported"
    assert str(refused.value) == f"crate a 1.0.0: {place} {said}"
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, registry=Registry(download="x", source=SOURCE, private=True))
    assert str(refused.value) == f"crate a 1.0.0: {SOURCE} {said}"
    assert refused.value.code is ExitCode.BAD_INPUT


def test_plain_http_is_refused_but_for_this_machine(store: Store) -> None:
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, "http://crates.example/index")
    assert "plain HTTP is refused" in str(refused.value)
    assert refused.value.code is ExitCode.BAD_INPUT


def test_offline_names_the_first_crate_that_is_missing(store: Store) -> None:
    with pytest.raises(AsamanError) as refused:
        fetch([crate("a", A)], store, offline=True)
    assert str(refused.value).startswith("crate a 1.0.0: not cached")
    assert refused.value.code is ExitCode.INPUT_OUTPUT


@pytest.mark.parametrize(
    ("template", "name", "url"),
    [
        ("https://x.example/api", "itoa", "https://x.example/api/itoa/1.0.0/download"),
        ("https://x.example/{crate}/{version}", "itoa", "https://x.example/itoa/1.0.0"),
        ("https://x.example/{prefix}/{crate}", "Itoa", "https://x.example/It/oa/Itoa"),
        ("https://x.example/{lowerprefix}/{crate}", "Itoa", "https://x.example/it/oa/Itoa"),
        ("https://x.example/{prefix}", "a", "https://x.example/1"),
        ("https://x.example/{prefix}", "ab", "https://x.example/2"),
        ("https://x.example/{prefix}", "abc", "https://x.example/3/a"),
        ("https://x.example/{sha256-checksum}", "a", f"https://x.example/{Digest.of(A).value}"),
    ],
)
def test_the_place_of_a_crate_follows_from_the_template(template: str, name: str, url: str) -> None:
    assert crate_url(template, crate(name, A)) == url
