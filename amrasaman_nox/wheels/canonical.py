"""The canonical form of a wheel: what a backend chose freely is fixed here.

Members are stored, not deflated. What deflate writes depends on the library and its version (zlib,
zlib-ng, a processor's own), so that two people on two systems would get two hashes of one content.
Stored wheels are about three times as large, and made and installed faster.
"""

from __future__ import annotations

import csv
import hashlib
import io
import stat
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.archives.zip_headers import FLAG_UTF8, STORED
from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import EARLIEST_EPOCH, LATEST_EPOCH, Digest, Member, Wheel
from amrasaman_nox.wheels import sbom
from amrasaman_nox.wheels.reader import (
    SIGNATURES,
    WheelLayout,
    content_digest,
    drain,
    encoded,
    open_wheel,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.archives.zip import ZipMember
    from amrasaman_nox.model import Pin

# Version 2.0 of the format, made on Unix.
_NEEDED: Final = 20
_MADE_BY: Final = 3 << 8 | _NEEDED

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")


def canonicalise(
    source: BinaryIO,
    filename: str,
    destination: BinaryIO,
    *,
    epoch: int,
    build_path: str = sbom.SOURCE,
    pin: Pin | None = None,
    code: ExitCode = ExitCode.BUILD_FAILED,
    added: bytes = b"",
) -> tuple[Wheel, tuple[str, ...]]:
    """Write the wheel in *source* to *destination* in canonical form, reading it strictly.

    *epoch* (seconds since 1970) becomes the time of all members, moved into what zip can store
    (1980 to 2107, even seconds). *build_path* is the folder that it was built in. *pin* is whose
    wheel it must be, *code* the exit code of errors. *destination* is only appended to. *added* is
    an SBOM to put beside those that the wheel has (PEP 770), none if it is empty. Returns what was
    written, and the names of the :data:`PASSES` that changed something. A canonical wheel
    comes out as it went in.

    :raises AsamanError: as for :func:`~amrasaman_nox.wheels.reader.read_wheel`, or the wheel has a
        file of the name that is added; *destination* then holds nothing to be trusted
    """
    layout = open_wheel(source, filename, pin=pin, code=code, renaming=True)
    own = _own_name(layout) if added else ""
    writer = _Writer(destination, dos_moment(epoch))
    members = []
    rewritten = False
    for name, member in _named(layout, own):
        if member is None:
            members.append(_write(writer, name, added, executable=False))
            continue
        if sbom.is_sbom(member.name) and member.size <= sbom.LARGEST:
            raw = b"".join(layout.checked(member))
            content = sbom.canonical_sbom(raw, build_path)
            rewritten = rewritten or content != raw
            members.append(_write(writer, member.name, content, executable=member.executable))
            continue
        writer.begin(member.name, member.crc, member.size, executable=member.executable)
        members.append(drain(layout.checked(member), writer.write))
    record = _record(layout, members)
    members.append(_write_record(writer, layout, record))
    writer.finish()
    wheel = Wheel(
        filename=filename,
        digest=Digest(algorithm="sha256", value=writer.digest.hexdigest()),
        content_digest=content_digest(tuple(members)),
        size=writer.offset,
        members=tuple(sorted(members, key=lambda member: member.name.encode())),
    )
    change = Change(
        layout=layout,
        moment=writer.moment,
        record=record,
        rewritten=rewritten,
        added=bool(added),
    )
    return wheel, tuple(one.name for one in PASSES if one.changes(change))


def dos_moment(epoch: int) -> tuple[int, int]:
    """Return the DOS date and time, in UTC, of *epoch* seconds since 1970, in zip's range."""
    moment = datetime.fromtimestamp(max(EARLIEST_EPOCH, min(epoch, LATEST_EPOCH)), tz=UTC)
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return date, moment.hour << 11 | moment.minute << 5 | moment.second // 2


# Passes


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A wheel as the backend made it, and what it is given: DOS date and time, RECORD.

    ``rewritten`` is whether an SBOM in it was brought into its one form, ``added`` whether one of
    our own was put beside them.
    """

    layout: WheelLayout
    moment: tuple[int, int]
    record: bytes
    rewritten: bool = False
    added: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """One thing that canonicalising sets; ``changes`` tells whether it was otherwise."""

    name: str
    sets: str
    changes: Callable[[Change], bool]


def _reorders(change: Change) -> bool:
    planned = [*_planned(change.layout), _backend_record(change.layout)]
    by_start = sorted(planned, key=lambda member: member.start)
    names = {member.name for member in planned}
    listed = [member for member in change.layout.files if member.name in names]
    return not planned == listed == by_start


def _alters_headers(change: Change) -> bool:
    return any(
        (member.made_by, member.needed, member.flags, member.internal)
        != (_MADE_BY, _NEEDED, _name_flag(member.name), 0)
        for member in change.layout.files
    )


def _alters_modes(change: Change) -> bool:
    files = change.layout.files
    return any(member.external != _external(executable=member.executable) for member in files)


def _alters_record(change: Change) -> bool:
    return change.layout.archive.read(_backend_record(change.layout)) != change.record


#: Every way in which a canonical wheel can differ from what the backend made, a row each. A wheel
#: that no row applies to leaves byte for byte as it came.
PASSES: Final = (
    Pass(
        name="member-order",
        sets="members sorted by name, .dist-info after the others, RECORD last",
        changes=_reorders,
    ),
    Pass(
        name="member-names",
        sets="no component . in a name, as in licenses/./LICENSE",
        changes=lambda change: change.layout.renamed,
    ),
    Pass(
        name="member-times",
        sets="the source date epoch, in UTC",
        changes=lambda change: any(
            member.moment != change.moment for member in change.layout.files
        ),
    ),
    Pass(
        name="member-modes",
        sets="0755 for what installers make executable, 0644 for the rest",
        changes=_alters_modes,
    ),
    Pass(
        name="compression",
        sets="none: members are stored",
        changes=lambda change: any(member.method != STORED for member in change.layout.files),
    ),
    Pass(
        name="directories",
        sets="no entries of folders, which installers make themselves",
        changes=lambda change: any(member.is_folder for member in change.layout.archive.members),
    ),
    Pass(
        name="extra-fields",
        sets="no extra fields, such as finer times and owners",
        changes=lambda change: any(member.extra for member in change.layout.files),
    ),
    Pass(
        name="headers",
        sets="one zip version and system, no hints of the compressor",
        changes=_alters_headers,
    ),
    Pass(
        name="signatures",
        sets="no signatures of RECORD, which is written again",
        changes=lambda change: any(
            _is_signature(change.layout, one) for one in change.layout.files
        ),
    ),
    Pass(
        name="cargo-sbom",
        sets="a constant folder and serial number, no time, in an SBOM of a Rust build",
        changes=lambda change: change.rewritten,
    ),
    Pass(
        name="sbom",
        sets="an SBOM of what the wheel was made of, if --embed-sbom is given",
        changes=lambda change: change.added,
    ),
    Pass(
        name="record",
        sets="rows sorted by name, sha256 throughout, sizes, RECORD's own row last",
        changes=_alters_record,
    ),
)


# What is written


def _planned(layout: WheelLayout) -> list[ZipMember]:
    """Return the members that are copied, in canonical order; RECORD is not among them."""
    kept = [
        member
        for member in layout.files
        if member.name != layout.record_name and not _is_signature(layout, member)
    ]
    return sorted(kept, key=lambda one: _place(layout, one.name))


def _place(layout: WheelLayout, name: str) -> tuple[bool, bytes]:
    return name.startswith(f"{layout.dist_info}/"), name.encode()


def _named(layout: WheelLayout, own: str) -> list[tuple[str, ZipMember | None]]:
    """Return the members that are copied, by name in canonical order; *own* has none."""
    found: list[tuple[str, ZipMember | None]] = [(one.name, one) for one in _planned(layout)]
    if own:
        found.append((own, None))
        found.sort(key=lambda item: _place(layout, item[0]))
    return found


def _own_name(layout: WheelLayout) -> str:
    """Return the name of the SBOM that is added.

    :raises AsamanError: the wheel has it, or a name that some file systems take for it
    """
    name = f"{layout.dist_info}/{sbom.OWN}"
    taken = next((one for one in layout.files if one.name.lower() == name.lower()), None)
    if taken is not None:
        raise layout.archive.subject.refusal(f"{taken.name} is there already: no SBOM is added")
    return name


def _is_signature(layout: WheelLayout, member: ZipMember) -> bool:
    return member.name in {f"{layout.dist_info}/{signature}" for signature in SIGNATURES}


def _backend_record(layout: WheelLayout) -> ZipMember:
    return next(member for member in layout.files if member.name == layout.record_name)


def _record(layout: WheelLayout, members: list[Member]) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    for member in sorted(members, key=lambda one: one.name.encode()):
        digest = encoded(bytes.fromhex(member.sha256))
        rows.writerow((member.name, f"sha256={digest}", member.size))
    rows.writerow((layout.record_name, "", ""))
    return text.getvalue().encode()


def _write_record(writer: _Writer, layout: WheelLayout, record: bytes) -> Member:
    executable = _backend_record(layout).executable
    return _write(writer, layout.record_name, record, executable=executable)


def _write(writer: _Writer, name: str, content: bytes, *, executable: bool) -> Member:
    writer.begin(name, zlib.crc32(content), len(content), executable=executable)
    writer.write(content)
    return Member(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        executable=executable,
    )


def _external(*, executable: bool) -> int:
    return (stat.S_IFREG | (0o755 if executable else 0o644)) << 16


def _name_flag(name: str) -> int:
    return 0 if name.isascii() else FLAG_UTF8


@dataclass(slots=True)
class _Writer:
    """Writes stored members one behind the other, hashing what it writes.

    Sizes and CRC-32 are known before, so that nothing has to be written twice.
    """

    file: BinaryIO
    moment: tuple[int, int]
    offset: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _directory: list[bytes] = field(default_factory=list)

    def begin(self, name: str, crc: int, size: int, *, executable: bool) -> None:
        """Write the local header of a member; its content must follow."""
        raw = name.encode()
        date, time = self.moment
        flag = _name_flag(name)
        common = (_NEEDED, flag, STORED, time, date, crc, size, size, len(raw), 0)
        external = _external(executable=executable)
        central = _CENTRAL.pack(b"PK\1\2", _MADE_BY, *common, 0, 0, 0, external, self.offset)
        self._directory.append(central + raw)
        self.write(_LOCAL.pack(b"PK\3\4", *common) + raw)

    def write(self, data: bytes) -> None:
        """Write *data*, and count and hash it."""
        self.file.write(data)
        self.digest.update(data)
        self.offset += len(data)

    def finish(self) -> None:
        """Write the central directory and its end record."""
        start, count = self.offset, len(self._directory)
        directory = b"".join(self._directory)
        self.write(directory)
        self.write(_END.pack(b"PK\5\6", 0, 0, count, count, len(directory), start, 0))
