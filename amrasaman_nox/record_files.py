"""The records of a folder, each beside its wheel; anybody can have put them there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import BuildRecord

_LARGEST: Final = 4 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFile:
    """A record with its *text* and its *path*."""

    record: BuildRecord
    text: bytes
    path: Path

    @property
    def wheel(self) -> Path:
        """The wheel beside it; it may be missing, or another one than the record tells of."""
        return self.path.with_name(self.record.wheel.filename)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFolder:
    """The records in a folder, in order of their names, and why others cannot be read."""

    files: tuple[RecordFile, ...] = ()
    problems: tuple[AsamanError, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """A line worth printing for each record that cannot be read."""
        return tuple(f"not read: {problem}" for problem in self.problems)


def beside(wheel: Path) -> Path:
    """Return the path of the record of *wheel*."""
    return wheel.with_name(f"{wheel.name}{records.SUFFIX}")


def read_file(path: Path) -> RecordFile:
    """Return the record at *path*, a regular file of at most 4 MiB.

    :raises AsamanError: it cannot be read, is not a record or has another schema
    """
    content = read_regular(path, _LARGEST, f"record {path}")
    return RecordFile(record=records.parse(content, str(path)), text=content, path=path)


def read_folder(folder: Path) -> RecordFolder:
    """Return the records in *folder*; none where there is no such folder.

    One that cannot be read, or that has the name of another wheel's record, is a problem. The
    bytes of the wheels are not looked at.

    :raises AsamanError: the disk is at fault (exit 5)
    """
    files, problems = [], []
    for path in sorted(folder.glob(f"*.whl{records.SUFFIX}")):
        try:
            found = read_file(path)
        except AsamanError as error:
            if error.code is ExitCode.INPUT_OUTPUT:
                raise
            problems.append(error)
            continue
        if path == beside(found.wheel):
            files.append(found)
        else:
            why = f"it is the record of {found.record.wheel.filename}"
            problems.append(AsamanError(f"record {path}", why))
    return RecordFolder(files=tuple(files), problems=tuple(problems))
