"""Archives inside a wheel."""

from __future__ import annotations

import gzip

import pytest

from amrasaman_nox.comparison.nested import UnreadableError, differing_facts, read, reordered
from amrasaman_nox.reports.wording import difference_line
from tests.comparison.examples import compared, tarred, the_one
from tests.wheels.handmade import wheel, zipped


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "detail"),
    [
        (
            "a.zip",
            zipped({"x": b"1"}),
            zipped({"x": b"1"}, time=(2021, 1, 1, 0, 0, 0)),
            "time of 1",
        ),
        ("a.zip", zipped({"x": b"1\n"}), zipped({"x": b"2\n"}), "x: line 1: 1 → 2"),
        ("a.zip", zipped({"x": b"1"}), zipped({"x": b"1", "y": b"2"}), "added: y"),
        ("a.tar", tarred({"x": b"1"}, 1), tarred({"x": b"1"}, 2), "time of 1 member, x: 1 → 2"),
        (
            "a.tar.gz",
            gzip.compress(tarred({"x": b"1\n"}, 1), mtime=5),
            gzip.compress(tarred({"x": b"2\n"}, 1), mtime=5),
            "x: line 1: 1 → 2",
        ),
        (
            "a.gz",
            gzip.compress(b"1", mtime=5),
            gzip.compress(b"1", mtime=6),
            "time of 1 member, gz",
        ),
    ],
)
def test_a_nested_archive_is_looked_into(
    name: str, ours: bytes, theirs: bytes, detail: str
) -> None:
    member = f"demo/{name}"
    one = the_one(wheel({member: ours}), wheel({member: theirs}), "nested-archive")
    assert difference_line(one).startswith(detail)
    assert one.normalisation is None


def test_no_damage_to_a_member_ends_in_an_exception() -> None:
    inner = [zipped({"x": b"1" * 50}), tarred({"x": b"1"}, 1), gzip.compress(b"1" * 50)]
    for data in inner:
        for place in range(0, min(len(data), 600), 5):
            broken = data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :]
            assert compared(wheel({"demo/a": data}), wheel({"demo/a": broken}))


def test_members_are_read_in_their_order_with_their_headers() -> None:
    first, second = read(tarred({"b": b"1", "a": b"2"}, 7), 1 << 20)
    assert (first.name, first.data, first.time, second.name) == ("b", b"1", "7", "a")
    assert reordered((first, second), (second, first))
    assert not reordered((first, second), (first,))
    missing, added = differing_facts((first,), (second,))
    assert (missing.what, missing.of, added.what, added.of) == ("missing", "b", "added", "a")


@pytest.mark.parametrize(
    "data",
    [b"", b"not an archive", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", tarred({"a": bytes(2000)}, 1)],
)
def test_what_cannot_be_read_within_the_bounds_is_said(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(data, 1000)
