"""Zip archives: their framing, by the defects that must be refused."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrasaman_nox.archives import names
from amrasaman_nox.archives.names import Subject
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.wheels.reader import WheelContent, read_wheel
from tests.support.archives import (
    FILENAME,
    Entry,
    record_hash,
    record_rows,
    wheel,
    wheel_entries,
    zipped,
)

DEFLATED = 8


def read(data: bytes, filename: str = FILENAME, **options: object) -> WheelContent:
    return read_wheel(io.BytesIO(data), filename, **options)  # type: ignore[arg-type]


# Framing


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a zip file"),
        (b"<html>", "not a zip file"),
        (b"PK", "truncated"),
        (wheel()[:-1], "truncated zip archive"),
        (wheel()[:-40], "truncated zip archive"),
        (b"x" + wheel(), "not a zip file"),
        (b"PK" + wheel(), "data before"),
        (zipped(*wheel_entries(), before=b"PKxx"), "data before"),
        (wheel() + b"x", "data after its end"),
        (wheel() + wheel(), "data before"),
        (zipped(*wheel_entries(), comment=b"x"), "a comment"),
        (zipped(*wheel_entries(), comment=wheel()), "data before"),
        (zipped(*wheel_entries(), count=9), "central directory"),
        (zipped(*wheel_entries(), count=2), "central directory"),
        (zipped(*wheel_entries(), count=0xFFFF), "central directory"),
        (zipped(*wheel_entries(), size=0xFFFFFFFF), "data before"),
        (zipped(*wheel_entries(), disk=1), "several parts"),
        (zipped(*wheel_entries(), here=1), "several parts"),
        (zipped(*wheel_entries()[:-1], replace(wheel_entries()[-1], behind=b"x")), "after"),
    ],
)
def test_a_file_that_is_more_or_less_than_one_zip_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        read(data)


LINK = Entry("l", b"demo.py", mode=0o120777)
NUL = Entry(b"a\0b")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (Entry("x", b"data", local={"size": 5}), "do not match"),
        (Entry("x", b"data", local={"compressed": 5}), "do not match"),
        (Entry("x", b"data", local={"crc": 1}), "do not match"),
        (Entry("x", b"data", local={"method": 8}), "do not match"),
        (Entry("x", b"data", local={"flags": 0x800}), "do not match"),
        (Entry("x", b"data", local={"time": 5}), "do not match"),
        (Entry("x", b"data", local={"name": b"y"}), "do not match"),
        (Entry("x", b"data", local={"name": b"xy"}), "do not match"),
        (Entry("x", b"data", central={"name": b"y"}), "do not match"),
        (Entry("x", b"data", local={"crc": 1}, central={"crc": 1}), "CRC-32"),
        (Entry("x", b"data", method=8, content=b"\xff\xff"), "damaged"),
        (Entry("x", b"data", method=8, content=b"\x4b"), "wrong compressed size"),
        (Entry("x", b"", method=8, content=b"\3\0junk"), "wrong compressed size"),
        (Entry("x", b"data", before=b"junk"), "between"),
        (Entry("x", b"data", behind=b"junk"), "between"),
        (Entry("x", b"data", central={"offset": 0}), "do not match"),
        (Entry("x", b"data", central={"offset": 7}), "no local header"),
        (Entry("x", b"data", central={"comment": b"x"}), "comment"),
        (Entry("x", b"data", flags=0x8), "data descriptor"),
        (Entry("x", b"data", flags=0x1), "encryption"),
        (Entry("x", b"data", flags=0x40), "encryption"),
        (Entry("x", b"data", flags=0x2000), "encryption"),
        (Entry("x", b"data", method=12), "unknown compression"),
        (Entry("x", b"data", extra=b"\1\0\0\0"), "zip64"),
        (Entry("x", b"data", extra=b"up\1\0x"), "a second name"),
        (Entry("x", b"data", extra=b"\x01\x99\0\0"), "encryption"),
        (Entry("x", b"data", extra=b"\1\2\3"), "damaged extra field"),
        (Entry("x", b"data", extra=b"\1\2\xff\0"), "damaged extra field"),
        (Entry("x", b"data", local={"extra": b"\1\0\0\0"}), "zip64"),
        (Entry("d/", b"data", mode=0o40755), "content in"),
        (Entry("d", mode=0o40755), "special file"),
        (Entry("d/", mode=0o100644), "special file"),
        (Entry("d", mode=0o010644), "special file"),
        (LINK, "link"),
        (Entry("../evil"), "unsafe member name"),
        (Entry("/abs"), "unsafe member name"),
        (Entry("a\\b"), "unsafe member name"),
        (Entry("a\x1b"), "unsafe member name"),
        (Entry("a//b"), "unsafe member name"),
        (Entry("./a"), "unsafe member name"),
        (Entry(""), "unsafe member name"),
        (NUL, "unsafe member name"),
        (Entry("C:x"), "unsafe member name"),
        (Entry("demo-1.0.data/scripts/../../x"), "unsafe member name"),
        (Entry(b"\xe9", flags=0x800), "unsafe member name"),
        (Entry("é", local={"flags": 0}, central={"flags": 0}), "unsafe member name"),
        (Entry("demo.py", b"other"), "duplicate member"),
        (Entry("DEMO.py", b"other"), "differ only by case"),
        (Entry("demo.py/x"), "a file and a folder"),
    ],
)
def test_a_member_that_readers_differ_about_is_refused(entry: Entry, why: str) -> None:
    with pytest.raises(AsamanError, match=why) as caught:
        read(wheel(entry))
    assert len(caught.value.lines()) == 1


def test_a_member_in_the_central_directory_only_is_refused() -> None:
    data = bytearray(wheel())
    data[data.index(b"PK\3\4", 1)] = ord("X")
    with pytest.raises(AsamanError, match="no local header"):
        read(bytes(data))


def test_a_local_member_that_the_central_directory_lacks_is_refused() -> None:
    hidden = zipped(Entry("hidden.py", b"x"))
    hidden = hidden[: hidden.index(b"PK\1\2")]
    first, *rest = wheel_entries()
    with pytest.raises(AsamanError, match="between"):
        read(zipped(first, Entry("x", before=hidden), *rest))


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    with pytest.raises(AsamanError, match="expands beyond the limit"):
        read(wheel(Entry("zeros", bytes(200 << 20), method=DEFLATED)))


@pytest.mark.parametrize("method", [0, DEFLATED])
@pytest.mark.parametrize("size", [3, 5])
def test_a_size_that_both_headers_lie_about_is_refused(method: int, size: int) -> None:
    entry = Entry("x", b"data", method=method, local={"size": size}, central={"size": size})
    rows = [*record_rows(wheel_entries()[:-1]), f"x,{record_hash(b'data')},"]
    with pytest.raises(AsamanError, match="size of 'x'"):
        read(wheel(entry, rows=rows))


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = Entry("zeros", bytes(70 << 20), method=DEFLATED, local={"size": 9}, central={"size": 9})
    rows = [*record_rows(wheel_entries()[:-1]), f"zeros,{record_hash(b'')},9"]
    with pytest.raises(AsamanError, match="size of 'zeros'"):
        read(wheel(bomb, rows=rows))
    archive = read_zip(io.BytesIO(zipped(bomb)), Subject(what="demo"))
    taken: list[bytes] = []
    with pytest.raises(AsamanError, match="size of 'zeros'"):
        taken.extend(archive.pieces(archive.members[0]))
    assert taken == []


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MOST_MEMBERS", 3)
    with pytest.raises(AsamanError, match="more than 3 members"):
        read(wheel())


# Properties


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_byte_never_ends_in_another_error(data: st.DataObject) -> None:
    changed = bytearray(wheel(Entry("x", b"data" * 50, method=DEFLATED)))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        content = read(bytes(changed))
    except AsamanError:
        return
    with zipfile.ZipFile(io.BytesIO(bytes(changed))) as archive:
        assert {m.name: content.read(m.name) for m in content.members} == {
            info.filename: archive.read(info) for info in archive.infolist()
        }
