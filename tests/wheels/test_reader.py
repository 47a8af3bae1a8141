from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrasaman_nox.archives import names
from amrasaman_nox.archives.names import Subject
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, Member, Pin
from amrasaman_nox.wheels.reader import WheelContent, content_digest, read_wheel, wheel_value
from tests.support.archives import (
    DIST_INFO,
    FILENAME,
    WHEEL,
    Entry,
    pkg_info,
    record_hash,
    record_rows,
    wheel,
    wheel_entries,
    zipped,
)

DEFLATED = 8


def read(data: bytes, filename: str = FILENAME, **options: object) -> WheelContent:
    return read_wheel(io.BytesIO(data), filename, **options)  # type: ignore[arg-type]


# What is read


def test_a_sound_wheel_is_read() -> None:
    data = wheel(Entry("run", b"#!x", mode=0o100755), Entry("é.txt", b"y" * 9999, method=DEFLATED))
    content = read(data)
    assert (content.name, content.version, content.tags) == ("demo", "1.0", ("py3-none-any",))
    assert content.dist_info == DIST_INFO
    assert content.size == len(data)
    assert content.digest == Digest.of(data)
    assert content.read("é.txt") == b"y" * 9999
    assert b"".join(content.pieces("run")) == b"#!x"
    assert [member.name for member in content.members if member.executable] == ["run"]
    with pytest.raises(KeyError):
        content.read("missing")


def test_what_the_standard_library_writes_is_read_alike() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in wheel_entries(Entry("a/b.py", b"x" * 5000)):
            archive.writestr(entry.raw.decode(), entry.data)
    content = read(buffer.getvalue())
    with zipfile.ZipFile(buffer) as archive:
        for member in content.members:
            data = archive.read(member.name)
            assert content.read(member.name) == data
            assert member.sha256 == hashlib.sha256(data).hexdigest()


def test_a_wheel_is_a_value_with_two_digests() -> None:
    data = wheel(Entry("b"), Entry("a", mode=0o100755))
    value = wheel_value(read(data))
    assert value.digest == Digest.of(data)
    assert [member.name for member in value.members[:3]] == ["a", "b", f"{DIST_INFO}/METADATA"]
    assert value.content_digest == content_digest(value.members)


def test_the_content_digest_is_what_its_documentation_says() -> None:
    found = content_digest(
        (
            Member(name="é", sha256="b" * 64, size=1, executable=True),
            Member(name="a", sha256="a" * 64, size=2),
        )
    )
    lines = "a\0000\0" + "a" * 64 + "\n" + "é\0001\0" + "b" * 64 + "\n"
    assert found == Digest.of(lines.encode())


@pytest.mark.parametrize(
    "changes",
    [{"mode": 0o100644, "method": DEFLATED}, {"extra": struct.pack("<2H", 0xCAFE, 0)}],
)
def test_the_content_digest_does_not_depend_on_the_zip(changes: dict[str, object]) -> None:
    plain = wheel_value(read(wheel(Entry("a", b"x" * 999))))
    other = wheel_value(read(wheel(Entry("a", b"x" * 999, **changes))))  # type: ignore[arg-type]
    assert plain.digest != other.digest
    assert plain.content_digest == other.content_digest


@pytest.mark.parametrize(
    "extra",
    [
        (Entry("pkg/", mode=0o40755), Entry("pkg/a.py")),
        (Entry("demo-1.0.data/scripts/run", b"#!python"),),
        (Entry("demo-1.0.data/", mode=0o40755), Entry("demo-1.0.data/data/", mode=0o40755)),
        (Entry("vendored/x-1.dist-info/METADATA", b"x"),),
        (Entry("a", mode=0),),
    ],
    ids=["folder", "script", "data folders", "vendored", "no mode"],
)
def test_what_real_wheels_hold_is_accepted(extra: tuple[Entry, ...]) -> None:
    assert read(wheel(*extra)).name == "demo"


