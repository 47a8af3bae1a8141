"""Wheels made by hand with their records, and sites of them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from amrasaman_nox import records
from amrasaman_nox.agreement import keygen, signing
from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildEnvironment, BuildRecord, Digest, Pin, Source, Wheel
from amrasaman_nox.sites.entries import read_entry
from amrasaman_nox.sites.index import make_index

from ..support.projects import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sites.entries import Entry


def put(
    folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any", **changes: Any
) -> Path:
    """Put a wheel with its record into *folder*; *changes* are of the record.

    ``requires_python`` and ``files`` are those of the wheel.
    """
    made = {one: changes.pop(one) for one in ("requires_python", "files") if one in changes}
    content = make_wheel(name, version, tag=tag, **made)
    filename = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    digest = Digest.of(content)
    record = BuildRecord(
        name=name,
        version=version,
        wheel=Wheel(filename=filename, digest=digest, content_digest=digest, size=len(content)),
        source=Source(
            pin=Pin(name=name, version=version),
            filename=f"{name}-{version}.tar.gz",
            digest=Digest.of(b"sdist"),
        ),
        key="k",
        environment=BuildEnvironment(),
        isolation="full",
    )
    record = dataclasses.replace(record, **changes)
    folder.mkdir(exist_ok=True)
    path = folder / filename
    path.write_bytes(content)
    path.with_name(path.name + records.SUFFIX).write_text(records.render(record))
    return path


def entry(folder: Path, name: str, *more: str, **changes: Any) -> Entry:
    """Return what a site tells of a wheel that is put into *folder*."""
    from amrasaman_nox.record_files import beside, read_file

    return read_entry(read_file(beside(put(folder, name, *more, **changes))), (), ())


def site(folder: Path, *wheels: Path, **more: Any) -> Path:
    """Write the site of *wheels* (folders) into the folder ``site`` of *folder*; return it."""
    made = folder / "site"
    make_index(Config(folders=wheels, site=made, cache_dir=folder / "cache", **more))
    return made


def sign(folder: Path, key: Path) -> None:
    """Sign all records in *folder* with *key*, which is made where there is none."""
    if not key.exists():
        keygen.keygen(Config(key=str(key)))
    signing.sign(Config(output=folder, key=str(key)))


def report(path: Path, *wheels: Path, verdict: str = "identical", **more: Any) -> Path:
    """Write a JSON report of ``verify`` on *wheels*."""
    rows = [
        {
            "wheel": wheel.name,
            "verdict": verdict,
            "against": "rebuild",
            "ours": str(Digest.of(wheel.read_bytes())),
            "varied": ["umask"],
            "proof": "",
            "reason": "",
            **more,
        }
        for wheel in wheels
    ]
    path.write_text(json.dumps({"schema": 1, "comparisons": rows}))
    return path
