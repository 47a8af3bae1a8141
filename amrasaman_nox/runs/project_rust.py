"""What of a working tree is Rust: maturin runs cargo also to make the sdist."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sdists.rust import RustFiles, manifest_folder
from amrasaman_nox.sources import rust

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Prepared
    from amrasaman_nox.sdists.reader import SdistInfo
    from amrasaman_nox.sdists.rust import RustSource
    from amrasaman_nox.sources.site import Site

_NAMES: Final = ("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml")
#: The backend that asks cargo what belongs into an sdist; others only copy files.
_ASKS: Final = "maturin"


def of_tree(folder: Path, pyproject: bytes | None) -> RustSource | None:
    """Return what the project in *folder* has of Rust, ``None`` if nothing.

    Looked at are its folder, and the one of the manifest that ``pyproject.toml`` names with those
    above it.
    """
    files = RustFiles()
    parts = manifest_folder(pyproject) or ()
    for end in range(len(parts) + 1):
        for name in _NAMES:
            path = folder.joinpath(*parts[:end], name)
            if path.is_file():
                data = path.read_bytes()
                files.add((*parts[:end], name), len(data), iter([data]))
    return files.source(str(folder), pyproject)


def completed(site: Site, prepared: Prepared, info: SdistInfo) -> Prepared:
    """Return *prepared* with the crates of its tree, in the store, where cargo needs them.

    :raises AsamanError: there is no toolchain (exit 3), no ``Cargo.lock``, or a crate is not what
        that names (exit 2), or a crate cannot be fetched (exit 5)
    """
    source, system = prepared.source, prepared.system
    if info.rust is None or system.backend != _ASKS:
        return prepared
    if not info.rust.locked:
        raise AsamanError(
            info.filename,
            "maturin needs a Cargo.lock to make an sdist, and the project has none",
            hint="make one with: cargo generate-lockfile",
        )
    crates = rust.prepare(site, source.pin, info, system)
    found = dataclasses.replace(source, crates=crates, rust_channel=info.rust.channel)
    return dataclasses.replace(prepared, source=found)