@pytest.mark.parametrize(
    ("filename", "name", "version", "tags"),
    [
        ("Demo_Thing-1.0-py3-none-any.whl", "Demo-Thing", "1.0", "py3-none-any"),
        ("ruamel.yaml-1.0-py3-none-any.whl", "ruamel.yaml", "1.0", "py3-none-any"),
        ("demo-1.0+local.1-py3-none-any.whl", "demo", "1.0+local.1", "py3-none-any"),
        ("demo-1.0-py2.py3-none-any.whl", "demo", "1.0", "py2-none-any\nTag: py3-none-any"),
        ("demo-1.0-py2.py3-none-any.whl", "demo", "1.0", "py2.py3-none-any"),
    ],
)
def test_names_and_tags_are_compared_in_their_normal_form(
    filename: str, name: str, version: str, tags: str
) -> None:
    stem = "-".join(filename.split("-")[:2])
    data = wheel(
        dist_info=f"{stem}.dist-info",
        metadata=pkg_info(name, version),
        wheel=WHEEL.replace(b"py3-none-any", tags.encode()),
    )
    assert read(data, filename).version == version


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_strong_hash_in_record_is_checked(algorithm: str) -> None:
    entries = wheel_entries()[:-1]
    rows = [f"{one.raw.decode()},{record_hash(one.data, algorithm)}," for one in entries]
    assert read(wheel(rows=[*rows, f"{DIST_INFO}/RECORD,,"])).name == "demo"
    wrong = [row.replace(f"{algorithm}=", f"{algorithm}=A") for row in rows]
    with pytest.raises(AsamanError, match=r"hash of 'demo\.py' is wrong"):
        read(wheel(rows=[*wrong, f"{DIST_INFO}/RECORD,,"]))


@pytest.mark.parametrize("name", ["RECORD.jws", "RECORD.p7s"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_signature_need_not_be_in_record(name: str, *, listed: bool) -> None:
    signature = Entry(f"{DIST_INFO}/{name}", b"{}")
    rows = record_rows(wheel_entries()[:-1]) + ([f"{DIST_INFO}/{name},,"] if listed else [])
    assert read(wheel(signature, rows=rows)).name == "demo"


# Names


@pytest.mark.parametrize(
    "filename",
    [
        "demo-1.0.whl",
        "demo-1.0-py3-none-any.zip",
        "demo-1.0-py3-none.whl",
        "demo-1.0-1-py3-none-any.whl",
        "demo-1.0-py3-none-any!.whl",
        "demo-1.0-py3--any.whl",
        "other-1.0-py3-none-any.whl",
        "demo-1.1-py3-none-any.whl",
        "demo-1.0.1-py3-none-any.whl",
        "demo-x-py3-none-any.whl",
        "démo-1.0-py3-none-any.whl",
        "demo-1.0-py2-none-any.whl",
        "demo-1.0-py2.py3-none-any.whl",
        "",
    ],
)
def test_a_file_name_that_is_not_the_wheels_is_refused(filename: str) -> None:
    with pytest.raises(AsamanError, match=r"name mismatch|unsafe member name") as caught:
        read(wheel(), filename)
    assert caught.value.code == ExitCode.BUILD_FAILED


@pytest.mark.parametrize("filename", [f"../{FILENAME}", f"/{FILENAME}", f"a/{FILENAME}"])
def test_a_file_name_with_a_folder_is_refused(filename: str) -> None:
    with pytest.raises(AsamanError):
        read(wheel(), filename)


@pytest.mark.parametrize(
    "pin", [Pin(name="other", version="1.0"), Pin(name="demo", version="1.0.1")]
)
def test_a_wheel_that_is_not_the_pins_is_refused(pin: Pin) -> None:
    with pytest.raises(AsamanError, match="name mismatch: the file name is not that of"):
        read(wheel(), pin=pin)
    assert read(wheel(), pin=Pin(name="demo", version="1")).name == "demo"


def test_the_exit_code_is_the_callers() -> None:
    with pytest.raises(AsamanError) as caught:
        read(b"", code=ExitCode.BAD_INPUT)
    assert caught.value.code == ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"metadata": pkg_info("other")}, "metadata mismatch"),
        ({"metadata": pkg_info("demo", "1.0.1")}, "metadata mismatch"),
        ({"metadata": pkg_info() + b"Name: other\n"}, "2 Name lines"),
        ({"metadata": pkg_info() + b"Version: 1.0\n"}, "2 Version lines"),
        ({"metadata": pkg_info() + b"metadata-version: 2.1\n"}, "2 Metadata-Version lines"),
        ({"metadata": b""}, "0 Metadata-Version lines"),
        ({"wheel": WHEEL + b"Wheel-Version: 1.0\n"}, "2 Wheel-Version lines"),
        ({"wheel": WHEEL + b"Root-Is-Purelib: false\n"}, "2 Root-Is-Purelib lines"),
        ({"wheel": WHEEL.replace(b"true", b"maybe")}, "Root-Is-Purelib is 'maybe'"),
        ({"wheel": WHEEL.replace(b"1.0", b"2.0")}, "unsupported Wheel-Version"),
        ({"wheel": WHEEL.replace(b"py3-none-any", b"py2-none-any")}, "tags in WHEEL"),
        ({"wheel": WHEEL + b"Tag: py2-none-any\n"}, "tags in WHEEL"),
        ({"wheel": WHEEL + b"Tag: x\n"}, "malformed tag"),
        ({"wheel": WHEEL.replace(b"Tag", b"Tug")}, "tags in WHEEL"),
        ({"dist_info": "other-1.0.dist-info"}, "name mismatch: the folder"),
        ({"dist_info": "demo-1.0.1.dist-info"}, "name mismatch: the folder"),
        ({"dist_info": "demo.dist-info"}, "name mismatch: the folder"),
        ({"dist_info": "demo-1.0.DIST-INFO"}, "name mismatch: the folder"),
    ],
)
def test_metadata_that_contradicts_the_file_name_is_refused(
    changes: dict[str, object], why: str
) -> None:
    with pytest.raises(AsamanError, match=why):
        read(wheel(**changes))


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_a_missing_metadata_file_is_refused(name: str) -> None:
    entries = [entry for entry in wheel_entries() if not entry.raw.endswith(name.encode())]
    with pytest.raises(AsamanError, match=f"no {DIST_INFO}/{name}"):
        read(zipped(*entries))


