"""Sources that a user changes: another archive, and patches."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.packages import Archive, Package
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure, Digest, Modified, Pin, Prepared
from amrasaman_nox.sources import modified, prepare
from amrasaman_nox.sources.store import fetched

from ..support import miniatures
from ..support.projects import make_sdist, make_wheel
from .test_prepare import opened

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store

    from ..support.index import LocalIndex

PATCH = """\
--- a/mini_flit.py
+++ b/mini_flit.py
@@ -3 +3 @@
-VALUE = 1
+VALUE = 2
"""
NEW_FILE = """\
--- /dev/null
+++ b/added.txt
@@ -0,0 +1 @@
+added
"""
SDIST = miniatures.MINIATURES["mini-flit"]("1.0")


def patch(folder: Path, text: str = PATCH, name: str = "value.patch") -> Archive:
    (folder / name).write_text(text)
    return Archive(str(folder / name), hashlib.sha256(text.encode()).hexdigest())


def package(*patches: Archive, source: Archive | None = None, specifier: str = "") -> Package:
    return Package(name="mini-flit", specifier=specifier, patches=patches, source=source)


@pytest.fixture
def pin(index: LocalIndex) -> Pin:
    miniatures.add_sdist(index, "mini-flit", SDIST)
    return Pin(name="mini-flit", version="1.0", digests=(Digest.of(SDIST),))


def prepared(
    folder: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter, *packages: Package
) -> Prepared | BuildFailure:
    with opened(folder, index, packages=packages) as site:
        return prepare.prepare(site, [pin], interpreter)[0]


def contents(store: Store, found: Prepared | BuildFailure) -> dict[str, bytes]:
    assert isinstance(found, Prepared), found
    with (
        fetched(found.source.digest, found.source.filename, store) as file,
        tarfile.open(fileobj=io.BytesIO(gzip.decompress(file.read()))) as archive,
    ):
        members = {member.name: archive.extractfile(member) for member in archive}
    return {name: file.read() for name, file in members.items() if file is not None}


def test_a_patch_is_applied_before_the_source_is_read(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter, store: Store
) -> None:
    patches = (patch(tmp_path), patch(tmp_path, NEW_FILE, "new.patch"))
    found = prepared(tmp_path, index, pin, interpreter, package(*patches))
    members = contents(store, found)
    assert b"VALUE = 2" in members["mini_flit-1.0/mini_flit.py"]
    assert members["mini_flit-1.0/added.txt"] == b"added\n"
    assert isinstance(found, Prepared)
    assert found.source.modified == Modified(
        pinned=pin.digests[0],
        patches=tuple(
            (name, Digest(algorithm="sha256", value=each.sha256))
            for name, each in zip(("value.patch", "new.patch"), patches, strict=True)
        ),
    )


def test_a_patched_source_has_the_same_hash_in_any_cache_and_needs_no_index_again(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    changed = package(patch(tmp_path))
    first = prepared(tmp_path, index, pin, interpreter, changed)
    elsewhere = prepared(other, index, pin, interpreter, changed)
    asked = len(index.requests)
    again = prepared(tmp_path, index, pin, interpreter, changed)
    assert first == elsewhere == again
    assert len(index.requests) == asked
    # Without the patch it is the pinned sdist, and with another version's nothing is changed.
    for packages in ((), (package(patch(tmp_path), specifier=">=2"),)):
        plain = prepared(tmp_path, index, pin, interpreter, *packages)
        assert isinstance(plain, Prepared)
        assert (plain.source.digest, plain.source.modified) == (pin.digests[0], None)


def test_a_repository_around_the_cache_changes_nothing(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter, store: Store
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git/config").write_text(
        "[apply]\n\twhitespace = fix\n[core]\n\tautocrlf = true\n"
    )
    spaced = PATCH.replace("+VALUE = 2", "+VALUE = 2  ")
    found = prepared(tmp_path, index, pin, interpreter, package(patch(tmp_path, spaced)))
    assert b"VALUE = 2  \n" in contents(store, found)["mini_flit-1.0/mini_flit.py"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PATCH.replace("-VALUE = 1", "-VALUE = 7"), "patch failed: mini_flit.py:3"),
        (PATCH.replace("-VALUE = 1", "-VALUE  = 1"), "patch failed: mini_flit.py:3"),
        (PATCH.replace("mini_flit.py", "missing.py"), "missing.py: No such file or directory"),
        (PATCH.replace("b/mini_flit.py", "b/../../outside"), "outside"),
        (NEW_FILE.replace("b/added.txt", "b/mini_flit.py"), "already exists"),
        ("nothing\n", "No valid patches in input"),
    ],
)
def test_a_patch_that_does_not_fit_to_the_letter_is_the_failure_of_its_pin(
    text: str, why: str, tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    found = prepared(tmp_path, index, pin, interpreter, package(patch(tmp_path, text)))
    assert isinstance(found, BuildFailure)
    assert "patch value.patch does not apply: " in found.reason
    assert why in found.reason


def test_a_patch_with_another_hash_stops_the_run(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    changed = package(patch(tmp_path))
    (tmp_path / "value.patch").write_text(PATCH.replace("VALUE = 2", "VALUE = 3"))
    with pytest.raises(AsamanError, match=r"its sha256 is [0-9a-f]{64}, not") as error:
        prepared(tmp_path, index, pin, interpreter, changed)
    assert error.value.code is ExitCode.BAD_INPUT
    (tmp_path / "value.patch").unlink()
    with pytest.raises(AsamanError, match=r"value\.patch: No such file"):
        prepared(tmp_path, index, pin, interpreter, changed)


def test_without_git_a_patch_is_one_line(
    tmp_path: Path,
    index: LocalIndex,
    pin: Pin,
    interpreter: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modified.shutil, "which", lambda name: None)
    found = prepared(tmp_path, index, pin, interpreter, package(patch(tmp_path)))
    assert isinstance(found, BuildFailure)
    assert "patch value.patch: git is not installed" in str(found)


def archive_of(index: LocalIndex, text: str = "VALUE = 5\n") -> Archive:
    data = make_sdist("mini-flit", "1.0", {"mini_flit.py": f'"""Another."""\n{text}'})
    index.add(data, "other-files-1.0.tar.gz")
    return Archive(index.file_url("other-files-1.0.tar.gz"), hashlib.sha256(data).hexdigest())


def test_another_archive_takes_the_place_of_the_pinned_sdist_and_keeps_its_date(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter, store: Store
) -> None:
    archive = archive_of(index)
    found = prepared(tmp_path, index, pin, interpreter, package(source=archive))
    plain = prepared(tmp_path, index, pin, interpreter)
    assert b"VALUE = 5" in contents(store, found)["mini_flit-1.0/mini_flit.py"]
    assert isinstance(found, Prepared)
    assert isinstance(plain, Prepared)
    assert found.source.uploaded == plain.source.uploaded is not None
    assert found.source.digest.value == archive.sha256
    assert found.source.modified == Modified(
        pinned=pin.digests[0], archive=f"{archive.place}#sha256={archive.sha256}"
    )


def test_an_archive_can_be_patched_and_stands_in_for_a_missing_sdist(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, store: Store
) -> None:
    wheel = make_wheel("mini-flit", "1.0", {"mini_flit.py": ""})
    index.add(wheel, "mini_flit-1.0-py3-none-any.whl")
    pin = Pin(name="mini-flit", version="1.0", digests=(Digest.of(wheel),))
    archive = archive_of(index, "\nVALUE = 1\n")
    found = prepared(tmp_path, index, pin, interpreter, package(patch(tmp_path), source=archive))
    assert b"VALUE = 2" in contents(store, found)["mini_flit-1.0/mini_flit.py"]
    assert isinstance(found, Prepared)
    assert found.source.pinned is None


@pytest.mark.parametrize(
    ("place", "sha256", "why"),
    [
        ("/files/other-files-1.0.tar.gz", "0" * 64, "hash mismatch"),
        ("/files/other-files-1.0.rpm", "0" * 64, r"does not end in \.tar\.gz"),
    ],
)
def test_an_archive_that_is_not_the_named_one_is_refused(
    place: str,
    sha256: str,
    why: str,
    tmp_path: Path,
    index: LocalIndex,
    pin: Pin,
    interpreter: Interpreter,
) -> None:
    archive_of(index)
    changed = package(source=Archive(f"{index.base}{place}", sha256))
    try:
        found = prepared(tmp_path, index, pin, interpreter, changed)
    except AsamanError as error:
        reason = str(error)
    else:
        assert isinstance(found, BuildFailure)
        reason = found.reason
    assert re.search(why, reason)
