"""Hostile archives beside other readers: what we accept, all of them accept, and read alike."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.wheels.reader import read_wheel

from .support.archives import (
    DIST_INFO,
    FILENAME,
    Entry,
    folder,
    gzipped,
    hard,
    link,
    pax,
    pkg_info,
    record_hash,
    sdist,
    tar_member,
    wheel,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOP = "demo-1.0"
EXTRA = Entry("demo/x.py", b"X = 1\n")
_ROWS = [
    f"demo.py,{record_hash(b'VALUE = 1' + chr(10).encode())},10",
    f"{DIST_INFO}/METADATA,{record_hash(pkg_info())},{len(pkg_info())}",
]

#: Wheels that are sound (``True``), or that two readers could take for two things.
WHEELS: dict[str, tuple[bytes, bool]] = {
    "sound": (wheel(EXTRA), True),
    "deflated": (wheel(Entry("demo/x.py", b"X = 1\n" * 9, method=8)), True),
    "data folder": (wheel(Entry("demo-1.0.data/scripts/run", b"#!python\n")), True),
    "doubled member": (wheel(EXTRA, Entry("demo/x.py", b"X = 2\n")), False),
    "members that differ by case": (wheel(EXTRA, Entry("demo/X.py", b"X = 2\n")), False),
    "member outside": (wheel(Entry("../evil.py", b"X = 2\n")), False),
    "absolute member": (wheel(Entry("/tmp/evil.py", b"X = 2\n")), False),
    "member with a backslash": (wheel(Entry("a\\b.py", b"X = 2\n")), False),
    "script outside": (wheel(Entry("demo-1.0.data/scripts/../../x", b"X")), False),
    "link": (wheel(Entry("demo/l", b"x.py", mode=0o120777)), False),
    "local name unlike central": (wheel(Entry("a.py", b"X", local={"name": b"b.py"})), False),
    "local size unlike central": (wheel(Entry("a.py", b"X", local={"size": 5})), False),
    "crc unlike content": (wheel(Entry("a.py", b"X", local={"crc": 1}, central={"crc": 1})), False),
    "data before": (b"MZ" + wheel(), False),
    "data behind": (wheel() + b"x", False),
    "two archives": (wheel() + wheel(EXTRA), False),
    "second dist-info": (wheel(Entry("other-1.dist-info/METADATA", b"")), False),
    "another version in METADATA": (wheel(metadata=pkg_info("demo", "2.0")), False),
    "no row in RECORD": (wheel(rows=_ROWS), False),
    "wrong hash in RECORD": (
        wheel(rows=[f"demo.py,{record_hash(b'other')},10", *_ROWS[1:]]),
        False,
    ),
}

#: Sdists likewise.
SDISTS: dict[str, tuple[bytes, bool]] = {
    "sound": (sdist(folder(f"{TOP}/d"), tar_member(f"{TOP}/d/f", b"x")), True),
    "link inside": (sdist(link(f"{TOP}/l", "setup.py")), True),
    "long name": (sdist(pax((b"path", f"{TOP}/é".encode())) + tar_member("f", b"x")), True),
    "member outside": (sdist(tar_member(f"{TOP}/../../x")), False),
    "absolute member": (sdist(tar_member("/abs")), False),
    "doubled member": (sdist(tar_member(f"{TOP}/f", b"1"), tar_member(f"{TOP}/f", b"2")), False),
    "link outside": (sdist(link(f"{TOP}/l", "../../x")), False),
    "absolute link": (sdist(link(f"{TOP}/l", "/etc/passwd")), False),
    "member below a link": (
        sdist(tar_member(f"{TOP}/d/f"), link(f"{TOP}/l", "d"), tar_member(f"{TOP}/l/g")),
        False,
    ),
    "hard link": (sdist(hard(f"{TOP}/h", f"{TOP}/setup.py")), True),
    "hard link to nothing": (sdist(hard(f"{TOP}/h", f"{TOP}/missing")), False),
    "member repeated": (sdist(tar_member(f"{TOP}/f", b"1"), tar_member(f"{TOP}/f", b"1")), True),
    "members that differ by case": (sdist(tar_member(f"{TOP}/F"), tar_member(f"{TOP}/f")), True),
    "start of a path": (sdist(folder("."), tar_member(f"./{TOP}/f", b"1")), True),
    "header of v7": (sdist(tar_member(f"{TOP}/f", b"1", magic=bytes(8))), True),
    "zeros behind": (sdist() + bytes(512), True),
    "link to nothing": (sdist(link(f"{TOP}/l", "missing")), True),
    "named pipe": (sdist(tar_member(f"{TOP}/p", kind=b"6")), False),
    "device": (sdist(tar_member(f"{TOP}/p", kind=b"3")), False),
    "two sizes": (sdist(pax((b"size", b"2")) + tar_member(f"{TOP}/f", b"x" * 600)), False),
    "second gzip member": (sdist() + gzipped(bytes(1024)), False),
    "data behind": (sdist() + b"x", False),
    "truncated": (sdist()[:-20], False),
}


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusing(act: Callable[[], object]) -> bool:
    """Whether *act* raises; other readers do so in many ways."""
    try:
        act()
    except Exception:
        return True
    return False


def ours_of_sdist(data: bytes, out: Path) -> bool:
    out.mkdir(mode=0o700, parents=True)
    with contextlib.suppress(AsamanError):
        unpack(io.BytesIO(data), f"{TOP}.tar.gz", out, mtime=DEFAULT_SOURCE_DATE_EPOCH)
        return True
    return False


def ours_of_wheel(data: bytes) -> bool:
    return not refusing(lambda: read_wheel(io.BytesIO(data), FILENAME))


def extracted(data: bytes, out: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        archive.extractall(out, filter="data")


def installed(data: bytes, out: Path) -> None:
    """Install with the reference library, every hash of RECORD checked."""
    out.mkdir(parents=True)
    path = out / FILENAME
    path.write_bytes(data)
    schemes = {name: str(out / name) for name in ("purelib", "platlib", "scripts", "data")}
    with WheelFile.open(path) as source:
        source.validate_record()
        install(source, SchemeDictionaryDestination(schemes, sys.executable, "posix"), {})


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.mark.parametrize("shape", SDISTS)
def test_no_sdist_is_accepted_that_the_standard_library_refuses(shape: str, tmp_path: Path) -> None:
    data, sound = SDISTS[shape]
    assert ours_of_sdist(data, tmp_path / "ours") == sound
    if sound:
        extracted(data, tmp_path / "theirs")
        assert tree(tmp_path / "ours") == tree(tmp_path / "theirs" / TOP)


@pytest.mark.parametrize("shape", WHEELS)
def test_no_wheel_is_accepted_that_others_refuse(shape: str, tmp_path: Path) -> None:
    data, sound = WHEELS[shape]
    assert ours_of_wheel(data) == sound
    if sound:
        members_of(data)
        installed(data, tmp_path / "installer")


def test_changed_sdists_are_refused_or_read_alike(tmp_path: Path) -> None:
    chance = random.Random(1)
    start = gzip.decompress(SDISTS["long name"][0])
    accepted = 0
    for number in range(300):
        data = bytearray(start)
        data[chance.randrange(len(data))] = chance.randrange(256)
        ours, theirs = tmp_path / f"{number}-ours", tmp_path / f"{number}-theirs"
        changed = gzipped(bytes(data))
        if ours_of_sdist(changed, ours):
            accepted += 1
            extracted(changed, theirs)
            (top,) = theirs.iterdir()
            assert tree(ours) == tree(top)
    assert accepted > 5


def test_changed_wheels_are_refused_or_read_alike(tmp_path: Path) -> None:
    chance = random.Random(2)
    accepted = 0
    for number in range(300):
        data = bytearray(WHEELS["deflated"][0])
        data[chance.randrange(len(data))] = chance.randrange(256)
        if ours_of_wheel(bytes(data)):
            accepted += 1
            members_of(bytes(data))
            installed(bytes(data), tmp_path / str(number))
    assert accepted > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("-m", "pip", "install", "--isolated", "--no-cache-dir", "--no-index", "--no-deps"),
        ("-m", "uv", "pip", "install", "--no-config", "--no-cache", "--no-index", "--no-deps"),
    ],
    ids=["pip", "uv"],
)
@pytest.mark.parametrize("shape", WHEELS)
def test_no_wheel_is_accepted_that_an_installer_refuses(
    shape: str, command: tuple[str, ...], tmp_path: Path
) -> None:
    data, sound = WHEELS[shape]
    path = tmp_path / FILENAME
    path.write_bytes(data)
    words = [sys.executable, *command, "--target", str(tmp_path / "target"), str(path)]
    done = subprocess.run(words, capture_output=True, check=False, cwd=tmp_path)
    print(f"{shape}: {'accepted' if done.returncode == 0 else 'refused'}")
    assert not sound or done.returncode == 0
    assert ours_of_wheel(data) == sound
