"""Bring the wheels, records and build locks of several runs together in one folder.

It is a union: to merge twice changes nothing, and the order of the folders does not matter. All is
read and checked before the first file is written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from collections import defaultdict
from typing import TYPE_CHECKING

from amrasaman_nox import record_files
from amrasaman_nox.agreement import platforms
from amrasaman_nox.agreement.inputs import differing_inputs
from amrasaman_nox.build_lock.file import read_lock, write_lock
from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.files import copy_in_place, digest_of
from amrasaman_nox.model import BuildLock, BuildOutcome, Report, utc
from amrasaman_nox.sources import trusted
from amrasaman_nox.sources.trusted import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord, Digest, Event, LockEntry
    from amrasaman_nox.record_files import RecordFile

#: The build lock beside the wheels of a part.
LOCK = "build-lock.toml"


def merge(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    """Bring everything in the folders of *config* into its output folder.

    A wheel counts if a record beside it names its very bytes; others are left out with a note.

    :param notify: not used: nothing here takes long
    :raises AsamanError: a folder is missing, or two wheels of one name, or two lock entries of one
        source, differ (exit 2; all are named); other users can have written a wheel that our
        store does not know (exit 4); or something cannot be written (exit 5)
    """
    folders = [*config.folders, *([config.output] if config.output.is_dir() else [])]
    notes: list[str] = []
    wheels, problems = collected(folders, config, notes)
    problems += in_the_way(config.output, wheels.values())
    lock, path = _lock(config, folders, problems)
    if problems:
        raise all_of(problems)
    write_wheels(config.output, wheels.values())
    if lock.entries:
        write_lock(path, lock)
    return Report(
        command="merge_wheels",
        build=BuildOutcome(
            records=tuple(found.record for _, found in sorted(wheels.items())),
            notes=tuple(dict.fromkeys(notes)),
            merged=True,
        ),
        output=str(config.output),
    )


def collected(
    folders: Iterable[Path], config: Config, notes: list[str]
) -> tuple[dict[str, RecordFile], list[AsamanError]]:
    """Return the wheels of *folders* with their records, one of each name, and what is wrong.

    :param notes: takes a line for each wheel or record that does not count
    :raises AsamanError: a folder is missing (exit 2), or other users can have written a wheel that
        our store does not know (exit 4)
    """
    folders = list(folders)
    _check_folders(folders)
    files = [file for folder in folders for file in _wheels(folder, notes)]
    trusted.check(files, config)
    return _united(files, notes)


def _check_folders(folders: Iterable[Path]) -> None:
    problems = [
        AsamanError(str(folder), "no such folder", hint="give folders with wheels of asaman")
        for folder in folders
        if not folder.is_dir()
    ]
    if problems:
        raise all_of(problems)


def _wheels(folder: Path, notes: list[str]) -> Iterator[RecordFile]:
    """Yield the wheels in *folder* whose bytes are those that their record names."""
    read = record_files.read_folder(folder)
    whole = [file for file in read.files if is_whole(file)]
    names = {file.wheel for file in whole}
    notes += read.notes
    notes += [
        f"left out: {path}: it has no provenance record"
        for path in sorted(folder.glob("*.whl"))
        if path not in names
    ]
    yield from whole


def _united(
    files: Iterable[RecordFile], notes: list[str]
) -> tuple[dict[str, RecordFile], list[AsamanError]]:
    """Return one wheel of each name, always the same one, and the errors of those that differ.

    A wheel that is not the same under another interpreter is left out with a note.
    """
    by_name: dict[str, list[RecordFile]] = defaultdict(list)
    for found in sorted(files, key=_order):
        by_name[found.wheel.name].append(found)
    problems: list[AsamanError] = []
    for name, candidates in by_name.items():
        problems += _conflicts(name, candidates)
        notes += _not_taken(candidates)
    notes += _lacking([found.record for candidates in by_name.values() for found in candidates])
    return {name: candidates[0] for name, candidates in by_name.items()}, problems


def _lacking(records: Sequence[BuildRecord]) -> tuple[str, ...]:
    """Return a line for each release without a wheel for a platform that another one is for."""
    releases: dict[str, list[BuildRecord]] = defaultdict(list)
    for record in records:
        releases[f"{record.name} {record.version}"].append(record)
    return platforms.lacking(releases, platforms.platforms(records))


def _order(found: RecordFile) -> tuple[object, ...]:
    """Return what candidates are sorted by: those of the lowest interpreter come first."""
    rank = hashlib.sha256(found.text).hexdigest()
    return platforms.order(found.record.interpreter), rank, str(found.wheel)


def _conflicts(name: str, candidates: Sequence[RecordFile]) -> Iterator[AsamanError]:
    """Yield an error for each wheel that differs from another of the same interpreter.

    A published wheel has no interpreter: nothing may differ from it.
    """
    built = all(found.record.interpreter is not None for found in candidates)
    first: dict[str, RecordFile] = {}
    for found in sorted(candidates, key=lambda each: str(each.wheel)):
        other = first.setdefault(platforms.key_of(found.record) if built else "", found)
        if other.record.wheel.digest != found.record.wheel.digest:
            yield AsamanError(
                name,
                f"two different wheels ({_why(other, found)}): "
                f"{other.wheel} ({other.record.wheel.digest}) and "
                f"{found.wheel} ({found.record.wheel.digest})",
                hint="compare them with: asaman verify --against PATH",
            )


def _not_taken(candidates: Sequence[RecordFile]) -> Iterator[str]:
    """Yield a note for each wheel that differs from that of the lowest interpreter."""
    taken, *others = candidates
    for found in others:
        if found.record.wheel.digest != taken.record.wheel.digest:
            yield (
                f"left out: {found.wheel}: it differs from that of "
                f"{platforms.key_of(taken.record)} ({_why(taken, found, but='interpreter')})"
            )


def _why(one: RecordFile, other: RecordFile, but: str = "") -> str:
    """Return the first input in which two builds differ; of the kind *but* if there is no other."""
    found = differing_inputs(one.record, other.record)
    first = next((each for each in found if each.kind != but), next(iter(found), None))
    return f"first differing input: {first}" if first is not None else "from the same inputs"


def _lock(
    config: Config, folders: Iterable[Path], problems: list[AsamanError]
) -> tuple[BuildLock, Path]:
    """Return the union of the locks, with the path that it is to be written to."""
    path = config.lock or config.output / LOCK
    entries: dict[tuple[Digest, str], tuple[LockEntry, Path]] = {}
    for folders_of in dict.fromkeys([*(folder / LOCK for folder in folders), path]):
        for entry in read_lock(folders_of).entries:
            other, where = entries.setdefault((entry.sdist, entry.interpreter), (entry, folders_of))
            if _undated(other) != _undated(entry):
                problems.append(_lock_conflict(entry, *sorted((where, folders_of))))
            elif _date(entry) < _date(other):
                entries[entry.sdist, entry.interpreter] = entry, folders_of
    return BuildLock(entries=tuple(entry for entry, _ in entries.values())), path


def _undated(entry: LockEntry) -> LockEntry:
    return dataclasses.replace(entry, as_of=None, as_of_reason="")


def _date(entry: LockEntry) -> str:
    return utc(entry.as_of) if entry.as_of is not None else ""


def _lock_conflict(entry: LockEntry, one: Path, other: Path) -> AsamanError:
    return AsamanError(
        f"{entry.name}=={entry.version}",
        f"two different build locks for {entry.interpreter}: {one} and {other}",
        hint="give all parts the same build lock, or resolve as of one date (--as-of)",
    )


def in_the_way(output: Path, wheels: Iterable[RecordFile]) -> list[AsamanError]:
    """Return an error for each wheel in *output* that is another one and nobody's."""
    return [
        AsamanError(
            str(path),
            "a different wheel with this name exists and has no provenance record",
            hint="move it away, or choose another --output",
        )
        for found in wheels
        if os.path.lexists(path := output / found.wheel.name)
        and digest_of(path, found.record.wheel.digest.algorithm) != found.record.wheel.digest.value
        and not _has_record(path)
    ]


def _has_record(wheel: Path) -> bool:
    try:
        return is_whole(record_files.read_file(record_files.beside(wheel)))
    except AsamanError:
        return False


def write_wheels(output: Path, wheels: Iterable[RecordFile]) -> None:
    """Put each of *wheels* with its record into the folder *output*, unless it is there.

    :raises AsamanError: something cannot be written (exit 5)
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for found in wheels:
            _write_one(output, found)
    except OSError as error:
        raise AsamanError(
            str(error.filename or output),
            system_reason(error),
            code=ExitCode.INPUT_OUTPUT,
        ) from None


def _write_one(output: Path, found: RecordFile) -> None:
    wheel, digest = output / found.wheel.name, found.record.wheel.digest
    if digest_of(wheel, digest.algorithm) != digest.value:
        with found.wheel.open("rb") as source:
            copy_in_place(source, wheel, digest)
    beside = record_files.beside(wheel)
    if digest_of(beside) != hashlib.sha256(found.text).hexdigest():
        copy_in_place(io.BytesIO(found.text), beside, None)
