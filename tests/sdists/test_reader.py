from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import unicodedata
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrasaman_nox.archives import names as members
from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH, BuildSystem, Pin
from amrasaman_nox.sdists import reader as unpacking
from amrasaman_nox.sdists.build_system import build_system
from amrasaman_nox.sdists.reader import SdistInfo, check_metadata, read_sdist
from amrasaman_nox.sdists.unpack import unpack
from tests.support.archives import (
    END,
    GNU,
    Entry,
    folder,
    gzipped,
    link,
    pax,
    pkg_info,
    sdist,
    tar_header,
    tar_member,
    zipped,
)

NAME = "demo-1.0.tar.gz"
TOP = "demo-1.0"


def read(data: bytes, filename: str = NAME) -> SdistInfo:
    return read_sdist(io.BytesIO(data), filename)


def unpacked(data: bytes, folder: Path, filename: str = NAME, **options: object) -> SdistInfo:
    folder.mkdir(mode=0o700)
    arguments: dict[str, object] = {"mtime": DEFAULT_SOURCE_DATE_EPOCH} | options
    return unpack(io.BytesIO(data), filename, folder, **arguments)  # type: ignore[arg-type]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def zip_sdist(*entries: Entry) -> bytes:
    return zipped(Entry(f"{TOP}/PKG-INFO", pkg_info()), *entries)


# What is read and written


def test_a_sound_sdist_says_what_it_is() -> None:
    info = read(sdist(tar_member(f"{TOP}/pyproject.toml", b"[project]\n")))
    assert (info.name, info.version, info.top) == ("demo", "1.0", TOP)
    assert info.pyproject == b"[project]\n"
    assert info.has_setup_py
    assert info.members == 3
    assert info.notes == ()


@pytest.mark.parametrize(
    ("name", "native"),
    [("src/speed.PYX", True), ("a.rs", True), ("a.py", False), ("tests/data/a.c", False)],
)
def test_it_is_known_whether_there_is_something_to_compile(name: str, native: bool) -> None:
    assert read(sdist(tar_member(f"{TOP}/{name}", b""))).native == native


def test_the_content_of_the_top_folder_is_unpacked(tmp_path: Path) -> None:
    data = sdist(folder(f"{TOP}/src"), tar_member(f"{TOP}/src/a/b.py", b"x"), folder(f"{TOP}/e"))
    unpacked(data, tmp_path / "out")
    assert tree(tmp_path / "out").keys() == {"PKG-INFO", "setup.py", "src/a/b.py"}
    assert (tmp_path / "out" / "e").is_dir()


def test_a_zip_sdist_is_unpacked_as_a_tar_is(tmp_path: Path) -> None:
    data = zip_sdist(Entry(f"{TOP}/src/", mode=0o40755), Entry(f"{TOP}/src/a.py", b"x", method=8))
    info = unpacked(data, tmp_path / "out", "demo-1.0.zip")
    assert info.name == "demo"
    assert tree(tmp_path / "out").keys() == {"PKG-INFO", "src/a.py"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(b"0006755\0", 0o755), (b"0000000\0", 0o644), (b"0000777\0", 0o755), (b"0000600\0", 0o644)],
)
def test_modes_become_0644_or_0755(mode: bytes, expected: int, tmp_path: Path) -> None:
    unpacked(sdist(tar_member(f"{TOP}/f", b"", mode=mode)), tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out" / "f").stat().st_mode) == expected


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_umask_has_no_influence(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        unpacked(sdist(tar_member(f"{TOP}/d/f", b"")), tmp_path / "out")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out" / "d").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "out" / "d" / "f").stat().st_mode) == 0o644


@pytest.mark.parametrize("mtime", [b"77777777777\0", b"\xff" * 12], ids=["2242", "negative"])
def test_all_times_become_the_one_asked_for(mtime: bytes, tmp_path: Path) -> None:
    data = sdist(
        tar_member(f"{TOP}/d/f", b"", mtime=mtime),
        link(f"{TOP}/d/l", "f"),
    )
    unpacked(data, tmp_path / "out", mtime=1_000_000_000)
    found = {path.lstat().st_mtime for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]}
    assert found == {1_000_000_000}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_everything_is_given_to_the_owner(tmp_path: Path) -> None:
    unpacked(sdist(tar_member(f"{TOP}/d/f"), link(f"{TOP}/l", "d")), tmp_path / "out", owner=12345)
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in paths} == {(12345, 12345)}


