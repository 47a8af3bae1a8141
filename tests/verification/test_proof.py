"""Content of one wheel under the zip headers of another."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from typing import Any

import pytest

from amrasaman_nox.model import Digest
from amrasaman_nox.verification.proof import Proof, under_headers
from amrasaman_nox.wheels.reader import read_wheel

from ..wheels.handmade import MEMBERS, RECORD, record_of, wheel, zipped

NAME = "demo-1.0-py3-none-any.whl"
TIME = (2024, 6, 1, 12, 30, 58)
TEXT = b"".join(b"VALUE_%d = %r\n" % (n, hashlib.md5(b"%d" % n).hexdigest()) for n in range(900))
LARGE: dict[str, bytes | None] = {"demo/__init__.py": TEXT}


def proof(ours: bytes, theirs: bytes) -> Proof | None:
    return under_headers(
        read_wheel(io.BytesIO(ours), NAME), read_wheel(io.BytesIO(theirs), NAME, lenient=True)
    )


def packed(strategy: int) -> bytes:
    """The demo wheel, deflated in a way that zip writers do not have."""
    contents = {**MEMBERS, **LARGE}
    members: dict[str, bytes] = {name: data for name, data in contents.items() if data is not None}
    members[RECORD] = record_of(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as member:
                deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, 8, strategy)
                member._compressor = deflate  # type: ignore[attr-defined]
                member.write(data)
    return buffer.getvalue()


def streamed() -> bytes:
    """The demo wheel as written to what cannot seek: with data descriptors."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    members = {**MEMBERS, RECORD: record_of(MEMBERS)}
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, TIME), data, zipfile.ZIP_DEFLATED)
    return pipe.data


def with_folders() -> bytes:
    members = {"demo/": b"", **MEMBERS, "demo-1.0.dist-info/": b""}
    members[RECORD] = record_of(MEMBERS)
    return zipped(members, modes={"demo/": 0o40755, "demo-1.0.dist-info/": 0o40755})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wheel(), wheel(time=TIME)),
        (wheel(), wheel(mode=0o100664)),
        (wheel(), wheel(stored=True)),
        (wheel(stored=True), wheel(time=TIME)),
        (wheel(), wheel(extra=b"\x55\x54\x05\x00\x01abcd")),
        (wheel(), with_folders()),
        (wheel(), streamed()),
        *((wheel(LARGE), wheel(LARGE, level=level, time=TIME)) for level in range(1, 10)),
    ],
)
def test_other_headers_give_the_other_sha256(ours: bytes, theirs: bytes) -> None:
    found = proof(ours, theirs)
    assert found is not None
    assert found.digest == Digest.of(theirs)


def test_the_order_of_the_other_is_taken() -> None:
    turned = {name: MEMBERS[name] for name in reversed(MEMBERS)}
    theirs = zipped({**turned, RECORD: record_of(MEMBERS)})
    found = proof(wheel(), theirs)
    assert found is not None
    assert found.digest == Digest.of(theirs)


def test_how_it_was_packed_is_said() -> None:
    nine = proof(wheel(LARGE), wheel(LARGE, level=9))
    assert nine is not None
    assert any("level 9" in text for text in nine.packing)
    same = proof(wheel(LARGE), wheel(LARGE, time=TIME))
    assert same is not None
    assert same.packing == ("as the backend left it",)


@pytest.mark.parametrize(
    "theirs",
    [
        wheel({"demo/__init__.py": b"VALUE = 2\n"}),
        wheel({"demo/more.py": b""}),
        wheel({"demo/tool.sh": None}),
        wheel(modes={"demo/tool.sh": 0o100755}),
        zipped({**MEMBERS, RECORD: record_of(dict(reversed(MEMBERS.items())))}),
    ],
    ids=["changed", "added", "missing", "executable", "record-order"],
)
def test_other_content_is_never_proven(theirs: bytes) -> None:
    assert proof(wheel(), theirs) is None


def test_another_deflate_gives_no_proof() -> None:
    theirs = packed(zlib.Z_HUFFMAN_ONLY)
    assert proof(wheel(LARGE), theirs) is None
    plain = packed(zlib.Z_DEFAULT_STRATEGY)
    assert proof(wheel(LARGE), plain) is not None
