"""Unpacking an sdist: what is written, and that nothing is written outside."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import tarfile
import unicodedata
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrasaman_nox.archives import names as members
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Crate, Digest
from amrasaman_nox.sdists.unpack import unpack_crate
from tests.sdists.examples import NAME, OWN, SETUP, TOP, read, tree, unpacked, zip_sdist
from tests.support.archives import (
    END,
    GNU,
    Entry,
    folder,
    gzipped,
    hard,
    link,
    pax,
    pkg_info,
    sdist,
    tar_member,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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


# What older writers make, and all readers take alike


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([hard(f"{TOP}/d/f", f"{TOP}/setup.py")], {"d/f": SETUP}),
        ([tar_member(f"{TOP}/setup.py", SETUP)], {}),
        ([hard(f"{TOP}/setup.py", f"{TOP}/setup.py")], {}),
        ([folder(f"{TOP}/d"), folder(f"{TOP}/d"), folder(TOP)], {}),
        ([link(f"{TOP}/l", "setup.py"), link(f"{TOP}/l", "setup.py")], {"l": SETUP}),
        (
            [tar_member(f"./{TOP}/f", b"x"), folder(f"./{TOP}"), folder(".")],
            {"f": b"x"},
        ),
        ([hard(f"./{TOP}/f", f"./{TOP}/setup.py")], {"f": SETUP}),
        ([tar_member(f"{TOP}/A", b"x"), tar_member(f"{TOP}/a", b"y")], {"A": b"x", "a": b"y"}),
        (
            [tar_member(f"{TOP}/Doc/f", b"x"), tar_member(f"{TOP}/doc", b"y")],
            {"Doc/f": b"x", "doc": b"y"},
        ),
        ([tar_member(f"{TOP}/f", b"x", magic=bytes(8))], {"f": b"x"}),
        ([tar_member(f"{TOP}/d/", kind=b"\0", magic=bytes(8))], {}),
        ([tar_member(f"._{TOP}", b"mac"), tar_member(f"{TOP}/._f", b"mac")], {"._f": b"mac"}),
        ([link(f"{TOP}/l", "missing")], {}),
        ([link(f"{TOP}/tests/d/l", "../missing/f"), link(f"{TOP}/a", "tests/d/l")], {}),
    ],
)
def test_a_form_that_readers_agree_about_is_unpacked(
    members: list[bytes], expected: dict[str, bytes], tmp_path: Path
) -> None:
    data = sdist(*members)
    assert read(data).name == "demo"
    unpacked(data, tmp_path / "out")
    assert tree(tmp_path / "out") == {"PKG-INFO": pkg_info(), "setup.py": SETUP} | expected


@pytest.mark.parametrize(
    "data",
    [
        sdist() + bytes(512),
        sdist() + bytes(16 << 10),
        gzipped(OWN + bytes(512)),
        gzipped(OWN + bytes(512 * 20)),
        gzipped(OWN + bytes(700)),
    ],
    ids=["a block behind", "much behind", "one block", "a record", "half a block"],
)
def test_zeros_at_the_end_say_nothing(data: bytes, tmp_path: Path) -> None:
    unpacked(data, tmp_path / "out")
    assert tree(tmp_path / "out") == {"PKG-INFO": pkg_info(), "setup.py": SETUP}


@pytest.mark.parametrize(
    ("suffix", "pack", "why"),
    [
        (".tar.bz2", bz2.compress, "bzip2"),
        (".tar.xz", lzma.compress, "xz"),
        (".tar.gz", gzipped, "gzip"),
    ],
)
def test_each_compression_is_read_as_strictly(
    suffix: str, pack: Callable[[bytes], bytes], why: str, tmp_path: Path
) -> None:
    name, data = f"demo-1.0{suffix}", pack(OWN + END)
    unpacked(data, tmp_path / "out", name)
    assert tree(tmp_path / "out") == {"PKG-INFO": pkg_info(), "setup.py": SETUP}
    bomb = pack(OWN + tar_member(f"{TOP}/f", bytes(70 << 20)) + END)
    for bad, said in (
        (data + data, f"data after the end of the {why} stream"),
        (data[:-5], f"truncated {why} stream"),
        (data[:40] + b"\0\1\2\3" + data[44:], f"damaged {why} stream"),
        (b"<html>", f"not an? {why} file"),
        (bomb, "expands beyond the limit"),
    ):
        with pytest.raises(AsamanError, match=said):
            read(bad, name)


def test_each_copy_of_a_hard_link_counts_in_full(tmp_path: Path) -> None:
    large = tar_member(f"{TOP}/f", bytes(30 << 20))
    copies = [hard(f"{TOP}/{number}", f"{TOP}/f") for number in range(2)]
    assert read(sdist(large, *copies[:1])).size > 60 << 20
    with pytest.raises(AsamanError, match="expands beyond the limit"):
        unpacked(sdist(large, *copies), tmp_path / "out")


def test_a_hard_link_is_a_file_of_its_own_with_the_mode_of_the_first(tmp_path: Path) -> None:
    first = tar_member(f"{TOP}/f", b"x", mode=b"0000755\0")
    unpacked(sdist(first, hard(f"{TOP}/g", f"{TOP}/f")), tmp_path / "out")
    found = [(tmp_path / "out" / name).stat() for name in "fg"]
    assert [stat.S_IMODE(one.st_mode) for one in found] == [0o755, 0o755]
    assert [one.st_nlink for one in found] == [1, 1]


@pytest.mark.parametrize(
    "again",
    [
        tar_member(f"{TOP}/setup.py", SETUP + b"#"),
        tar_member(f"{TOP}/setup.py", SETUP[::-1]),
        tar_member(f"{TOP}/setup.py", SETUP, mode=b"0000755\0"),
        hard(f"{TOP}/setup.py", f"{TOP}/PKG-INFO"),
        link(f"{TOP}/setup.py", "PKG-INFO"),
        folder(f"{TOP}/setup.py"),
    ],
)
def test_a_repeated_member_that_differs_is_refused(again: bytes) -> None:
    with pytest.raises(AsamanError, match="with different content"):
        read(sdist(again))


def test_a_repeated_member_of_a_zip_is_taken_if_it_is_the_same() -> None:
    twice = [Entry(f"{TOP}/setup.py", b"x"), Entry(f"{TOP}/setup.py", b"x")]
    assert read(zip_sdist(*twice), "demo-1.0.zip").has_setup_py
    with pytest.raises(AsamanError, match="duplicate member"):
        read(zip_sdist(twice[0], Entry(f"{TOP}/setup.py", b"y")), "demo-1.0.zip")


def test_a_folder_in_a_zip_may_be_called_deflated() -> None:
    data = zip_sdist(Entry(f"{TOP}/d/", method=8, content=b"", mode=0), Entry(f"{TOP}/setup.py"))
    assert read(data, "demo-1.0.zip").has_setup_py


def test_crates_keep_the_stricter_rules(tmp_path: Path) -> None:
    top = "demo-1.0"
    crate = Crate(name="demo", version="1.0", digest=Digest.of(b""))
    for number, made in enumerate(
        (
            [hard(f"{top}/b", f"{top}/a")],
            [tar_member(f"{top}/a", b"x")],
            [tar_member(f"{top}/A", b"x")],
            [link(f"{top}/l", "missing")],
            [tar_member(f"./{top}/f")],
            [tar_member(f"{top}/f", magic=bytes(8))],
        )
    ):
        data = gzipped(tar_member(f"{top}/a", b"x") + b"".join(made) + END)
        (tmp_path / str(number)).mkdir()
        with pytest.raises(AsamanError):
            unpack_crate(io.BytesIO(data), crate, tmp_path / str(number), mtime=0)
