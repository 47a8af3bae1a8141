"""A published wheel that is used as is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, Pin, Source
from amrasaman_nox.runs.as_published import record_of
from tests.support.projects import make_wheel

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store

WHEEL = make_wheel("one", "1.0")
NAME = "one-1.0-py3-none-any.whl"


def published(store: Store, data: bytes, name: str = "one") -> Source:
    digest = Digest.of(data)
    store.add([data], digest)
    pin = Pin(name=name, version="1.0", digests=(digest,))
    return Source(pin=pin, filename=NAME, digest=digest)


def test_its_record_says_that_it_was_taken_and_its_bytes_stay(store: Store) -> None:
    data = make_wheel("one", "1.0")
    record = record_of(published(store, data), store)
    assert record.as_published
    assert (record.wheel.filename, record.wheel.digest) == (NAME, Digest.of(data))
    assert store.has(record.wheel.digest)


def test_the_key_is_that_of_no_build(store: Store) -> None:
    first = record_of(published(store, make_wheel("one", "1.0")), store)
    other = record_of(published(store, make_wheel("one", "1.0", {"one.py": "1\n"})), store)
    assert first.key != other.key


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"no wheel", "one"),
        (WHEEL + b"x", "one"),
        (WHEEL, "two"),
    ],
    ids=["no wheel", "two readings", "another project"],
)
def test_a_wheel_that_is_not_the_pinned_one_is_refused(
    store: Store, data: bytes, name: str
) -> None:
    with pytest.raises(AsamanError):
        record_of(published(store, data, name), store)
