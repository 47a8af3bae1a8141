from __future__ import annotations

import compileall
import csv
import io
import struct
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH, Digest, Pin, Wheel
from amrasaman_nox.wheels.canonical import PASSES, canonicalise, dos_moment
from amrasaman_nox.wheels.reader import read_wheel, wheel_value
from tests.support.archives import (
    DIST_INFO,
    FILENAME,
    Entry,
    record_hash,
    record_rows,
    wheel,
    wheel_entries,
    zipped,
)
from tests.wheels import handmade

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = DEFAULT_SOURCE_DATE_EPOCH


def canonical(data: bytes, epoch: int = EPOCH) -> tuple[bytes, Wheel, tuple[str, ...]]:
    destination = io.BytesIO()
    wheel, passes = canonicalise(io.BytesIO(data), FILENAME, destination, epoch=epoch)
    return destination.getvalue(), wheel, passes


*_ROWS, OWN_ROW = record_rows(wheel_entries()[:-1])
ROWS = [*sorted(_ROWS), OWN_ROW]
EXTRA = struct.pack("<2HB", 0xCAFE, 1, 0)


def settled(entries: list[Entry]) -> list[Entry]:
    """Return *entries* with the canonical time."""
    date, time = dos_moment(EPOCH)
    moment = {"date": date, "time": time}
    return [replace(one, local=moment | one.local, central=moment | one.central) for one in entries]


def canonical_entries() -> list[Entry]:
    """Return the members of a canonical wheel."""
    return settled(wheel_entries(rows=ROWS))


def changed(name: str, **changes: object) -> bytes:
    """Return a wheel that is canonical but for *changes* of its member *name*."""
    entries = [
        replace(entry, **changes) if entry.raw == name.encode() else entry  # type: ignore[arg-type]
        for entry in canonical_entries()
    ]
    return zipped(*entries)


def test_a_canonical_wheel_comes_out_as_it_went_in() -> None:
    once, _, passes = canonical(wheel(Entry("b/", mode=0o40755), Entry("a", b"x", method=8)))
    assert passes
    twice, _, none = canonical(once)
    assert none == ()
    assert twice == once


def test_a_wheel_made_by_hand_in_canonical_form_comes_out_as_it_went_in() -> None:
    data = zipped(*canonical_entries())
    assert canonical(data)[0] == data
    assert canonical(data)[2] == ()


def test_the_value_is_that_of_the_file_that_was_written() -> None:
    data, value, _ = canonical(wheel(Entry("z", b"x" * 99, mode=0o100775)))
    assert value == wheel_value(read_wheel(io.BytesIO(data), FILENAME))
    assert value.digest == Digest.of(data)
    assert value.size == len(data)


def backwards() -> bytes:
    *rest, record = canonical_entries()
    return zipped(*reversed(rest), record)


def central_backwards(entries: list[Entry]) -> bytes:
    data = zipped(*entries)
    start = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    headers = data[start:end].split(b"PK\1\2")[1:]
    return data[:start] + b"".join(b"PK\1\2" + entry for entry in headers[::-1]) + data[end:]


def with_folder() -> bytes:
    return zipped(Entry("b/", mode=0o40755), *canonical_entries())


def with_signature() -> bytes:
    signature = Entry(f"{DIST_INFO}/RECORD.jws", b"{}")
    return zipped(*settled(wheel_entries(signature, rows=ROWS)))


def with_sbom() -> bytes:
    content = b'{"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:random"}'
    code, *rest, record = wheel_entries(Entry(f"{DIST_INFO}/sboms/demo.cyclonedx.json", content))
    sbom, *metadata = rest
    return zipped(*settled([code, *metadata, sbom, record]))


def with_rows(rows: list[str]) -> bytes:
    return zipped(*settled(wheel_entries(rows=rows)))


SHA512 = [
    f"{entry.raw.decode()},{record_hash(entry.data, 'sha512')},{len(entry.data)}"
    for entry in canonical_entries()[:-1]
]


