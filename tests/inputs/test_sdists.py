from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.inputs.sdists import read_archive, read_directory
from tests.support.archives import Entry, pkg_info, sdist, zipped

if TYPE_CHECKING:
    from pathlib import Path


def archive(
    folder: Path, name: str = "demo", version: str = "1.0", ending: str = ".tar.gz"
) -> Path:
    path = folder / f"{name}-{version}{ending}"
    top = f"{name}-{version}"
    if ending == ".zip":
        path.write_bytes(zipped(Entry(f"{top}/PKG-INFO", pkg_info(name, version))))
    else:
        path.write_bytes(sdist(top=top, metadata=pkg_info(name, version)))
    return path


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_an_archive_is_one_pin_with_its_hash_and_path(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path, "Demo_Thing", "1.0.post1", ending)
    monkeypatch.chdir(tmp_path)
    found = read_archive(path.relative_to(tmp_path))
    (pin,) = found.pins
    assert found.kind == "archive"
    assert (pin.name, pin.version) == ("demo-thing", "1.0.post1")
    assert pin.path == str(path)
    assert str(pin.digests[0]) == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_a_link_to_an_archive_is_followed(tmp_path: Path) -> None:
    archive(tmp_path).rename(tmp_path / "store")
    (tmp_path / "demo-1.0.tar.gz").symlink_to("store")
    assert str(read_archive(tmp_path / "demo-1.0.tar.gz").pins[0]) == "demo==1.0"


@pytest.mark.parametrize("name", ["bar-1.0.tar.gz", "demo-1.1.tar.gz", "demo-1.0.1.tar.gz"])
def test_a_file_name_that_is_not_that_of_the_metadata_is_refused(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path).rename(tmp_path / name)
    with pytest.raises(AsamanError, match="name mismatch") as caught:
        read_archive(path)
    assert caught.value.code == ExitCode.BAD_INPUT


def _missing(path: Path) -> None:
    assert not path.exists()


def _file_is_unreadable(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_missing, "No such file"),
        (_file_is_unreadable, "cannot read"),
        (os.mkfifo, "not a regular file"),
        (os.mkdir, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    ],
)
def test_what_is_no_readable_archive_is_refused(make, why: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "demo-1.0.tar.gz")
    with pytest.raises(AsamanError, match=why) as caught:
        read_archive(tmp_path / "demo-1.0.tar.gz")
    assert caught.value.code == ExitCode.BAD_INPUT


def test_a_refused_archive_is_to_be_packed_again(tmp_path: Path) -> None:
    (tmp_path / "demo-1.0.tar.gz").write_bytes(b"")
    with pytest.raises(AsamanError, match="not a gzip file") as caught:
        read_archive(tmp_path / "demo-1.0.tar.gz")
    assert caught.value.lines()[1] == "hint: pack the source again: python -m build --sdist"


@pytest.mark.parametrize("name", ["demo-1.0.tar.zst", "demo-1.0.egg", "demo-1.0-py3-none-any.whl"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(AsamanError, match="unsupported format"):
        read_archive(tmp_path / name)


def test_a_file_name_without_a_version_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path).rename(tmp_path / "demo.tar.gz")
    with pytest.raises(AsamanError, match=r"NAME-VERSION\.tar\.gz"):
        read_archive(path)


def test_a_folder_gives_all_its_archives_sorted(tmp_path: Path) -> None:
    archive(tmp_path, "zed")
    archive(tmp_path, "abc", ending=".zip")
    archive(tmp_path, "abc", version="2.0")
    (tmp_path / "README").write_text("")
    found = read_directory(tmp_path)
    assert found.kind == "directory"
    assert [str(pin) for pin in found.pins] == ["abc==1.0", "abc==2.0", "zed==1.0"]
    assert found.notes == ("left out, not an sdist: README",)


def test_two_archives_of_one_project_and_version_are_refused(tmp_path: Path) -> None:
    archive(tmp_path)
    archive(tmp_path, ending=".zip")
    with pytest.raises(AsamanError, match=r"two archives of demo==1\.0"):
        read_directory(tmp_path)


def test_all_errors_of_a_folder_are_reported_together(tmp_path: Path) -> None:
    archive(tmp_path, "good")
    (tmp_path / "bad-1.0.tar.gz").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe-1.0.zip")
    (tmp_path / "unnamed.zip").write_bytes(b"")
    (tmp_path / "unnamed.tar.gz").write_bytes(b"")
    with pytest.raises(AsamanError) as caught:
        read_directory(tmp_path)
    errors = [line for line in caught.value.lines() if line.startswith("error: ")]
    assert [line.split()[1] for line in errors] == ["unnamed.tar.gz:", "unnamed.zip:"]


def test_a_refused_archive_of_a_folder_is_a_pin_with_a_fault(tmp_path: Path) -> None:
    archive(tmp_path, "good")
    (tmp_path / "bad-1.0.tar.gz").write_bytes(b"")
    bad, good = read_directory(tmp_path).pins
    assert (str(bad), str(good), good.fault) == ("bad==1.0", "good==1.0", None)
    assert bad.fault is not None
    assert bad.fault.reason == "bad-1.0.tar.gz: not a gzip file"


def test_a_folder_without_archives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match=r"no \.tar\.gz or \.zip"):
        read_directory(tmp_path)


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="cannot read the folder"):
        read_directory(tmp_path / "missing")
