"""Gzipped tar archives: their framing, by the defects that must be refused."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrasaman_nox.errors import AsamanError, ExitCode
from tests.sdists.examples import TOP, read, zip_sdist
from tests.support.archives import (
    END,
    GNU,
    folder,
    gzipped,
    hard,
    link,
    pax,
    sdist,
    tar_header,
    tar_member,
)

# What is refused


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a gzip file"),
        (b"<html></html>", "not a gzip file"),
        (b"".join([tar_member("p/f"), END]), "not a gzip file"),
        (gzipped(b""), "truncated tar"),
        (gzipped(tar_member(f"{TOP}/f", b"x" * 600)[:-512]), "truncated tar"),
        (gzipped(tar_member(f"{TOP}/f", b"x")), "truncated tar"),
        (sdist()[:-4], "truncated gzip"),
        (sdist()[:-30], "truncated gzip"),
        (sdist()[:-8] + bytes(8), "damaged gzip"),
        (sdist() + b"x", "data after the end of the gzip"),
        (sdist() + bytes(512) + b"x", "data after the end of the gzip"),
        (sdist() + bytes((16 << 10) + 1), "data after the end of the gzip"),
        (sdist() + sdist(), "data after the end of the gzip"),
        (sdist() + zip_sdist(), "data after the end of the gzip"),
        (gzipped(b"x" * 512 + END), "unknown header format"),
        (sdist(END, tar_member(f"{TOP}/hidden")), "data after the end of the tar"),
        (sdist(bytes(512), tar_member(f"{TOP}/hidden")), "data after the end of the tar"),
        (gzipped(tar_member("x", magic=bytes(8), prefix=b"y") + END), "unknown header format"),
        (sdist(tar_member(f"{TOP}/f", checksum=b"000000\0 ")), "checksum"),
        (sdist(pax((b"path", b"x"))), "extended header without its member"),
    ],
)
def test_what_is_no_sound_gzipped_tar_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=why) as caught:
        read(data)
    assert caught.value.code == ExitCode.BAD_INPUT
    assert len(caught.value.lines()) == 1


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (tar_member(b"demo-1.0/\xff"), "unsafe member name"),
        (pax((b"path", b"demo-1.0/a\0b")) + tar_member(f"{TOP}/f"), "unsafe member name"),
        (pax((b"path", b"")) + tar_member(f"{TOP}/f"), "unsafe member name"),
        (tar_member("l", b"demo-1.0/a\0b", kind=b"L") + tar_member(f"{TOP}/f"), "unsafe member"),
        (tar_member(f"{TOP}/f/"), "unsafe member name"),
        (tar_member("f", magic=GNU, prefix=TOP.encode()), "unsafe member name"),
        (tar_member(b""), "unsafe member name"),
        (pax((b"hdrcharset", b"BINARY")) + tar_member(f"{TOP}/f"), "unsafe member name"),
        (
            pax((b"path", TOP.encode() + b"/" + b"x" * 256)) + tar_member("f"),
            "member name too long",
        ),
        (pax((b"path", TOP.encode() + b"/x" * 2100)) + tar_member("f"), "member name too long"),
        (pax((b"path", TOP.encode() + b"/x" * 200)) + tar_member("f"), "member name too long"),
        (hard(f"{TOP}/f", f"{TOP}/f"), "not an earlier file"),
        (hard(f"{TOP}/f", f"{TOP}/missing"), "not an earlier file"),
        (hard(f"{TOP}/f", f"{TOP}/./setup.py"), "not an earlier file"),
        (hard(f"{TOP}/f", "setup.py"), "not an earlier file"),
        (hard(f"{TOP}/f", "/etc/passwd"), "not an earlier file"),
        (hard(f"{TOP}/f", TOP), "not an earlier file"),
        (folder(f"{TOP}/d") + hard(f"{TOP}/f", f"{TOP}/d"), "not an earlier file"),
        (hard(f"{TOP}/f", f"{TOP}/late") + tar_member(f"{TOP}/late"), "not an earlier file"),
        (hard(f"{TOP}/f", f"{TOP}/setup.py") + hard(f"{TOP}/g", f"{TOP}/f"), "not an earlier file"),
        (link(f"{TOP}/l", "setup.py") + hard(f"{TOP}/f", f"{TOP}/l"), "not an earlier file"),
        (hard(f"{TOP}/pyproject.toml", f"{TOP}/setup.py"), "unsafe link"),
        (tar_member(f"{TOP}/f", b"x", kind=b"1", link=f"{TOP}/setup.py".encode()), "content in"),
        (tar_member("._other", b"x"), "outside the top folder"),
        (tar_member(f"{TOP}/f", kind=b"6"), "special file"),
        (tar_member(f"{TOP}/f", kind=b"3"), "special file"),
        (tar_member(f"{TOP}/f", kind=b"4"), "special file"),
        (tar_member(f"{TOP}/f", kind=b"S"), "sparse"),
        (tar_member(f"{TOP}/f", kind=b"7"), "unknown member type"),
        (tar_member(f"{TOP}/f", kind=b"Z"), "unknown member type"),
        (pax((b"GNU.sparse.major", b"1")) + tar_member(f"{TOP}/f"), "sparse"),
        (tar_header(f"{TOP}/f".encode(), size=b"-0000000001\0"), "not octal"),
        (tar_header(f"{TOP}/f".encode(), size=b"\x80" + bytes(10) + b"\1"), "not octal"),
        (tar_header(f"{TOP}/f".encode(), size=b"0000_000001\0"), "not octal"),
        (pax((b"size", b"2")) + tar_member(f"{TOP}/f", b"x"), "two sizes"),
        (pax((b"size", b"01")) + tar_member(f"{TOP}/f", b"x"), "two sizes"),
        (pax((b"path", b"a"), (b"path", b"b")) + tar_member(f"{TOP}/f"), "repeats a record"),
        (pax((b"path", b"a"), kind=b"g") + tar_member(f"{TOP}/f"), "global extended header"),
        (pax((b"mtime", b"1")) * 2 + tar_member(f"{TOP}/f"), "two extended headers"),
        (
            pax((b"path", b"a")) + tar_member("l", b"b", kind=b"L") + tar_member(f"{TOP}/f"),
            "two extended headers",
        ),
        (tar_member("p", b"99 path=x\n", kind=b"x") + tar_member(f"{TOP}/f"), "damaged extended"),
        (tar_member("p", b"-1 path=x\n", kind=b"x") + tar_member(f"{TOP}/f"), "damaged extended"),
        (tar_header(b"p", size=1 << 30, kind=b"x"), "extended header too large"),
        (tar_member(f"{TOP}/d/", b"x", kind=b"5"), "content in"),
        (tar_member(f"{TOP}/l", b"x", kind=b"2", link=b"setup.py"), "content in"),
        (tar_member("other/f"), "outside the top folder"),
        (tar_member("f"), "outside the top folder"),
    ],
)
def test_a_member_that_an_sdist_must_not_have_is_refused(member: bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        read(sdist(member))


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(place: int, value: int) -> None:
    data = bytearray(gzip.decompress(sdist(tar_member(f"{TOP}/f", b"x" * 600))))
    data[place % len(data)] = value
    try:
        info = read(gzipped(bytes(data)))
    except AsamanError:
        return
    assert info.top
