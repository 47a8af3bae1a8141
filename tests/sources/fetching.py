"""Files downloaded in a test, from an index made in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, Origin
from amrasaman_nox.model import IndexOptions, Pin, Source
from amrasaman_nox.sources import download
from amrasaman_nox.sources.connections import Patience
from amrasaman_nox.sources.site import Site

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store

    from ..support.index import File


NAME = "one-1.0.tar.gz"
PATH = f"files/{NAME}"
#: As the default, but in hundredths of its time.
PATIENCE = Patience(
    attempts=3,
    backoff=0.01,
    longest_wait=0.05,
    connect=1,
    read=0.4,
    grace=0.2,
    slowest=20000,
    total=5,
)


def source(sdist: File, url: str, **more: Any) -> Source:
    pin = Pin(
        name="one",
        version="1.0",
        digests=(sdist.digest,),
        origin=Origin(path="requirements.txt", line=3),
    )
    facts: dict[str, Any] = {"pin": pin, "filename": NAME, "digest": sdist.digest, "url": url}
    return Source(**{**facts, "size": len(sdist.data), **more})


def fetch(store: Store, options: IndexOptions, wanted: Source) -> None:
    download.fetch(wanted, Site(store=store, index=options), patience=PATIENCE)


def check_nothing(store: Store) -> None:
    for name in ("files/sha256", "incoming", "tmp"):
        assert not list((store.root / name).iterdir())


def refusal(store: Store, options: IndexOptions, wanted: Source) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        fetch(store, options, wanted)
    check_nothing(store)
    assert len(caught.value.lines()) <= 2
    return caught.value


def content(store: Store, sdist: File) -> bytes | None:
    file = store.get(sdist.digest)
    if file is None:
        return None
    with file:
        return file.read()