@pytest.mark.parametrize("order", ["sorted", "reversed"])
def test_the_order_of_creation_is_the_one_asked_for(
    order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[str] = []
    rename = os.rename

    def noted(source: str, target: str, **folders: int) -> None:
        placed.append(target)
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", noted)
    shuffled = [tar_member(f"{TOP}/{name}") for name in ("m", "b/z", "a", "b/c", "zz", "b-a")]
    unpacked(sdist(*shuffled), tmp_path / "out", order=order)
    expected = ["PKG-INFO", "a", "c", "z", "b-a", "m", "setup.py", "zz"]
    assert placed == (expected if order == "sorted" else expected[::-1])
    assert len(tree(tmp_path / "out")) == 8


def test_a_link_to_a_file_in_the_tree_is_made(tmp_path: Path) -> None:
    unpacked(sdist(link(f"{TOP}/a/l", "../setup.py")), tmp_path / "out")
    assert (tmp_path / "out" / "a" / "l").readlink() == Path("../setup.py")


def test_a_link_to_a_link_to_a_file_in_the_tree_is_made(tmp_path: Path) -> None:
    chain = (link(f"{TOP}/docs/l", "../a"), link(f"{TOP}/a", "b"), link(f"{TOP}/b", "setup.py"))
    unpacked(sdist(*chain), tmp_path / "out")
    assert (tmp_path / "out" / "docs" / "l").resolve() == tmp_path / "out" / "setup.py"


def test_a_link_to_a_folder_in_the_tree_is_made(tmp_path: Path) -> None:
    unpacked(sdist(link(f"{TOP}/l", "d"), tar_member(f"{TOP}/d/f", b"x")), tmp_path / "out")
    assert (tmp_path / "out" / "l" / "f").read_bytes() == b"x"


def test_a_top_folder_of_another_name_is_noted() -> None:
    (note,) = read(sdist(top="Demo_1")).notes
    assert "Demo_1" in note
    assert read(sdist(top="Demo-1.0.0")).notes == ()


@pytest.mark.parametrize(
    "member",
    [
        pax((b"path", f"{TOP}/ünï/a.py".encode())) + tar_member("other", b"x"),
        tar_member("././@LongLink", f"{TOP}/ünï/a.py\0".encode(), kind=b"L", magic=GNU)
        + tar_member(f"{TOP}/x", b"x", magic=GNU),
        tar_member("a.py", b"x", prefix=f"{TOP}/ünï".encode()),
        pax((b"size", b"1"), (b"comment", b"")) + tar_member(f"{TOP}/ünï/a.py", b"x"),
        pax((b"comment", b"of git"), kind=b"g") + tar_member(f"{TOP}/ünï/a.py", b"x", kind=b"\0"),
    ],
    ids=["pax", "gnu", "prefix", "same size", "global comment"],
)
def test_long_names_are_read_as_the_standard_library_reads_them(
    member: bytes, tmp_path: Path
) -> None:
    data = sdist(member)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert f"{TOP}/ünï/a.py" in archive.getnames()
    unpacked(data, tmp_path / "out")
    assert (tmp_path / "out" / "ünï" / "a.py").read_bytes() == b"x"


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
        (gzipped(tar_member(f"{TOP}/PKG-INFO", pkg_info()) + bytes(512)), "no end of the tar"),
        (sdist()[:-4], "truncated gzip"),
        (sdist()[:-30], "truncated gzip"),
        (sdist()[:-8] + bytes(8), "damaged gzip"),
        (sdist() + b"x", "data after the end of the gzip"),
        (sdist() + bytes(512), "data after the end of the gzip"),
        (sdist() + sdist(), "data after the end of the gzip"),
        (sdist() + zip_sdist(), "data after the end of the gzip"),
        (gzipped(b"x" * 512 + END), "not a ustar header"),
        (sdist(END, tar_member(f"{TOP}/hidden")), "data after the end of the tar"),
        (sdist(bytes(512), tar_member(f"{TOP}/hidden")), "no end of the tar"),
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
    "name",
    [
        "../x",
        f"{TOP}/../../x",
        f"{TOP}/..",
        "/abs",
        f"/{TOP}/abs",
        f"./{TOP}/f",
        f"{TOP}/./f",
        f"{TOP}//f",
        f"{TOP}/a\\b",
        f"{TOP}/a\nb",
        f"{TOP}/a\x1b[0m",
        f"{TOP}/a\x7f",
        f"{TOP}/a\u0085b",
        f"{TOP}/a\u202eb",
        "C:/x",
    ],
)
@pytest.mark.parametrize("how", ["header", "pax", "gnu", "zip"])
def test_an_unsafe_name_is_refused(name: str, how: str) -> None:
    raw = name.encode()
    data = {
        "header": lambda: sdist(tar_member(raw)),
        "pax": lambda: sdist(pax((b"path", raw)), tar_member(f"{TOP}/f")),
        "gnu": lambda: sdist(tar_member("l", raw, kind=b"L"), tar_member(f"{TOP}/f")),
        "zip": lambda: zip_sdist(Entry(raw, flags=0x800)),
    }[how]()
    with pytest.raises(AsamanError, match="unsafe member name"):
        read(data, "demo-1.0.zip" if how == "zip" else NAME)


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
        (pax((b"path", TOP.encode() + b"/" + b"x" * 256)) + tar_member("f"), "beyond the limit"),
        (pax((b"path", TOP.encode() + b"/x" * 2100)) + tar_member("f"), "beyond the limit"),
        (pax((b"path", TOP.encode() + b"/x" * 200)) + tar_member("f"), "beyond the limit"),
        (tar_member(f"{TOP}/f", kind=b"1", link=b"demo-1.0/setup.py"), "hard link"),
        (tar_member(f"{TOP}/f", kind=b"6"), "special file"),
        (tar_member(f"{TOP}/f", kind=b"3"), "special file"),
        (tar_member(f"{TOP}/f", kind=b"4"), "special file"),
        (tar_member(f"{TOP}/f", kind=b"S"), "sparse"),
        (tar_member(f"{TOP}/f", kind=b"7"), "unknown type"),
        (tar_member(f"{TOP}/f", kind=b"Z"), "unknown type"),
        (pax((b"GNU.sparse.major", b"1")) + tar_member(f"{TOP}/f"), "sparse"),
        (tar_header(f"{TOP}/f".encode(), size=b"-0000000001\0"), "not octal"),
        (tar_header(f"{TOP}/f".encode(), size=b"\x80" + bytes(10) + b"\1"), "not octal"),
        (tar_header(f"{TOP}/f".encode(), size=b"0000_000001\0"), "not octal"),
        (pax((b"size", b"2")) + tar_member(f"{TOP}/f", b"x"), "two sizes"),
        (pax((b"size", b"01")) + tar_member(f"{TOP}/f", b"x"), "two sizes"),
        (pax((b"path", b"a"), (b"path", b"b")) + tar_member(f"{TOP}/f"), "doubled record"),
        (pax((b"path", b"a"), kind=b"g") + tar_member(f"{TOP}/f"), "names all members"),
        (pax((b"mtime", b"1")) * 2 + tar_member(f"{TOP}/f"), "two extended headers"),
        (
            pax((b"path", b"a")) + tar_member("l", b"b", kind=b"L") + tar_member(f"{TOP}/f"),
            "two extended headers",
        ),
        (tar_member("p", b"99 path=x\n", kind=b"x") + tar_member(f"{TOP}/f"), "damaged extended"),
        (tar_member("p", b"-1 path=x\n", kind=b"x") + tar_member(f"{TOP}/f"), "damaged extended"),
        (tar_header(b"p", size=1 << 30, kind=b"x"), "beyond the limit"),
        (tar_member(f"{TOP}/d/", b"x", kind=b"5"), "content in"),
        (tar_member(f"{TOP}/l", b"x", kind=b"2", link=b"setup.py"), "content in"),
        (tar_member("other/f"), "outside the top folder"),
        (tar_member("f"), "outside the top folder"),
    ],
)
def test_a_member_that_an_sdist_must_not_have_is_refused(member: bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        read(sdist(member))


COMPOSED = unicodedata.normalize("NFC", "é")
DECOMPOSED = unicodedata.normalize("NFD", "é")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("a", "a", "duplicate member"),
        ("setup.cfg", "Setup.cfg", "differ only by case"),
        (COMPOSED, DECOMPOSED, "differ only by case"),
        ("a", "a/b", "a file and a folder"),
        ("a/b", "a", "a file and a folder"),
        ("a/b", "A", "differ only by case"),
        ("a/b", "A/c", "differ only by case"),
    ],
)
@pytest.mark.parametrize("how", ["tar", "zip"])
def test_two_members_that_a_file_system_could_take_for_one_are_refused(
    first: str, second: str, why: str, how: str
) -> None:
    names = (f"{TOP}/{first}", f"{TOP}/{second}")
    data = sdist(*map(tar_member, names)) if how == "tar" else zip_sdist(*(Entry(n) for n in names))
    with pytest.raises(AsamanError, match=why):
        read(data, f"demo-1.0.{'zip' if how == 'zip' else 'tar.gz'}")


