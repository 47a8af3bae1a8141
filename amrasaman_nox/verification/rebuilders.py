"""Another rebuilder's wheels and records, compared with ours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from amrasaman_nox import record_files, records
from amrasaman_nox.agreement.inputs import inputs_line
from amrasaman_nox.comparison import wheels
from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.files import open_regular
from amrasaman_nox.model import BuildRecord, Comparison, Digest, Verdict
from amrasaman_nox.verification.explain import explain
from amrasaman_nox.verification.kept import keep

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.record_files import RecordFile

#: What two archives of one content are equal under.
_ARCHIVE: Final = "archive"


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirWheel:
    """A wheel of somebody else: its record, its file, or both."""

    name: str
    version: str
    filename: str
    record: BuildRecord | None = None
    wheel: Path | None = None

    @property
    def where(self) -> str:
        """The file that is compared with, or its name where there is only a record."""
        return str(self.wheel) if self.wheel is not None else f"record of {self.filename}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Theirs:
    """What somebody else has: wheels, and a note on each record that cannot be read."""

    wheels: tuple[TheirWheel, ...]
    notes: tuple[str, ...] = ()


def read(path: Path) -> Theirs:
    """Return the wheels and records in a folder, or the one that a file holds or tells of.

    :param path: a folder, a ``….provenance.json`` or a ``….whl``
    :raises AsamanError: it is not there, or none of these (exit 2)
    """
    if path.is_dir():
        return _in_folder(path)
    if path.name.endswith(records.SUFFIX):
        return Theirs(wheels=(_told(record_files.read_file(path)),))
    if path.name.endswith(".whl") and path.is_file():
        found = tuple(_bare([path]))
        if found:
            return Theirs(wheels=found)
    raise AsamanError(
        str(path),
        "not a folder, a record or a wheel",
        hint="give a folder of wheels and records, or a FILE.whl.provenance.json",
    )


def _in_folder(folder: Path) -> Theirs:
    read = record_files.read_folder(folder)
    wheels = (path for path in sorted(folder.glob("*.whl")) if path.is_file())
    found = [*map(_told, read.files), *_bare(wheels)]
    if not found:
        why = "it contains no wheel and no readable record"
        raise all_of([AsamanError(str(folder), why), *read.problems])
    by_name = {one.filename: one for one in reversed(found)}
    return Theirs(wheels=tuple(by_name.values()), notes=read.notes)


def _told(file: RecordFile) -> TheirWheel:
    record = file.record
    return TheirWheel(
        name=record.name,
        version=record.version,
        filename=record.wheel.filename,
        record=record,
        wheel=file.wheel if file.wheel.is_file() else None,
    )


def _bare(paths: Iterable[Path]) -> Iterable[TheirWheel]:
    for path in paths:
        try:
            name, version, _, _ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        yield TheirWheel(name=name, version=str(version), filename=path.name, wheel=path)


def compare(record: BuildRecord, config: Config, theirs: tuple[TheirWheel, ...]) -> Comparison:
    """Return how our wheel of *record*, in the output folder, compares with theirs of that name.

    Where only their record is available, the digests are compared. What differs in the inputs of
    the two builds is named.

    :raises AsamanError: a wheel cannot be read or is malformed
    """
    other = _counterpart(record, theirs)
    if isinstance(other, str):
        return _comparison(record, Verdict.UNCHECKED, against="", reason=other)
    if other.wheel is None:
        if other.record is None:
            raise ValueError(other)
        return compare_records(record, other.record, other.where)
    return compare_files(record, config.output, other, config)


def compare_files(
    record: BuildRecord, output: Path, other: TheirWheel, config: Config
) -> Comparison:
    """Compare our wheel, which is in *output*, with the file of *other*, member by member.

    Where they differ, both are kept in the output folder of *config*.

    :raises AsamanError: one of them cannot be read, or is malformed
    """
    if other.wheel is None:
        raise ValueError(other)
    ours = partial(open_regular, output / record.wheel.filename)
    theirs = partial(open_regular, other.wheel.resolve())
    try:
        with ours() as left, theirs() as right:
            found = wheels.compare_wheels(left, right, filename=record.wheel.filename)
            right.seek(0)
            digest = Digest.of(right.read())
    except OSError as error:
        raise AsamanError(
            str(error.filename), system_reason(error), code=ExitCode.INPUT_OUTPUT
        ) from None
    comparison = dataclasses.replace(
        _comparison(
            record,
            wheels.verdict_of(found),
            against=other.where,
            reason=_inputs(record, other.record) if found else "",
        ),
        theirs=digest,
        normalisations=wheels.normalisations_of(found),
        differences=found,
        causes=explain(found, "") if found else (),
    )
    return keep(comparison, {"ours": ours, "theirs": theirs}, config)


def _counterpart(record: BuildRecord, theirs: tuple[TheirWheel, ...]) -> TheirWheel | str:
    """Return their wheel of the same file name, or why there is none."""
    name = canonicalize_name(record.name)
    same = [one for one in theirs if (one.name, one.version) == (name, record.version)]
    for one in same:
        if one.filename == record.wheel.filename:
            return one
    if same:
        return f"they have only {', '.join(sorted(one.filename for one in same))}"
    return "they have no such wheel"


def compare_records(ours: BuildRecord, theirs: BuildRecord, against: str) -> Comparison:
    """Compare two wheels by the digests in their records.

    :param against: what reports call the second one
    """
    normalisations: tuple[str, ...] = ()
    if ours.wheel.digest == theirs.wheel.digest:
        verdict, reason = Verdict.IDENTICAL, ""
    elif ours.wheel.content_digest == theirs.wheel.content_digest:
        verdict, reason = Verdict.EQUIVALENT, "same content, different archive"
        normalisations = (_ARCHIVE,)
    else:
        verdict, reason = Verdict.DIFFERENT, inputs_line(ours, theirs)
    return dataclasses.replace(
        _comparison(ours, verdict, against=against, reason=reason),
        theirs=theirs.wheel.digest,
        normalisations=normalisations,
    )


def _comparison(
    record: BuildRecord, verdict: Verdict, *, against: str, reason: str = ""
) -> Comparison:
    return Comparison(
        name=record.name,
        version=record.version,
        wheel=record.wheel.filename,
        verdict=verdict,
        against=against,
        as_published=record.as_published,
        ours=record.wheel.digest,
        reason=reason,
    )


def _inputs(ours: BuildRecord, theirs: BuildRecord | None) -> str:
    return inputs_line(ours, theirs) if theirs is not None else ""
