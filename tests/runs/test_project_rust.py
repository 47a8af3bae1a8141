"""A working tree with Rust in it: maturin asks cargo what belongs into its sdist."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, IndexOptions, Pin, Prepared, Source
from amrasaman_nox.runs import project_rust
from amrasaman_nox.sdists.build_system import build_system
from amrasaman_nox.sdists.reader import SdistInfo
from amrasaman_nox.sources.site import Site
from tests.support.crates import crate, serve
from tests.support.rusty import DEFAULT, MANIFEST, greets, project, registry, sysroot

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store
    from tests.support.bench import Bench

GREETS = crate("greets", greets(), registry=DEFAULT)
LOCK = (
    f'version = 3\n[[package]]\nname = "greets"\nversion = "1.0.0"\nsource = "{DEFAULT}"\n'
    f'checksum = "{GREETS.digest.value}"\n'
)


def test_a_tree_without_rust_has_none(tmp_path: Path) -> None:
    assert project_rust.of_tree(tmp_path, None) is None


@pytest.mark.parametrize("place", ["", "native", "native/inner"])
@pytest.mark.parametrize("top", [True, False])
def test_the_lock_of_the_manifest_or_of_a_folder_above_it_counts(
    tmp_path: Path, place: str, *, top: bool
) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST)
    ((tmp_path if top else folder) / "Cargo.lock").write_text(LOCK)
    text = f'[tool.maturin]\nmanifest-path = "{place}/Cargo.toml"\n'
    found = project_rust.of_tree(tmp_path, text.encode() if place else None)
    assert found is not None
    assert (found.crates, found.locked) == ((GREETS,), True)


@pytest.mark.parametrize("backend", ["maturin", "setuptools.build_meta"])
def test_only_maturin_needs_a_lock_for_an_sdist(
    tmp_path: Path, backend: str, store: Store, interpreter: Interpreter
) -> None:
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    pyproject = f'[build-system]\nrequires = []\nbuild-backend = "{backend}"\n'.encode()
    info = SdistInfo(
        filename="pyproject.toml", name="rusty", version="0", pyproject=pyproject,
        has_setup_py=False, top="", members=0, size=0,
        rust=project_rust.of_tree(tmp_path, pyproject),
    )  # fmt: skip
    digest = Digest.of(b"")
    prepared = Prepared(
        source=Source(pin=Pin(name="rusty", version="0"), filename="r.tar.gz", digest=digest),
        interpreter=interpreter,
        system=build_system(info),
    )
    site = Site(store=store, index=IndexOptions())
    if backend != "maturin":
        assert project_rust.completed(site, prepared, info) == prepared
        return
    with pytest.raises(AsamanError) as refused:
        project_rust.completed(site, prepared, info)
    assert refused.value.lines() == (
        "error: pyproject.toml: maturin needs a Cargo.lock to make an sdist, and the project has "
        "none",
        "hint: make one with: cargo generate-lockfile",
    )


@pytest.mark.slow
def test_a_project_of_maturin_is_built_from_its_tree(cold: Bench) -> None:
    pytest.importorskip("maturin")
    assert cold.index is not None
    cold.index.add_installed("maturin")
    place = serve(cold.index, **registry())
    with tarfile.open(fileobj=io.BytesIO(project("maturin"))) as archive:
        archive.extractall(cold.folder, filter="data")
    tree = cold.folder / "rusty-1.0"
    # Of the sdist alone: maturin refuses a tree that has one.
    (tree / "PKG-INFO").unlink()
    done = cold.asaman("--rust", sysroot(), "--crate-index", place, cwd=tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cold.hashes(tree / "wheels")