@pytest.mark.parametrize(
    "members_of_it",
    [
        [link(f"{TOP}/l", "/etc/passwd")],
        [link(f"{TOP}/l", "../x")],
        [link(f"{TOP}/l", "../setup.py")],
        [link(f"{TOP}/l", "../../etc/passwd")],
        [link(f"{TOP}/l", f"../{TOP}/setup.py")],
        [link(f"{TOP}/l", "missing")],
        [link(f"{TOP}/l", "")],
        [link(f"{TOP}/l", ".")],
        [link(f"{TOP}/l", "./setup.py")],
        [link(f"{TOP}/l", "l")],
        [link(f"{TOP}/a", "b"), link(f"{TOP}/b", "a")],
        [link(f"{TOP}/a", "b"), link(f"{TOP}/b", "c"), link(f"{TOP}/c", "a")],
        [link(f"{TOP}/a", "b"), link(f"{TOP}/b", "missing")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/a", "d"), link(f"{TOP}/b", "a")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/a", "d"), link(f"{TOP}/b", "a/f")],
        [
            link(f"{TOP}/0", "setup.py"),
            *(link(f"{TOP}/{number}", str(number - 1)) for number in range(1, 10)),
        ],
        [link(f"{TOP}/d/l", "../d")],
        [
            *(tar_member(f"{TOP}/a/f"), tar_member(f"{TOP}/b/f")),
            *(link(f"{TOP}/a/l", "../b"), link(f"{TOP}/b/l", "../a")),
        ],
        [tar_member(f"{TOP}/d/e/f"), link(f"{TOP}/l", "d/e"), link(f"{TOP}/k", "l/../../x")],
        [tar_member(f"{TOP}/d/f"), link(f"{TOP}/l", "d/../setup.py")],
        [link(f"{TOP}/pyproject.toml", "setup.py")],
        [link(f"{TOP}/l", "setup.py\x1b")],
    ],
)
def test_an_unsafe_link_is_refused(members_of_it: list[bytes]) -> None:
    with pytest.raises(AsamanError, match="unsafe link"):
        read(sdist(*members_of_it))


