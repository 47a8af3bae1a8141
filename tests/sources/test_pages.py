"""All sdists of a release, from the pages of indexes and folders; what cannot be read has none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import Digest, IndexOptions, Pin
from amrasaman_nox.sources.pages import sdists_of

from ..support.index import UPLOADED, LocalIndex, redirect, status

if TYPE_CHECKING:
    from pathlib import Path

PIN = Pin(name="one", version="1.0")


def names(options: IndexOptions, pin: Pin = PIN) -> list[tuple[str, str]]:
    return [(version, file.filename) for version, file in sdists_of(pin, options)]


@pytest.mark.parametrize("json", [True, False])
def test_every_sdist_of_the_release_is_found(index: LocalIndex, json: bool) -> None:
    index.json = json
    for name in ("one-1.0.tar.gz", "one-1.0.zip", "one-1.0+local.zip", "one-1.1.zip"):
        index.add(name.encode(), name)
    index.add(b"wheel", "one-1.0-py3-none-any.whl")
    found = {file.filename: file for _, file in sdists_of(PIN, index.options())}
    assert [*found] == ["one-1.0.tar.gz", "one-1.0.zip", "one-1.0+local.zip"]
    zipped = found["one-1.0.zip"]
    assert zipped.digests == (Digest.of(b"one-1.0.zip"),)
    assert zipped.url == index.file_url("one-1.0.zip")
    assert zipped.uploaded == (UPLOADED if json else None)
    assert [version for version, _ in names(index.options())] == ["1.0", "1.0", "1.0+local"]


def test_a_folder_and_a_page_of_links_are_searched(index: LocalIndex, tmp_path: Path) -> None:
    (tmp_path / "one-1.0.tar.bz2").write_bytes(b"x")
    (tmp_path / "two-1.0.zip").write_bytes(b"x")
    index.json = False
    index.add(
        b"y",
        "one-1.0.zip",
    )
    links = (str(tmp_path), f"{index.url}one/")
    options = IndexOptions(no_index=True, find_links=links)
    assert names(options) == [("1.0", "one-1.0.tar.bz2"), ("1.0", "one-1.0.zip")]


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"files": [1]}', b'{"files": [{}]}', b"\xff", b"", b'{"files": ' + b"[" * 100_000],
    ids=["open", "number", "empty", "bytes", "nothing", "deep"],
)
def test_a_page_that_cannot_be_read_has_none(index: LocalIndex, body: bytes) -> None:
    index.add(b"x", "one-1.0.zip")
    index.always("simple/one/", lambda handler, _: handler.answer(200, body))
    assert names(index.options()) == []


def test_a_place_that_does_not_answer_has_none(index: LocalIndex) -> None:
    index.add(b"x", "one-1.0.zip")
    index.always("simple/one/", status(404))
    assert names(index.options()) == []
    assert names(dataclasses.replace(index.options(), no_index=True)) == []


def test_a_page_is_not_read_over_plain_http(index: LocalIndex) -> None:
    index.always("simple/one/", redirect("http://h.example/simple/one/"))
    assert names(index.options()) == []


def test_credentials_reach_the_page_and_no_source(index: LocalIndex) -> None:
    index.auth = ("me", "s3cret")
    index.add(b"x", "one-1.0.zip")
    ((_, found),) = sdists_of(PIN, index.options(index_url=index.url_with_credentials))
    assert "s3cret" not in found.url
