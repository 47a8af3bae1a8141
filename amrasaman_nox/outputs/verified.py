"""The verified requirements of an input, from the wheels that have a record."""

from __future__ import annotations

import functools
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from packaging.pylock import is_valid_pylock_path

from amrasaman_nox import files, record_files
from amrasaman_nox.agreement import platforms
from amrasaman_nox.build_lock.bootstrap import (
    BootstrapLock,
    bootstrap_lock_of,
    read_bootstrap_lock,
)
from amrasaman_nox.config.inputs import format_of
from amrasaman_nox.environments import interpreters
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import own_umask
from amrasaman_nox.inputs import readers
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import BuildOutcome, Finding, Report
from amrasaman_nox.outputs.admission import admit, ballot_of
from amrasaman_nox.outputs.pylock import write_verified_pylock
from amrasaman_nox.outputs.requirements import (
    VerifiedPin,
    check_output,
    verified,
    write_output,
    write_verified_requirements_file,
)
from amrasaman_nox.sources import trusted
from amrasaman_nox.sources.trusted import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord, Event, Interpreter, Pin, Requirements
    from amrasaman_nox.record_files import RecordFile, RecordFolder

_COMMAND: Final = "verified_requirements"


def verified_path(requirement: Path) -> Path:
    """Return the path of the verified file of *requirement*: beside it.

    ``requirements.txt`` gives ``verified-requirements.txt``; a lock keeps the form of name that
    PEP 751 asks for, ``pylock.toml`` gives ``pylock.verified.toml``, as ``uv.lock`` does.
    """
    kind = format_of(requirement, "requirement").kind
    if kind == "uv":
        return requirement.with_name("pylock.verified.toml")
    if kind == "pylock":
        middle = requirement.name.removeprefix("pylock").removesuffix(".toml").strip(".")
        return requirement.with_name(f"pylock.{'-'.join(filter(None, ('verified', middle)))}.toml")
    return requirement.with_name(f"verified-{requirement.name}")


