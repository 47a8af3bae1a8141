"""Archives made byte by byte, so that each can hold what no library would write."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

USTAR = b"ustar\x0000"
GNU = b"ustar  \x00"
END = bytes(1024)


# tar


def tar_header(
    name: bytes,
    *,
    size: int | bytes = 0,
    kind: bytes = b"0",
    mode: bytes = b"0000644\0",
    link: bytes = b"",
    magic: bytes = USTAR,
    prefix: bytes = b"",
    mtime: bytes = b"00000000000\0",
    checksum: bytes | None = None,
) -> bytes:
    """Return one header block."""
    number = size if isinstance(size, bytes) else b"%011o\0" % size
    owner = b"0177777\0" * 2
    start = name.ljust(100, b"\0") + mode + owner + number + mtime
    rest = kind + link.ljust(100, b"\0") + magic + bytes(80) + prefix.ljust(155, b"\0")
    total = sum(start) + sum(rest) + 8 * 32
    return (start + (checksum or b"%06o\0 " % total) + rest).ljust(512, b"\0")


def tar_member(name: str | bytes, data: bytes = b"", **header: Any) -> bytes:
    """Return a header with its content and the padding."""
    raw = name.encode() if isinstance(name, str) else name
    header.setdefault("size", len(data))
    return tar_header(raw, **header) + data + bytes(-len(data) % 512)


def folder(name: str) -> bytes:
    return tar_member(f"{name}/", kind=b"5", mode=b"0000755\0")


def link(name: str, target: str) -> bytes:
    return tar_member(name, kind=b"2", link=target.encode())


def hard(name: str, original: str) -> bytes:
    return tar_member(name, kind=b"1", link=original.encode())


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """Return an extended header with *records*."""
    return tar_member("pax", b"".join(pax_record(*record) for record in records), kind=kind)


def pax_record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body


def gzipped(data: bytes) -> bytes:
    """Return *data* as one gzip member without a time."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return deflate.compress(data) + deflate.flush()


def pkg_info(name: str = "demo", version: str = "1.0") -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()


def sdist(*members: bytes, top: str = "demo-1.0", metadata: bytes | None = None) -> bytes:
    """Return a sound ``.tar.gz`` sdist, with *members* behind its own."""
    own = (
        tar_member(f"{top}/PKG-INFO", pkg_info() if metadata is None else metadata),
        tar_member(f"{top}/setup.py", b"raise SystemExit('not to be run')\n"),
    )
    return gzipped(b"".join((*own, *members)) + END)


# zip


@dataclass(frozen=True)
class Entry:
    """A zip member; what is set here goes into both headers, ``local`` and ``central`` into one."""

    name: str | bytes
    data: bytes = b""
    mode: int = 0o100644
    method: int = 0
    flags: int = 0
    extra: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    before: bytes = b""
    behind: bytes = b""
    content: bytes | None = None

    @property
    def raw(self) -> bytes:
        return self.name.encode() if isinstance(self.name, str) else self.name

    @property
    def stored(self) -> bytes:
        if self.content is not None:
            return self.content
        if self.method != 8:
            return self.data
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        return deflate.compress(self.data) + deflate.flush()

    def facts(self, changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "made_by": 3 << 8 | 20,
            "needed": 20,
            "flags": self.flags | (0 if self.raw.isascii() else 0x800),
            "method": self.method,
            "time": 0,
            "date": 1 << 5 | 1,
            "crc": zlib.crc32(self.data),
            "compressed": len(self.stored),
            "size": len(self.data),
            "name": self.raw,
            "extra": self.extra,
            "comment": b"",
            "internal": 0,
            "external": self.mode << 16,
        } | changes


def zipped(
    *entries: Entry, before: bytes = b"", behind: bytes = b"", comment: bytes = b"", **end: int
) -> bytes:
    """Return a zip archive of *entries*; *end* are fields of its end record."""
    body = before
    central = b""
    for entry in entries:
        body += entry.before
        offset = len(body)
        body += _local(entry.facts(entry.local)) + entry.stored + entry.behind
        central += _central({"offset": offset} | entry.facts(entry.central))
    count = end.get("count", len(entries))
    disk, here = end.get("disk", 0), end.get("here", count)
    fields = (disk, disk, here, count, end.get("size", len(central)), end.get("offset", len(body)))
    record = struct.pack("<4s4H2LH", b"PK\5\6", *fields, len(comment))
    return body + central + record + comment + behind


def _local(facts: dict[str, Any]) -> bytes:
    keys = ("needed", "flags", "method", "time", "date", "crc", "compressed", "size")
    lengths = (len(facts["name"]), len(facts["extra"]))
    head = struct.pack("<4s5H3L2H", b"PK\3\4", *(facts[key] for key in keys), *lengths)
    return head + facts["name"] + facts["extra"]


def _central(facts: dict[str, Any]) -> bytes:
    keys = ("made_by", "needed", "flags", "method", "time", "date", "crc", "compressed", "size")
    lengths = (len(facts["name"]), len(facts["extra"]), len(facts["comment"]))
    places = (0, facts["internal"], facts["external"], facts["offset"])
    head = struct.pack("<4s6H3L5H2L", b"PK\1\2", *(facts[key] for key in keys), *lengths, *places)
    return head + facts["name"] + facts["extra"] + facts["comment"]


# wheels

WHEEL = b"Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
FILENAME = "demo-1.0-py3-none-any.whl"
DIST_INFO = "demo-1.0.dist-info"


def record_hash(data: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def record_rows(entries: list[Entry], dist_info: str = DIST_INFO) -> list[str]:
    """Return the rows of a sound RECORD."""
    rows = [
        f"{entry.raw.decode(errors='replace')},{record_hash(entry.data)},{len(entry.data)}"
        for entry in entries
        if not entry.raw.endswith(b"/")
    ]
    return [*rows, f"{dist_info}/RECORD,,"]


def wheel_entries(
    *extra: Entry,
    metadata: bytes | None = None,
    wheel: bytes = WHEEL,
    dist_info: str = DIST_INFO,
    rows: list[str] | None = None,
) -> list[Entry]:
    """Return the members of a sound wheel with *extra* ones; *rows* replace those of RECORD."""
    entries = [
        Entry("demo.py", b"VALUE = 1\n"),
        *extra,
        Entry(f"{dist_info}/METADATA", pkg_info() if metadata is None else metadata),
        Entry(f"{dist_info}/WHEEL", wheel),
    ]
    chosen = record_rows(entries, dist_info) if rows is None else rows
    record = "".join(f"{row}\n" for row in chosen).encode()
    return [*entries, Entry(f"{dist_info}/RECORD", record)]


def wheel(*extra: Entry, **changes: Any) -> bytes:
    """Return a sound wheel named :data:`FILENAME`, with *extra* members."""
    return zipped(*wheel_entries(*extra, **changes))
