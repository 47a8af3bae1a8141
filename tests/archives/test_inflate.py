"""Whatever is packed expands to the same bytes, and no bomb takes more than it is allowed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
import zlib

import pytest

from amrasaman_nox.archives.inflate import (
    Form,
    InflateError,
    TooLargeError,
    TrailingDataError,
    TruncatedError,
    allowed,
    inflate,
    inflated,
)
from tests.support import bombs

CONTENT = random.Random(1).randbytes(300_000) + bytes(3 << 20)
LIMIT = 1 << 20


def zip_member(method: int) -> bytes:
    """Return the packed bytes of a zip's only member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("x", CONTENT)
        size = archive.infolist()[0].compress_size
    return buffer.getvalue()[31 : 31 + size]


PACKED = {
    Form.GZIP: gzip.compress(CONTENT),
    Form.BZIP2: bz2.compress(CONTENT),
    Form.XZ: lzma.compress(CONTENT, preset=9),
    Form.ZLIB: zlib.compress(CONTENT),
    Form.ZIP_STORED: zip_member(zipfile.ZIP_STORED),
    Form.ZIP_DEFLATED: zip_member(zipfile.ZIP_DEFLATED),
    Form.ZIP_BZIP2: zip_member(zipfile.ZIP_BZIP2),
    Form.ZIP_LZMA: zip_member(zipfile.ZIP_LZMA),
}
STREAMS = [form for form in Form if form is not Form.ZIP_STORED]


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("size", [1 << 30, 997])
def test_every_form_expands_to_what_was_packed(form: Form, size: int) -> None:
    packed = PACKED[form]
    pieces = (packed[at : at + size] for at in range(0, len(packed), size))
    assert b"".join(inflated(pieces, form, len(CONTENT))) == CONTENT


@pytest.mark.parametrize("form", Form)
def test_one_byte_beyond_the_limit_is_refused(form: Form) -> None:
    with pytest.raises(TooLargeError):
        inflate(PACKED[form], form, len(CONTENT) - 1)


@pytest.mark.parametrize("form", STREAMS)
def test_a_stream_that_ends_too_early_is_refused(form: Form) -> None:
    with pytest.raises(TruncatedError):
        inflate(PACKED[form][:-1], form, len(CONTENT))


@pytest.mark.parametrize("form", STREAMS)
def test_data_after_a_stream_is_refused_or_ignored(form: Form) -> None:
    packed = PACKED[form] + b"more"
    with pytest.raises(TrailingDataError):
        inflate(packed, form, len(CONTENT))
    with pytest.raises(TrailingDataError):
        list(inflated((PACKED[form], b"more"), form, len(CONTENT)))
    assert inflate(packed, form, len(CONTENT), trailing=True) == CONTENT


@pytest.mark.parametrize("form", STREAMS)
def test_damage_is_an_error_of_its_own_and_nothing_else(form: Form) -> None:
    packed = PACKED[form]
    for place in range(0, 400, 7):
        broken = packed[:place] + bytes([packed[place] ^ 0x5A]) + packed[place + 1 :]
        try:
            inflate(broken, form, len(CONTENT))
        except InflateError:
            continue


@pytest.mark.parametrize(
    ("form", "bomb"),
    [
        (Form.GZIP, bombs.gzip_bomb),
        (Form.BZIP2, bombs.bzip2_bomb),
        (Form.XZ, bombs.xz_bomb),
        (Form.ZLIB, bombs.zlib_bomb),
    ],
)
def test_a_bomb_takes_no_more_memory_than_it_is_allowed(form: Form, bomb: object) -> None:
    packed = bomb()  # type: ignore[operator]
    assert len(packed) < 300_000

    def expand() -> None:
        with pytest.raises(TooLargeError):
            inflate(packed, form, LIMIT)

    assert bombs.peak_of(expand)[1] < 6 * LIMIT


def test_small_input_may_expand_to_little_and_large_input_to_a_multiple() -> None:
    assert allowed(1_000, 64 << 20) == 8 << 20
    assert allowed(300_000, 64 << 20) == 30_000_000
    assert allowed(50 << 20, 64 << 20) == 64 << 20
