"""What an index has to say of who published a file."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest
from amrasaman_nox.sources.attestations import provenance_of
from amrasaman_nox.sources.site import Site

from .fetching import NAME, source

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store

    from ..support.index import LocalIndex

ATTESTED = b'{"version": 1}'


def asked(
    store: Store, index: LocalIndex, digest: Digest | None = None, **changes: object
) -> bytes | None:
    file = index.files.get(NAME) or index.add(b"sdist", NAME, provenance=ATTESTED)
    wanted = source(file, index.file_url(NAME))
    if digest is not None:
        wanted = dataclasses.replace(wanted, digest=digest)
    options = dataclasses.replace(index.options(), **changes)  # type: ignore[arg-type]
    return provenance_of(wanted, Site(store=store, index=options), sys.executable)


def test_the_object_that_the_page_names_is_fetched(store: Store, index: LocalIndex) -> None:
    assert asked(store, index) == ATTESTED
    paths = [request.path for request in index.requests]
    assert paths == ["/simple/one/", f"/integrity/{NAME}"]


def test_a_file_with_another_hash_has_none(store: Store, index: LocalIndex) -> None:
    assert asked(store, index, Digest.of(b"other")) is None


def test_where_no_page_has_one_there_is_none(store: Store, index: LocalIndex) -> None:
    index.add(b"sdist", NAME)
    assert asked(store, index) is None
    index.json = False
    assert asked(store, index) is None
    index.files.clear()
    index.add(b"x", "two-1.0.tar.gz")
    wanted = source(index.add(b"x", "one-1.0.zip"), "")
    index.files.clear()
    site = Site(store=store, index=index.options())
    assert provenance_of(wanted, site, sys.executable) is None


@pytest.mark.parametrize("changes", [{"offline": True}, {"no_index": True}])
def test_without_a_network_nothing_is_asked(
    store: Store, index: LocalIndex, changes: dict[str, object]
) -> None:
    assert asked(store, index, **changes) is None
    assert index.requests == []


def test_a_folder_as_the_index_has_none(store: Store, index: LocalIndex) -> None:
    assert asked(store, index, index_url="file:///nowhere") is None


@pytest.mark.parametrize(
    ("body", "why"), [(b'{"files": 1}', "a list is required"), (b"{" * 99, "nested deeper")]
)
def test_a_page_that_cannot_be_read_is_named(
    store: Store, index: LocalIndex, body: bytes, why: str
) -> None:
    index.always("simple/one/", lambda handler, _: handler.answer(200, body))
    with pytest.raises(AsamanError, match=why):
        asked(store, index)


def test_an_object_that_is_too_large_is_refused(store: Store, index: LocalIndex) -> None:
    index.add(b"sdist", NAME, provenance=b" " * (5 << 20))
    with pytest.raises(AsamanError, match="larger than"):
        asked(store, index)


def test_a_plain_http_address_elsewhere_is_refused(store: Store, index: LocalIndex) -> None:
    page = b'{"files": [{"hashes": {"sha256": "%s"}, "provenance": "http://example.org/x"}]}'
    digest = Digest.of(b"sdist").value.encode()
    index.always("simple/one/", lambda handler, _: handler.answer(200, page % digest))
    with pytest.raises(AsamanError, match="plain HTTP is refused"):
        asked(store, index)
