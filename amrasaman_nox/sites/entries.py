"""What a site tells of a wheel: its record, its metadata, its signatures, what verify found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from packaging.version import Version

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.files import open_regular
from amrasaman_nox.model import Digest, Verdict
from amrasaman_nox.verification.verdicts import worst_of
from amrasaman_nox.wheels import headers
from amrasaman_nox.wheels.reader import read_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amrasaman_nox.agreement.votes import Tally
    from amrasaman_nox.model import BuildRecord
    from amrasaman_nox.record_files import RecordFile
    from amrasaman_nox.verification.verdicts import Found

#: The largest METADATA that is put beside a wheel, in bytes.
_LARGEST: Final = 16 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A wheel of a site.

    ``metadata`` is its METADATA, ``summary`` and ``requires_python`` are fields of it or ``""``.
    ``signatures`` are the lines of signed records, each of one rebuilder; ``found`` is what
    ``verify`` came to with these bytes. ``tally`` is what the rebuilders of a policy say, ``None``
    without a policy.
    """

    record: BuildRecord
    metadata: bytes
    summary: str = ""
    requires_python: str = ""
    signatures: tuple[bytes, ...] = ()
    found: tuple[Found, ...] = ()
    tally: Tally | None = None

    @property
    def filename(self) -> str:
        """The file name of the wheel."""
        return self.record.wheel.filename

    @property
    def verdict(self) -> Verdict:
        """The verdict that says most against it, of ``verify`` and of the votes for it."""
        verdicts = [each.verdict for each in self.found]
        if self.tally is not None and self.tally.verdict is not Verdict.UNCHECKED:
            verdicts.append(self.tally.verdict)
        return worst_of(verdicts)

    @property
    def metadata_digest(self) -> Digest:
        """The sha256 of its METADATA."""
        return Digest.of(self.metadata)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project of a site: its ``entries``, the newest version first, and by name within it."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def versions(self) -> tuple[str, ...]:
        """Its versions, the newest first."""
        return tuple(dict.fromkeys(each.record.version for each in self.entries))

    @property
    def summary(self) -> str:
        """What its newest release says of itself, or ``""``."""
        return self.entries[0].summary


def read_entry(
    file: RecordFile,
    signatures: tuple[bytes, ...],
    found: tuple[Found, ...],
    tally: Tally | None = None,
) -> Entry:
    """Return what a site tells of the wheel beside *file*, which is read strictly.

    :raises AsamanError: the wheel contradicts itself or its record (exit 2)
    """
    with open_regular(file.wheel) as opened:
        wheel = read_wheel(opened, file.wheel.name, code=ExitCode.BAD_INPUT, lenient=True)
        record = file.record
        if (wheel.name, wheel.version) != (record.name, record.version):
            why = f"its record is of {record.name} {record.version}"
            raise AsamanError(str(file.wheel), why)
        metadata = wheel.read(f"{wheel.dist_info}/METADATA", _LARGEST)
    subject = Subject(what=file.wheel.name, code=ExitCode.BAD_INPUT)
    fields = headers.parse(metadata, "METADATA", subject)
    return Entry(
        record=record,
        metadata=metadata,
        summary=" ".join(next(iter(fields.all("Summary")), "").split()),
        requires_python=next(iter(fields.all("Requires-Python")), ""),
        signatures=signatures,
        found=found,
        tally=tally,
    )


def projects_of(entries: Iterable[Entry]) -> tuple[Project, ...]:
    """Return the projects of *entries*, by name."""
    by_name = sorted(entries, key=lambda each: (each.record.name, each.filename))
    return tuple(
        Project(name=name, entries=tuple(sorted(group, key=_version, reverse=True)))
        for name, group in groupby(by_name, key=lambda each: each.record.name)
    )


def _version(entry: Entry) -> Version:
    return Version(entry.record.version)
