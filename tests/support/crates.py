"""Crates made by hand, and a registry of them on the loopback interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from amrasaman_nox.model import Crate, Digest

from .archives import END, gzipped, tar_member

if TYPE_CHECKING:
    from .index import LocalIndex

SOURCE = "registry+https://example.org/index"


def crate_file(name: str, version: str = "1.0.0", files: dict[str, bytes] | None = None) -> bytes:
    """Return a ``.crate`` file: a manifest and an empty library, unless *files* say otherwise."""
    manifest = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
    content = {"Cargo.toml": manifest.encode(), "src/lib.rs": b"", **(files or {})}
    members = (tar_member(f"{name}-{version}/{path}", data) for path, data in content.items())
    return gzipped(b"".join(members) + END)


def crate(name: str, data: bytes, version: str = "1.0.0", registry: str = SOURCE) -> Crate:
    return Crate(name=name, version=version, digest=Digest.of(data), registry=registry)


def lock_text(*crates: Crate) -> str:
    """Return the part of a ``Cargo.lock`` that names *crates*."""
    return "".join(
        f'[[package]]\nname = "{one.name}"\nversion = "{one.version}"\n'
        f'source = "{one.registry}"\nchecksum = "{one.digest.value}"\n\n'
        for one in crates
    )


def serve(index: LocalIndex, **crates: bytes) -> str:
    """Make *index* a registry of *crates*, version 1.0.0; return the URL of its sparse index."""
    template = f"{index.base}/files/{{crate}}-{{version}}.crate"
    index.add(json.dumps({"dl": template}).encode(), "config.json")
    for name, data in crates.items():
        index.add(data, f"{name}-1.0.0.crate")
    return f"{index.base}/files"