@pytest.mark.parametrize(
    ("data", "passes"),
    [
        (backwards(), ("member-order",)),
        (central_backwards(canonical_entries()), ("member-order",)),
        (central_backwards(canonical_entries()[::-1]), ("member-order",)),
        (changed("demo.py", local={}, central={}), ("member-times",)),
        (changed("demo.py", mode=0o100664), ("member-modes",)),
        (changed("demo.py", mode=0o100775), ("member-modes",)),
        (changed("demo.py", mode=0), ("member-modes",)),
        (changed("demo.py", method=8), ("compression",)),
        (with_folder(), ("directories",)),
        (changed("demo.py", extra=EXTRA), ("extra-fields",)),
        (with_signature(), ("signatures",)),
        (with_sbom(), ("cargo-sbom", "record")),
        (with_rows(ROWS[::-1]), ("record",)),
        (with_rows([*sorted(SHA512), OWN_ROW]), ("record",)),
    ],
)
def test_each_pass_is_named_when_it_changes_something(data: bytes, passes: tuple[str, ...]) -> None:
    out, _, found = canonical(data)
    assert found == passes
    assert canonical(out) == (out, canonical(data)[1], ())


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ("central", {"made_by": 20}),
        ("central", {"internal": 1}),
        ("both", {"needed": 45}),
        ("both", {"flags": 0x800}),
    ],
)
def test_other_headers_are_one_pass(where: str, fields: dict[str, int]) -> None:
    date, time = dos_moment(EPOCH)
    moment = {"date": date, "time": time}
    local = moment | (fields if where == "both" else {})
    data = changed("demo.py", local=local, central=moment | fields)
    out, _, passes = canonical(data)
    assert passes == ("headers",)
    assert out == zipped(*canonical_entries())


def test_every_pass_has_a_name_and_a_description_of_its_own() -> None:
    assert len({one.name for one in PASSES}) == len(PASSES) == len({one.sets for one in PASSES})


def test_members_are_sorted_with_the_metadata_behind_and_record_last() -> None:
    extra = [Entry("zz.py"), Entry("a-b.py"), Entry("a/b.py"), Entry("é.py"), Entry("Z.py")]
    data, _, _ = canonical(wheel(*extra))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
    assert names[:6] == ["Z.py", "a-b.py", "a/b.py", "demo.py", "zz.py", "é.py"]
    assert names[6:] == [f"{DIST_INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")]


def test_executable_files_stay_executable() -> None:
    data, _, _ = canonical(wheel(Entry("run", mode=0o100711), Entry("odd", mode=0o100600)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes["run"] == 0o100755
    assert modes["odd"] == 0o100644


def test_record_is_sorted_and_complete() -> None:
    data, _, _ = canonical(wheel(Entry("a b", b"x")))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows = list(csv.reader(io.StringIO(archive.read(f"{DIST_INFO}/RECORD").decode())))
        expected = [
            [name, record_hash(archive.read(name)), str(archive.getinfo(name).file_size)]
            for name in sorted(archive.namelist())
            if name != f"{DIST_INFO}/RECORD"
        ]
    assert rows == [*expected, [f"{DIST_INFO}/RECORD", "", ""]]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (EPOCH, (2011, 6, 29, 20, 23, 36)),
        (0, (1980, 1, 1, 0, 0, 0)),
        (-1, (1980, 1, 1, 0, 0, 0)),
        (1_700_000_001, (2023, 11, 14, 22, 13, 20)),
        (1 << 40, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_are_the_epoch_in_utc_within_zips_range(
    epoch: int, expected: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "XYZ-14")
    time.tzset()
    try:
        data, _, _ = canonical(wheel(), epoch)
    finally:
        monkeypatch.undo()
        time.tzset()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.date_time for info in archive.infolist()} == {expected}


def test_a_wheel_that_the_reader_refuses_is_refused() -> None:
    with pytest.raises(AsamanError, match=r"hash of 'demo\.py' is wrong") as caught:
        canonical(with_rows([row.replace("py,sha256=", "py,sha256=A") for row in ROWS]))
    assert caught.value.code == ExitCode.BUILD_FAILED
    with pytest.raises(AsamanError, match="name mismatch"):
        canonicalise(
            io.BytesIO(wheel()),
            FILENAME,
            io.BytesIO(),
            epoch=EPOCH,
            pin=Pin(name="demo", version="2.0"),
        )


def test_two_writings_of_one_content_become_one_wheel() -> None:
    extra = [Entry("a/", mode=0o40700), Entry("a/b.py", b"x" * 5000, method=8, mode=0o100600)]
    other = [Entry("a/b.py", b"x" * 5000, mode=0o100664, extra=EXTRA)]
    assert canonical(wheel(*extra))[0] == canonical(wheel(*other))[0]


_NAMES = st.text("abcé-_. ,\"'", min_size=1, max_size=6).filter(lambda text: text.strip(".") != "")
_EXTRA = st.dictionaries(
    st.lists(_NAMES, min_size=1, max_size=3).map("/".join),
    st.tuples(st.binary(max_size=3000), st.booleans(), st.sampled_from([0, 8])),
    max_size=6,
)


@settings(deadline=None, max_examples=100)
@given(_EXTRA)
def test_names_contents_and_executable_bits_survive(
    files: dict[str, tuple[bytes, bool, int]],
) -> None:
    extra = [
        Entry(name, content, mode=0o100755 if executable else 0o100644, method=method)
        for name, (content, executable, method) in files.items()
    ]
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for entry in wheel_entries(*extra)[:-1]:
        writer.writerow([entry.raw.decode(), record_hash(entry.data), len(entry.data)])
    source = wheel(*extra, rows=[*rows.getvalue().splitlines(), f"{DIST_INFO}/RECORD,,"])
    try:
        content = read_wheel(io.BytesIO(source), FILENAME)
    except AsamanError:
        return  # two of the names are one to some file system
    data, value, _ = canonical(source)
    assert canonical(data)[0] == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name, (content_of_it, _, _) in files.items():
            assert archive.read(name) == content_of_it
    before = {m.name: m for m in content.members if not m.name.endswith("RECORD")}
    assert before == {m.name: m for m in value.members if not m.name.endswith("RECORD")}


# Installers


@pytest.fixture
def wheel_file(tmp_path: Path) -> Path:
    data, _, _ = canonical(
        wheel(
            Entry("pkg/é.py", b"X = 1\n"),
            Entry("demo-1.0.data/scripts/run", b"#!python\n", mode=0o100755),
        )
    )
    path = tmp_path / FILENAME
    path.write_bytes(data)
    return path


def test_installer_accepts_a_canonical_wheel(wheel_file: Path, tmp_path: Path) -> None:
    schemes = {name: str(tmp_path / name) for name in ("purelib", "platlib", "scripts", "data")}
    destination = SchemeDictionaryDestination(schemes, sys.executable, "posix")
    with WheelFile.open(wheel_file) as source:
        source.validate_record()
        install(source, destination, {})
    assert (tmp_path / "purelib" / "pkg" / "é.py").read_bytes() == b"X = 1\n"
    assert (tmp_path / "scripts" / "run").stat().st_mode & 0o111
    assert compileall.compile_dir(tmp_path / "purelib", quiet=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "pip", "install", "--isolated", "--no-cache-dir"],
        ["-m", "uv", "pip", "install", "--no-config", "--no-cache", "--python", sys.executable],
    ],
    ids=["pip", "uv"],
)
def test_installers_accept_a_canonical_wheel(
    command: list[str], wheel_file: Path, tmp_path: Path
) -> None:
    digest = Digest.of(wheel_file.read_bytes())
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"demo==1.0 --hash={digest}\n")
    rest = ["--no-index", "--no-deps", "--require-hashes", "--find-links", str(wheel_file.parent)]
    target = ["--target", str(tmp_path / "target"), "-r", str(requirements)]
    subprocess.run([sys.executable, *command, *rest, *target], check=True, capture_output=True)
    assert (tmp_path / "target" / "pkg" / "é.py").read_bytes() == b"X = 1\n"


