"""The strict readers against archives that are on the index: what is sound is never refused.

``real-archives.txt`` names them, ``old-sdists.txt`` sdists of before 2020. Where a list says why
one is refused, that is the rule; a wheel that a build must not make is accepted as a published one.
Those that are refused and every sixth other one are read for each change, all for each release.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    DEFAULT_SOURCE_DATE_EPOCH,
    Digest,
    IndexOptions,
    LockedFile,
    Pin,
)
from amrasaman_nox.sdists.build_system import build_system
from amrasaman_nox.sdists.reader import check_metadata, read_sdist
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.sources.download import fetch_all
from amrasaman_nox.sources.locate import find_files, locate
from amrasaman_nox.sources.site import Site
from amrasaman_nox.sources.store import Store
from amrasaman_nox.wheels.reader import read_wheel

from ..sources.asking import all_located

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from _pytest.mark import ParameterSet

pytestmark = [pytest.mark.online, pytest.mark.slow]

_LISTS = [Path(__file__).with_name(name) for name in ("real-archives.txt", "old-sdists.txt")]
_ACCESS = ("SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")

Tree = dict[str, tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Archive:
    """A line of the list; ``why`` is what a strict reading refuses in it."""

    pin: Pin
    filename: str
    why: str

    @property
    def digest(self) -> Digest:
        return self.pin.digests[0]


def archives() -> list[Archive]:
    found = []
    for line in "".join(path.read_text() for path in _LISTS).splitlines():
        if line.startswith("#"):
            continue
        pinned, filename, digest, *why = line.split(maxsplit=3)
        name, _, version = pinned.partition("==")
        pin = Pin(name=canonicalize_name(name), version=version, digests=(Digest.parse(digest),))
        found.append(Archive(pin, filename, "".join(why)))
    return found


def fits(filename: str) -> bool:
    """Whether a wheel is for this interpreter; the index client lists no others."""
    return not parse_wheel_filename(filename)[3].isdisjoint(sys_tags())


SDISTS = [archive for archive in archives() if not archive.filename.endswith(".whl")]
WHEELS = [
    archive
    for archive in archives()
    if archive.filename.endswith(".whl") and fits(archive.filename)
]


def drawn(found: Sequence[Archive]) -> list[ParameterSet]:
    """Return *found* as rows of a test; most of what is accepted takes part in long tests alone."""
    return [
        pytest.param(one, marks=() if one.why or number % 6 == 0 else pytest.mark.long)
        for number, one in enumerate(found)
    ]


@pytest.fixture(scope="module")
def fetched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with all archives that are read, fetched some at a time, once for all workers."""
    rows = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = [row.params["archive"] for row in rows if row is not None and "archive" in row.params]
    base = tmp_path_factory.getbasetemp()
    store = Store.open((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real")
    variables = tuple((name, os.environ[name]) for name in _ACCESS if name in os.environ)
    index = IndexOptions(environment=variables)
    cache = store.root / "uv"
    pins = [archive.pin for archive in SDISTS if archive in wanted]
    sources = all_located(locate(pins, index=index, python=sys.executable, cache=cache))
    wheels = [
        LockedFile(filename=one.filename, digest=one.digest) for one in WHEELS if one in wanted
    ]
    located = find_files(wheels, index=index, python=sys.executable, cache=cache)
    fetch_all([*sources, *located.values()], Site(store=store, index=index))
    return store


def opened(store: Store, archive: Archive) -> BinaryIO:
    file = store.get(archive.digest)
    assert file is not None
    return file


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tree_of_tar(file: BinaryIO) -> Tree:
    """Return what the standard library reads: a file's hash and executable bit, a link's target."""
    found: Tree = {}
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for member in archive:
            name = member.name.removeprefix("./").partition("/")[2]
            if member.issym():
                found[name] = ("link", member.linkname)
            elif member.isfile() or member.islnk():
                content = archive.extractfile(member)
                assert content is not None
                mode = archive.getmember(member.linkname).mode if member.islnk() else member.mode
                found[name] = (sha256(content.read()), bool(mode & 0o111))
    return found


def tree_of_zip(file: BinaryIO) -> Tree:
    with zipfile.ZipFile(file) as archive:
        return {
            info.filename.partition("/")[2]: (
                sha256(archive.read(info)),
                bool(info.external_attr >> 16 & 0o111),
            )
            for info in archive.infolist()
            if not info.is_dir()
        }


def tree_of_folder(folder: Path) -> Tree:
    found: Tree = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file():
            mode = path.stat().st_mode
            assert stat.S_IMODE(mode) in {0o644, 0o755}
            found[name] = (sha256(path.read_bytes()), bool(mode & 0o111))
    return found


def test_the_list_is_as_long_and_as_varied_as_it_says() -> None:
    assert len(SDISTS) >= 550
    assert len([archive for archive in archives() if archive.filename.endswith(".whl")]) >= 200
    assert len({archive.filename for archive in archives()}) == len(archives())
    assert any(archive.filename.endswith(".zip") for archive in SDISTS)
    assert any("-abi3-" in archive.filename for archive in archives())


@pytest.mark.parametrize("archive", drawn(SDISTS), ids=lambda archive: archive.filename)
def test_a_real_sdist_is_accepted_and_unpacked_as_the_standard_library_reads_it(
    archive: Archive, fetched: Store, tmp_path: Path
) -> None:
    with opened(fetched, archive) as file:
        if archive.why:
            with pytest.raises(AsamanError, match=archive.why):
                check_metadata(read_sdist(file, archive.filename), archive.pin)
            return
        info = read_sdist(file, archive.filename)
        check_metadata(info, archive.pin)
        assert build_system(info).backend
        unpack(file, archive.filename, tmp_path, mtime=DEFAULT_SOURCE_DATE_EPOCH)
        file.seek(0)
        read = tree_of_zip if archive.filename.endswith(".zip") else tree_of_tar
        assert tree_of_folder(tmp_path) == read(file)


@pytest.mark.parametrize("archive", drawn(WHEELS), ids=lambda archive: archive.filename)
def test_a_real_wheel_is_accepted_and_read_as_the_standard_library_reads_it(
    archive: Archive, fetched: Store
) -> None:
    with opened(fetched, archive) as file:
        if archive.why:
            with pytest.raises(AsamanError, match=archive.why):
                read_wheel(file, archive.filename, pin=archive.pin)
        content = read_wheel(file, archive.filename, pin=archive.pin, lenient=bool(archive.why))
        assert content.digest == archive.digest
        ours = {member.name: member.sha256 for member in content.members}
        with zipfile.ZipFile(file) as theirs:
            expected = {
                info.filename: sha256(theirs.read(info))
                for info in theirs.infolist()
                if not info.is_dir()
            }
        assert ours == expected
