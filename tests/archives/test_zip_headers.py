"""The forms of zip headers that a published wheel may have."""

from __future__ import annotations

import io
import struct

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.wheels.reader import WheelContent, read_wheel
from tests.support.archives import (
    FILENAME,
    Entry,
    wheel,
)

DEFLATED = 8


def read(data: bytes, filename: str = FILENAME, **options: object) -> WheelContent:
    return read_wheel(io.BytesIO(data), filename, **options)  # type: ignore[arg-type]


# Published wheels


def descriptor(entry: Entry, layout: str, signature: bytes) -> bytes:
    facts = entry.facts({})
    return signature + struct.pack(layout, facts["crc"], facts["compressed"], facts["size"])


@pytest.mark.parametrize("layout", ["<3L", "<L2Q"])
@pytest.mark.parametrize("signature", [b"PK\7\10", b""])
def test_a_published_wheel_may_have_data_descriptors(layout: str, signature: bytes) -> None:
    plain = Entry("x", b"data", method=DEFLATED)
    behind = descriptor(plain, layout, signature)
    nothing = {"crc": 0, "size": 0, "compressed": 0}
    entry = Entry("x", b"data", method=DEFLATED, flags=8, local=nothing, behind=behind)
    assert read(wheel(entry), lenient=True).read("x") == b"data"
    with pytest.raises(AsamanError, match="data descriptor"):
        read(wheel(entry))
    wrong = Entry("x", b"data", method=DEFLATED, flags=8, local=nothing, behind=behind[:-1] + b"x")
    with pytest.raises(AsamanError, match="data descriptor of 'x' does not match"):
        read(wheel(wrong), lenient=True)


@pytest.mark.parametrize(("size", "sound"), [(4, True), (5, False)])
def test_a_published_wheel_may_repeat_its_sizes_in_zip64_fields(size: int, *, sound: bool) -> None:
    extra = struct.pack("<2H2Q", 1, 16, size, 4)
    local = {"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF, "extra": extra}
    data = wheel(Entry("x", b"data", local=local))
    if sound:
        assert read(data, lenient=True).read("x") == b"data"
    else:
        with pytest.raises(AsamanError, match="do not match"):
            read(data, lenient=True)
    with pytest.raises(AsamanError, match="zip64"):
        read(data)
