from __future__ import annotations

import hashlib
import io
import struct
import zipfile

import pytest

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
        ({"metadata": pkg_info() + b"Name: other\n"}, "line 4 of METADATA repeats Name"),
        ({"metadata": pkg_info() + b"Version: 1.0\n"}, "repeats Version"),
        ({"metadata": pkg_info() + b"metadata-version: 2.1\n"}, "repeats metadata-version"),
        ({"metadata": b""}, "0 Metadata-Version lines"),
        ({"wheel": WHEEL + b"Wheel-Version: 1.0\n"}, "repeats Wheel-Version"),
        ({"wheel": WHEEL + b"Root-Is-Purelib: false\n"}, "repeats Root-Is-Purelib"),
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


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize(
    ("changes", "extra", "why"),
    [
        ({"metadata": pkg_info() + b"Requires-Dist: =?utf-8?q?evil?=\n"}, (), "an encoded word"),
        ({"metadata": pkg_info() + b"\nJ\xfcrgen\n"}, (), "METADATA is not UTF-8"),
        ({"metadata": pkg_info() + b"no field\nRequires-Dist: x\n"}, (), "is not a header field"),
        ({"wheel": WHEEL + b" folded\n"}, (), "continues tag"),
        ({}, (b"[DEFAULT]\na = b:c\n",), "is not a valid group"),
        ({}, (b"[console_scripts]\n../../../pwned = demo:main\n",), "not a valid script name"),
        ({}, (b"[console_scripts]\nrun = demo:main\n", b"#!python"), "is also an entry point"),
    ],
    ids=["word", "not UTF-8", "defect", "folded", "default", "path", "script"],
)
def test_what_installers_read_differently_is_refused_also_in_published_wheels(
    changes: dict[str, object], extra: tuple[bytes, ...], why: str, *, lenient: bool
) -> None:
    names = (f"{DIST_INFO}/entry_points.txt", "demo-1.0.data/scripts/RUN")
    entries = (Entry(name, data) for name, data in zip(names, extra, strict=False))
    with pytest.raises(AsamanError, match=why):
        read(wheel(*entries, **changes), lenient=lenient)


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
    with pytest.raises(AsamanError, match="an unknown data folder"):
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


def test_a_published_wheel_may_have_a_build_tag() -> None:
    assert read(wheel(), "demo-1.0-1-py3-none-any.whl", lenient=True).layout.build == "1"