@pytest.mark.parametrize("other", ["demo-1.1.dist-info/x", "X.Dist-Info/x"])
def test_two_dist_info_folders_are_refused(other: str) -> None:
    with pytest.raises(AsamanError, match=r"2 \.dist-info folders"):
        read(wheel(Entry(other)))


@pytest.mark.parametrize(
    "name", ["other-1.0.data/data/x", "demo-1.0.data/x", "demo-1.0.data/odd/x", "x.DATA/data/y"]
)
def test_a_data_folder_that_installers_differ_about_is_refused(name: str) -> None:
    with pytest.raises(AsamanError, match="no known data folder"):
        read(wheel(Entry(name)))


# RECORD


def rows_with(change: str) -> list[str]:
    rows = record_rows(wheel_entries()[:-1])
    first = rows[0].split(",")
    return {
        "missing row": rows[1:],
        "doubled row": [rows[0], *rows],
        "extra row": [*rows, f"ghost.py,{record_hash(b'')},0"],
        "escaping row": [*rows, f"../demo.py,{record_hash(b'')},0"],
        "other spelling": [f"./{rows[0]}", *rows[1:]],
        "wrong hash": [f"demo.py,{record_hash(b'x')},10", *rows[1:]],
        "padded hash": [f"demo.py,{first[1]}=,10", *rows[1:]],
        "wrong size": [f"demo.py,{first[1]},11", *rows[1:]],
        "md5": [f"demo.py,{record_hash(b'VALUE = 1' + bytes([10]), 'md5')},10", *rows[1:]],
        "unknown hash": ["demo.py,crc32=AAAA,10", *rows[1:]],
        "no hash": ["demo.py,,10", *rows[1:]],
        "two columns": [f"demo.py,{first[1]}", *rows[1:]],
        "four columns": [f"{rows[0]},x", *rows[1:]],
        "open quote": [*rows, '"x'],
        "no own row": rows[:-1],
        "own hash": [*rows[:-1], f"{DIST_INFO}/RECORD,{record_hash(b'')},"],
    }[change]


@pytest.mark.parametrize(
    "change",
    [
        "missing row",
        "doubled row",
        "extra row",
        "escaping row",
        "other spelling",
        "wrong hash",
        "padded hash",
        "wrong size",
        "md5",
        "unknown hash",
        "no hash",
        "two columns",
        "four columns",
        "open quote",
        "no own row",
        "own hash",
    ],
)
def test_a_record_that_does_not_match_is_refused(change: str) -> None:
    with pytest.raises(AsamanError, match="RECORD mismatch"):
        read(wheel(rows=rows_with(change)))


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
        (zipped(*wheel_entries()[:-1], replace(wheel_entries()[-1], behind=b"x")), "behind"),
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


def test_a_published_wheel_may_have_a_build_tag() -> None:
    assert read(wheel(), "demo-1.0-1-py3-none-any.whl", lenient=True).layout.build == "1"


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