def test_names_lose_the_folder_they_are_in_already() -> None:
    dotted = f"{DIST_INFO}/licenses/./LICENSE"
    data, value, passes = canonical(wheel(Entry(dotted, b"MIT"), Entry("./b.py", b"B = 1\n")))
    names = {member.name for member in value.members}
    assert {f"{DIST_INFO}/licenses/LICENSE", "b.py"} <= names
    assert "member-names" in passes
    assert "member-names" not in canonical(data)[2]
    with pytest.raises(AsamanError, match="unsafe member name"):
        read_wheel(io.BytesIO(wheel(Entry(dotted, b"MIT"))), FILENAME)


@pytest.mark.parametrize(
    ("first", "second"), [("a.py", "./a.py"), ("./a.py", "././a.py"), ("A.py", "./a.py")]
)
def test_names_that_become_one_are_refused(first: str, second: str) -> None:
    with pytest.raises(AsamanError, match=r"duplicate member|differ only by case"):
        canonical(wheel(Entry(first, b"1"), Entry(second, b"2")))


@pytest.mark.parametrize("name", ["a/../b.py", "/a.py", "..", "a//b.py"])
def test_a_name_that_leads_elsewhere_stays_refused(name: str) -> None:
    with pytest.raises(AsamanError, match="unsafe member name"):
        canonical(wheel(Entry(name, b"1")))


@pytest.mark.parametrize(
    ("said", "accepted"), [("1abc", True), ("", False), ("1", False), ("2abc", False)]
)
def test_a_build_tag_must_be_that_of_the_wheel_file(said: str, accepted: bool) -> None:
    made = handmade.wheel(
        {
            "demo-1.0.dist-info/WHEEL": handmade.WHEEL
            + (f"Build: {said}\n".encode() if said else b"")
        }
    )
    name = "demo-1.0-1abc-py3-none-any.whl"
    if accepted:
        assert canonicalise(io.BytesIO(made), name, io.BytesIO(), epoch=EPOCH)[0].filename == name
        return
    with pytest.raises(AsamanError, match="build tag '1abc' is not the Build of WHEEL"):
        canonicalise(io.BytesIO(made), name, io.BytesIO(), epoch=EPOCH)