def test_a_member_below_a_link_is_refused(tmp_path: Path) -> None:
    data = sdist(tar_member(f"{TOP}/d/f"), link(f"{TOP}/l", "d"), tar_member(f"{TOP}/l/f"))
    with pytest.raises(AsamanError, match="a file and a folder"):
        unpacked(data, tmp_path / "out")


def test_a_chain_of_links_longer_than_a_path_writes_nothing_outside(tmp_path: Path) -> None:
    step = "d" * 247
    chain, path = [], TOP
    for letter in "abcdefghijklmnop":
        chain += [pax((b"path", f"{path}/{step}".encode())) + folder("x")]
        chain += [
            pax((b"path", f"{path}/{letter}".encode()), (b"linkpath", step.encode()))
            + link("x", "x")
        ]
        path += f"/{letter}"
    chain += [
        pax((b"path", f"{path}/{'l' * 254}".encode()), (b"linkpath", b"../" * 16)) + link("x", "x")
    ]
    victim = tmp_path / "victim"
    victim.write_text("kept")
    hard = tar_member(f"{TOP}/flag", kind=b"1", link=f"{path}/{'l' * 254}/../victim".encode()[:99])
    with pytest.raises(AsamanError):
        unpacked(sdist(*chain, hard, tar_member(f"{TOP}/flag", b"gone")), tmp_path / "out")
    assert victim.read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "out"}


