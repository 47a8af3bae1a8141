"""Crates made by hand, and a registry of them on the loopback interface."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from amrasaman_nox.model import Crate, Digest
from amrasaman_nox.sources.crates import prefix_of

from .archives import END, gzipped, tar_member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .index import Handler, LocalIndex

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


def index_line(
    name: str, version: str = "1.0.0", data: bytes = b"", deps: Any = (), **more: Any
) -> bytes:
    """Return the line of an index for a release, whose ``.crate`` file is *data*."""
    usual = {"req": "*", "features": [], "optional": False, "default_features": True}
    usual |= {"target": None, "kind": "normal"}
    facts = {
        "name": name,
        "vers": version,
        "deps": [{**usual, **one} for one in deps],
        "cksum": Digest.of(data).value,
        "features": {},
        "yanked": False,
        **more,
    }
    return json.dumps(facts).encode() + b"\n"


def serve_index(
    index: LocalIndex, lines: Mapping[str, bytes], crates: Mapping[str, bytes] | None = None
) -> str:
    """Make *index* a registry with *lines* by crate and *crates* by file name; return its URL.

    It is an index of Python packages beside that.
    """
    template = f"{index.base}/registry/files/{{crate}}-{{version}}.crate"
    contents = {"config.json": json.dumps({"dl": template}).encode()}
    contents |= {f"{prefix_of(name)}/{name}": content for name, content in lines.items()}
    contents |= {f"files/{name}": content for name, content in (crates or {}).items()}
    for path, content in contents.items():
        index.always(f"registry/{path}", functools.partial(_answer, content))
    return f"{index.base}/registry"


def _answer(content: bytes, handler: Handler, body: bytes) -> None:
    handler.answer(200, content)
