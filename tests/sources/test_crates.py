"""Crates are fetched by hash, from a registry, a mirror or a folder."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Crate, Digest, IndexOptions
from amrasaman_nox.sources.cargo import Registry
from amrasaman_nox.sources.crates import crate_url, fetch_crates
from amrasaman_nox.sources.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sources.store import Store

    from ..support.index import LocalIndex

REGISTRY = "registry+https://registry.example/index"
DATA = b"the bytes of a crate"
CRATE = Crate(name="itoa", version="1.0.11", digest=Digest.of(DATA), registry=REGISTRY)


def nobody() -> Registry:
    raise AssertionError("cargo is not asked")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the file of the crate."""
    (tmp_path / "crates").mkdir()
    (tmp_path / "crates" / CRATE.filename).write_bytes(DATA)
    return tmp_path / "crates"


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://x/dl", "https://x/dl/itoa/1.0.11/download"),
        ("https://x/{crate}-{version}.crate", "https://x/itoa-1.0.11.crate"),
        ("https://x/{prefix}/{lowerprefix}", "https://x/it/oa/it/oa"),
        ("https://x/{sha256-checksum}", f"https://x/{CRATE.digest.value}"),
    ],
)
def test_the_place_of_a_crate_follows_from_its_registry(template: str, url: str) -> None:
    assert crate_url(template, CRATE) == url


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("a", "1"), ("ab", "2"), ("abc", "3/a"), ("Abcd", "Ab/cd"), ("abcde", "ab/cd")],
)
def test_the_folders_of_a_crate_follow_from_its_name(name: str, prefix: str) -> None:
    crate = dataclasses.replace(CRATE, name=name)
    assert crate_url("{prefix}", crate) == prefix
    assert crate_url("{lowerprefix}", crate) == prefix.lower()


def test_a_folder_of_crates_needs_no_network(store: Store, folder: Path) -> None:
    site = Site(store=store, index=IndexOptions(offline=True))
    fetch_crates([CRATE], site, place=str(folder), default=nobody)
    assert store.has(CRATE.digest)


def test_what_the_store_has_is_not_asked_for(store: Store) -> None:
    store.add([DATA], CRATE.digest)
    site = Site(store=store, index=IndexOptions(offline=True))
    fetch_crates([CRATE], site, place="", default=nobody)


def test_without_a_network_a_missing_crate_is_one_line(store: Store) -> None:
    site = Site(store=store, index=IndexOptions(offline=True))
    with pytest.raises(AsamanError, match="--offline") as caught:
        fetch_crates([CRATE], site, place="", default=nobody)
    assert caught.value.what == "crate itoa 1.0.11"
    assert caught.value.code is ExitCode.INPUT_OUTPUT


def test_a_crate_that_is_not_what_the_lock_names_is_refused(store: Store, folder: Path) -> None:
    (folder / CRATE.filename).write_bytes(b"something else")
    site = Site(store=store, index=IndexOptions())
    with pytest.raises(AsamanError, match="hash mismatch") as caught:
        fetch_crates([CRATE], site, place=str(folder), default=nobody)
    assert caught.value.code is ExitCode.BAD_INPUT
    assert not store.has(CRATE.digest)


def test_a_sparse_index_says_where_its_crates_are(store: Store, index: LocalIndex) -> None:
    index.add(DATA, CRATE.filename)
    config = json.dumps({"dl": f"{index.base}/files/{{crate}}-{{version}}.crate"}).encode()
    index.always("crates/config.json", lambda handler, _: handler.answer(200, config))
    site = Site(store=store, index=IndexOptions())
    fetch_crates([CRATE], site, place=f"sparse+{index.base}/crates/", default=nobody)
    assert store.has(CRATE.digest)


def test_a_sparse_index_that_is_not_there_is_one_line(store: Store, index: LocalIndex) -> None:
    site = Site(store=store, index=IndexOptions())
    with pytest.raises(AsamanError, match="404") as caught:
        fetch_crates([CRATE], site, place=f"sparse+{index.base}/none/", default=nobody)
    assert caught.value.code is ExitCode.INPUT_OUTPUT


def test_the_users_registry_is_asked_for_only_if_it_is_needed(
    store: Store, index: LocalIndex
) -> None:
    index.add(DATA, CRATE.filename)
    registry = Registry(download=f"{index.base}/files/{{crate}}-{{version}}.crate", source=REGISTRY)
    site = Site(store=store, index=IndexOptions())
    fetch_crates([CRATE], site, place="", default=lambda: registry)
    assert store.has(CRATE.digest)


def test_a_crate_of_another_registry_is_refused_without_its_credentials(store: Store) -> None:
    registry = Registry(download="https://crates.example/dl", source=REGISTRY)
    other = dataclasses.replace(CRATE, registry="registry+https://me:secret@other.example/index")
    site = Site(store=store, index=IndexOptions())
    with pytest.raises(AsamanError, match="another registry") as caught:
        fetch_crates([other], site, place="", default=lambda: registry)
    assert "--crate-index" in caught.value.hint
    assert "secret" not in "".join(caught.value.lines())