def test_a_refused_archive_leaves_no_member_under_its_name(tmp_path: Path) -> None:
    with pytest.raises(AsamanError):
        unpacked(sdist(tar_member(f"{TOP}/../x")), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {".unpacking\x01"}


@pytest.mark.parametrize("how", ["tar", "zip"])
def test_a_bomb_is_refused_before_it_is_unpacked(how: str, tmp_path: Path) -> None:
    zeros = bytes(100 << 20)
    if how == "tar":
        data = sdist(tar_member(f"{TOP}/zeros", zeros))
    else:
        data = zip_sdist(Entry(f"{TOP}/zeros", zeros, method=8))
    with pytest.raises(AsamanError, match="expands beyond the limit"):
        unpacked(data, tmp_path / "out", f"demo-1.0.{'zip' if how == 'zip' else 'tar.gz'}")
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*"))
    assert written <= members.FREE_BYTES + 4096 * 4


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_MEMBERS", 5)
    with pytest.raises(AsamanError, match="more than 5 members"):
        read(sdist(*(tar_member(f"{TOP}/{number}") for number in range(5))))


@pytest.mark.parametrize("filename", ["d-1.tar.bz2", "d-1.tar.xz", "d-1.egg", "d-1.tgz", "d-1.tar"])
def test_other_formats_are_unsupported(filename: str) -> None:
    with pytest.raises(AsamanError, match="unsupported format"):
        read(sdist(), filename)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (Entry(f"{TOP}/l", b"setup.py", mode=0o120777), "link"),
        (Entry(f"{TOP}/f", local={"size": 5}), "do not match"),
        (Entry(f"{TOP}/f", before=b"x"), "between"),
        (Entry("other/f"), "outside the top folder"),
        (Entry(f"{TOP}{'/' + 'x' * 200}" * 30), "beyond the limit"),
    ],
)
def test_a_zip_sdist_keeps_to_the_strict_rules(entry: Entry, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        read(zip_sdist(entry), "demo-1.0.zip")


def test_a_disk_that_is_full_is_an_error_of_input_and_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AsamanError, match="No space left") as caught:
        unpacked(sdist(), tmp_path / "out")
    assert caught.value.code == ExitCode.INPUT_OUTPUT


def test_a_write_that_takes_less_than_all_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    unpacked(sdist(tar_member(f"{TOP}/f", b"x" * 100)), tmp_path / "out")
    assert (tmp_path / "out" / "f").read_bytes() == b"x" * 100


# PKG-INFO


def test_metadata_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_LARGEST_KEPT", len(pkg_info()))
    assert read(sdist()).name == "demo"
    with pytest.raises(AsamanError, match="beyond the limit"):
        read(sdist(metadata=pkg_info() + b"\n"))


@pytest.mark.parametrize(
    "metadata",
    [
        b"Metadata-Version: 2.1\n",
        b"Name: demo\n",
        b"Version: 1.0\n",
        pkg_info() + b"Name: demo\n",
        pkg_info() + b"version: 2.0\n",
        b"\n" + pkg_info(),
        pkg_info("-r", "1.0"),
        pkg_info("demo", "1.0/../x"),
        pkg_info("demo", ""),
    ],
)
def test_metadata_without_one_name_and_one_version_is_refused(metadata: bytes) -> None:
    with pytest.raises(AsamanError, match="metadata mismatch"):
        read(sdist(metadata=metadata))