def write_verified(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    """Write the verified form of the configured requirements file: with hashes of our own wheels.

    ``config.verified`` is the file to write, ``None`` for the one beside the input;
    ``config.output`` is the folder with the wheels and their records.

    With a policy only wheels that have their votes are admitted, and ``config.vsa`` is the file
    for a summary of that.

    :param notify: not used: nothing here takes long
    :raises AsamanError: no requirements file is configured, or a pin has no wheel with a matching
        record (exit 2), or lacks votes (exit 1), or other users can have written one that our store
        does not know (exit 4); nothing is written then
    """
    if config.requirement is None:
        raise AsamanError("no requirements file", "missing argument REQUIREMENT")
    with own_umask():
        return _write(config, config.requirement, config.output)


def _write(config: Config, requirement: Path, wheels: Path) -> Report:
    ballot = ballot_of(config)
    read = record_files.read_folder(wheels)
    files_found, notes = _whole(read, wheels)
    found = tuple(file.record for file in files_found)
    # The caller need not repeat which wheels were used as published.
    as_published = tuple(record.name for record in found if record.as_published)
    config = replace(config, only_binary=(*config.only_binary, *as_published))
    requirements = readers.read_requirement(requirement, config)
    left_out = _not_applying(requirements, config)
    try:
        entries = verified(
            requirements,
            found,
            skip=frozenset(config.skip),
            applies=lambda pin: pin not in left_out,
        )
    except AsamanError as missing:
        if config.check and not found:
            # Elsewhere than where they were built, as in CI, the wheels are not there.
            wanted = [pin for pin in requirements.pins if pin not in left_out]
            return Report(command=_COMMAND, findings=tuple(_by_pins(wanted, requirement, config)))
        # A record that another version wrote is the likely cause.
        missing.others += read.problems
        raise
    entries = _with_seeds(entries, found, config)
    used = {wheel.filename for entry in entries for wheel in entry.wheels}
    admission = admit(entries, found, ballot)
    # A wheel with the votes of a policy can be the file of anybody.
    unvoted = used - admission.voted
    trusted.check([file for file in files_found if file.wheel.name in unvoted], config)
    path = config.verified or verified_path(requirement)
    summary = admission.summary(path, config)
    if config.vsa is not None:
        check_output(config.vsa, [requirement, path])
    inputs = [requirement, *config.more_requirements]
    would_change: list[Finding] = []
    put = functools.partial(_held, would_change, requirement) if config.check else None
    if put is None:
        files.sweep_beside(path.parent)
    if requirements.kind == "pylock" or is_valid_pylock_path(path):
        write_verified_pylock(path, requirements, entries, wheels=wheels, inputs=inputs, put=put)
    else:
        write_verified_requirements_file(path, entries, inputs=inputs, put=put)
    if summary and config.vsa is not None and not config.check:
        write_output(config.vsa, summary)
    kept = tuple(record for record in found if record.wheel.filename in used)
    notes = (*notes, *admission.notes, *_lacking(requirements, entries, kept))
    outcome = BuildOutcome(
        records=kept,
        kept=frozenset(record.key for record in kept),
        left_out=tuple(left_out.items()),
    )
    return Report(
        command=_COMMAND,
        build=outcome,
        output="" if config.check else str(path),
        notes=notes,
        findings=tuple(would_change),
    )


def _lacking(
    requirements: Requirements, entries: Iterable[VerifiedPin], records: Iterable[BuildRecord]
) -> tuple[str, ...]:
    """Return a line for each pin without a wheel for a platform that others have one for."""
    by_name = {record.wheel.filename: record for record in records}
    releases: dict[str, list[BuildRecord]] = defaultdict(list)
    for entry in entries:
        found = (by_name[wheel.filename] for wheel in entry.wheels)
        releases[str(entry.pin)] += found
    interpreters = platforms.platforms(by_name.values())
    if len(interpreters) < 2:
        return ()
    wanted = {one.key: _wanted(requirements, one) for one in interpreters}
    return platforms.lacking(releases, interpreters, lambda pin, one: pin in wanted[one.key])


def _wanted(requirements: Requirements, interpreter: Interpreter) -> frozenset[str]:
    try:
        return frozenset(map(str, select(requirements, platforms.markers(interpreter))[0]))
    except AsamanError:
        # The input is not for this one at all.
        return frozenset()


def _by_pins(pins: Iterable[Pin], requirement: Path, config: Config) -> Iterator[Finding]:
    """Yield that the verified file is missing, or has other pins than the input."""
    path = config.verified or verified_path(requirement)
    there = readers.read_requirement(path, config).pins if path.is_file() else ()
    wanted = {str(pin) for pin in pins if pin.name not in config.skip}
    if wanted != {str(pin) for pin in there}:
        yield _outdated(path, requirement)


def _outdated(path: Path, requirement: Path) -> Finding:
    what = f"{path} {'would change' if path.exists() else 'is missing'}"
    return Finding(check="check", what=what, fix=f"asaman generate {requirement}")


def _held(found: list[Finding], requirement: Path, path: Path, text: str) -> None:
    """Add to *found* that the file at *path* is missing, or is not *text*."""
    try:
        same = path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        same = False
    if not same:
        found.append(_outdated(path, requirement))


def _with_seeds(
    entries: Sequence[VerifiedPin], records: Sequence[BuildRecord], config: Config
) -> tuple[VerifiedPin, ...]:
    """Return *entries* with the published wheels that the bootstrap lock trusts for each.

    A wheel that was built with published wheels alone, by a plain run, has none.
    """
    lock = read_bootstrap_lock(bootstrap_lock_of(config))
    seeds = {file for _, file in lock.seeds}
    sourced = {
        record.source.pinned
        for record in records
        if any(file.record is not None or file in seeds for file in record.requirements)
    }
    if not seeds:
        return tuple(entries)
    return tuple(
        replace(entry, rests_on=_seeds(entry.pin, lock))
        if sourced & {*entry.pin.digests}
        else entry
        for entry in entries
    )


def _seeds(pin: Pin, lock: BootstrapLock) -> tuple[str, ...]:
    found = (entry for entry in lock.sources.entries if entry.pinned in pin.digests)
    seeds = (
        file.filename for entry in found for file in lock.needed_by([entry], entry.interpreter)[1]
    )
    return tuple(sorted(set(seeds)))


def _not_applying(requirements: Requirements, config: Config) -> dict[Pin, str]:
    """Return the pins that apply to none of the interpreters, with the reason."""
    reasons = [
        dict(select(requirements, dict(interpreters.inspect(request).markers))[1])
        for request in config.python or ("",)
    ]
    return {pin: why for pin, why in reasons[0].items() if all(pin in each for each in reasons)}


def _whole(read: RecordFolder, wheels: Path) -> tuple[tuple[RecordFile, ...], tuple[str, ...]]:
    """Return the records whose wheel is there with its bytes unchanged, and notes on the rest."""
    found = tuple(file for file in read.files if is_whole(file))
    names = {file.wheel for file in found}
    ignored = (
        f"{path.name} is ignored: it has no matching provenance record"
        for path in (sorted(wheels.glob("*.whl")) if wheels.is_dir() else ())
        if path not in names
    )
    return found, (*read.notes, *ignored)
