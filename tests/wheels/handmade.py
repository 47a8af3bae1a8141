"""Wheels made by hand, with everything that can be set in a zip archive at will."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nSummary: demo\n\nText.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: maker 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
MEMBERS = {
    "demo/__init__.py": b"VALUE = 1\n",
    "demo/tool.sh": b"#!/bin/sh\necho demo\n",
    "demo-1.0.dist-info/METADATA": METADATA,
    "demo-1.0.dist-info/WHEEL": WHEEL,
}
RECORD = "demo-1.0.dist-info/RECORD"


def record_of(members: Mapping[str, bytes]) -> bytes:
    """Return the RECORD of *members*, in their order."""
    rows = []
    for name, data in members.items():
        digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(data)}\n")
    return "".join([*rows, f"{RECORD},,\n"]).encode()


def zipped(
    members: Mapping[str, bytes],
    *,
    time: tuple[int, int, int, int, int, int] = (2020, 1, 1, 0, 0, 0),
    mode: int = 0o100644,
    modes: Mapping[str, int] | None = None,
    level: int = 6,
    stored: bool = False,
    extra: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """Return a zip archive of *members* in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name, data in members.items():
            info = zipfile.ZipInfo(name, time)
            info.external_attr = (modes or {}).get(name, mode) << 16
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            info.extra = extra
            archive.writestr(info, data, compresslevel=level)
    return buffer.getvalue()


def wheel(
    changes: Mapping[str, bytes | None] | None = None, *, record: bytes | None = None, **how: object
) -> bytes:
    """Return the demo wheel with members replaced, added or (``None``) left out."""
    merged = {**MEMBERS, **(changes or {})}
    members = {name: data for name, data in merged.items() if data is not None}
    members[RECORD] = record_of(members) if record is None else record
    return zipped(members, **how)  # type: ignore[arg-type]