def test_an_sdist_without_metadata_is_refused() -> None:
    nested = tar_member(f"{TOP}/demo.egg-info/PKG-INFO", pkg_info())
    with pytest.raises(AsamanError, match="no PKG-INFO"):
        read(gzipped(nested + END))


def test_nested_metadata_is_left_alone() -> None:
    assert read(sdist(tar_member(f"{TOP}/x/PKG-INFO", pkg_info("other")))).name == "demo"


@pytest.mark.parametrize(("name", "version"), [("Demo", "1.0"), ("demo", "1.0.0"), ("DEMO", "1")])
def test_metadata_of_the_pin_is_accepted(name: str, version: str) -> None:
    check_metadata(read(sdist(metadata=pkg_info(name, version))), Pin(name="demo", version="1.0"))


@pytest.mark.parametrize(("name", "version"), [("demo2", "1.0"), ("demo", "1.0.1"), ("d", "1.0")])
def test_metadata_that_is_not_the_pins_is_refused(name: str, version: str) -> None:
    info = read(sdist(metadata=pkg_info(name, version)))
    pin = Pin(name="demo", version="1.0", origin=Origin(path="requirements.txt", line=7))
    with pytest.raises(AsamanError, match="metadata mismatch") as caught:
        check_metadata(info, pin)
    assert "requirements.txt line 7" in caught.value.lines()[0]


# Build system


def system(text: str | None) -> BuildSystem:
    extra = [] if text is None else [tar_member(f"{TOP}/pyproject.toml", text.encode())]
    return build_system(read(sdist(*extra)))


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'demo'\n"])
def test_without_a_build_system_there_are_the_defaults(text: str | None) -> None:
    assert system(text) == BuildSystem(
        requires=("setuptools>=40.8.0",), backend="setuptools.build_meta:__legacy__"
    )


def test_the_build_system_is_read() -> None:
    text = """
    [build-system]
    requires = ["hatchling>=1.26", "tomli; python_version < '3.11'", "x[a]==1"]
    build-backend = "backend.module:object.part"
    backend-path = [".", "src/backend"]
    """
    assert system(text) == BuildSystem(
        requires=("hatchling>=1.26", "tomli; python_version < '3.11'", "x[a]==1"),
        backend="backend.module:object.part",
        backend_path=(".", "src/backend"),
    )


def test_a_build_system_without_a_backend_is_built_as_of_old() -> None:
    found = system("[build-system]\nrequires = []\n")
    assert found == BuildSystem(requires=(), backend="setuptools.build_meta:__legacy__")


@pytest.mark.parametrize(
    "requirement",
    [
        "x @ file:///etc",
        "-r /etc/passwd",
        "https://example.invalid/x.whl",
        "git+https://example.invalid/x",
        "x @ git+https://example.invalid/x",
        "./local",
        "",
        "x\\n--index-url=y",
    ],
)
def test_a_build_requirement_that_is_not_name_and_specifier_is_refused(requirement: str) -> None:
    with pytest.raises(AsamanError, match="not name and specifier"):
        system(f'[build-system]\nrequires = ["{requirement}"]\n')


@pytest.mark.parametrize("path", ["/abs", "..", "a/../..", "a/..", "", "a\\\\b"])
def test_a_backend_path_outside_the_source_is_refused(path: str) -> None:
    with pytest.raises(AsamanError, match="backend-path outside the source"):
        system(f'[build-system]\nrequires = []\nbackend-path = ["{path}"]\n')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[build-system", "cannot be read"),
        ("a = 1\na = 2", "cannot be read"),
        ("[build-system]\nbuild-backend = 'x'", "without requires"),
        ("build-system = 1", "without requires"),
        ("[build-system]\nrequires = 'x'", "not a list"),
        ("[build-system]\nrequires = [1]", "not a list"),
        ("[build-system]\nrequires = []\nbuild-backend = 'a b'", "not the name of an object"),
        ("[build-system]\nrequires = []\nbuild-backend = 1", "not the name of an object"),
        ("[build-system]\nrequires = []\nbackend-path = 'x'", "not a list"),
    ],
)
def test_a_malformed_build_system_is_refused(text: str, why: str) -> None:
    with pytest.raises(AsamanError, match=why) as caught:
        system(text)
    assert len(caught.value.lines()) == 1


def test_an_sdist_that_nothing_builds_is_refused() -> None:
    data = gzipped(tar_member(f"{TOP}/PKG-INFO", pkg_info()) + END)
    with pytest.raises(AsamanError, match=r"neither pyproject\.toml nor setup\.py"):
        build_system(read(data))


# Properties

_COMPONENT = st.text("abcxyzé-_.~ 0", min_size=1, max_size=8).filter(lambda t: t not in {".", ".."})
_FILES = st.dictionaries(
    st.lists(_COMPONENT, min_size=1, max_size=4).map("/".join),
    st.tuples(st.binary(max_size=2000), st.booleans()),
    max_size=8,
)


def _is_sound(names: list[str]) -> bool:
    normal = [unicodedata.normalize("NFC", name) for name in names]
    prefixes = {"/".join(n.split("/")[:end]) for n in normal for end in range(1, n.count("/") + 1)}
    return len(set(normal)) == len(normal) and not prefixes & set(normal)


@settings(deadline=None, max_examples=60)
@given(
    files=_FILES.filter(lambda files: _is_sound(list(files))),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, "zip"]),
    order=st.sampled_from(["sorted", "reversed"]),
)
def test_what_the_standard_library_packs_is_unpacked_again(
    files: dict[str, tuple[bytes, bool]], form: int | str, order: str
) -> None:
    data = _packed({"PKG-INFO": (pkg_info(), False)} | files, form)
    with TemporaryDirectory() as name:
        out = Path(name) / "out"
        unpacked(data, out, "demo-1.0.zip" if form == "zip" else NAME, order=order)
        assert tree(out) == {"PKG-INFO": pkg_info()} | {n: c for n, (c, _) in files.items()}
        for path, (_, executable) in files.items():
            assert bool((out / path).stat().st_mode & 0o100) == executable
        assert {path.name for path in Path(name).iterdir()} == {"out"}


def _packed(files: dict[str, tuple[bytes, bool]], form: int | str) -> bytes:
    buffer = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, (content, executable) in files.items():
                info = zipfile.ZipInfo(f"{TOP}/{name}")
                info.external_attr = (0o100755 if executable else 0o100644) << 16
                archive.writestr(info, content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=int(form)) as archive:
        for name, (content, executable) in files.items():
            info = tarfile.TarInfo(f"{TOP}/{name}")
            info.size, info.mode = len(content), 0o755 if executable else 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


_PARTS = st.sampled_from(["..", ".", "", TOP, "a", "b", "/", "l", "victim"])
_PATHS = st.lists(_PARTS, min_size=1, max_size=5).map("/".join).map(str.encode)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from([b"0", b"1", b"2", b"5", b"L", b"x"]), _PATHS, _PATHS)),
    st.booleans(),
)
def test_no_archive_writes_outside_the_folder(
    hostile: list[tuple[bytes, bytes, bytes]], inside: bool
) -> None:
    start = f"{TOP}/".encode() if inside else b""
    made = [
        pax((b"path", start + name)) + tar_member(name[:99])
        if kind == b"x"
        else tar_member((start + name)[:99], target if kind == b"L" else b"", kind=kind)
        if kind not in {b"1", b"2"}
        else tar_member((start + name)[:99], kind=kind, link=target[:99])
        for kind, name, target in hostile
    ]
    with TemporaryDirectory() as name:
        victim = Path(name) / "victim"
        victim.write_text("kept")
        try:
            unpacked(sdist(*made), Path(name) / "out")
        except AsamanError as error:
            assert error.code == ExitCode.BAD_INPUT  # noqa: PT017 - either outcome will do
        assert victim.read_text() == "kept"
        assert {path.name for path in Path(name).iterdir()} == {"victim", "out"}
        root = (Path(name) / "out").resolve()
        for path in root.rglob("*"):
            assert path.resolve().is_relative_to(root)


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
