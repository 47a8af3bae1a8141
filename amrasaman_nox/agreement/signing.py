"""The sign command: put a signed statement beside each wheel, ``WHEEL.intoto.jsonl``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox import files, record_files
from amrasaman_nox.agreement import envelopes, seals, statements
from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.model import BuildOutcome, Report
from amrasaman_nox.sources import trusted
from amrasaman_nox.strict_json import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from amrasaman_nox.agreement.envelopes import Seal
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Event
    from amrasaman_nox.record_files import RecordFile


def sign(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    """Sign the records in the output folder of *config* with its key.

    :param notify: not used: nothing here takes long
    :raises AsamanError: no key is named, or it cannot be used; the folder has no wheel with its
        record, or a wheel has other bytes than its record says (exit 2); others can have written
        them (exit 4)
    """
    seal = seals.configured(config)
    if seal is None:
        hint = "asaman sign DIRECTORY --key FILE; a new key: asaman keygen"
        raise AsamanError("no key", "missing option --key", hint=hint)
    read = record_files.read_folder(config.output)
    problems = [*read.problems, *_not_whole(read.files)]
    if not read.files:
        why = "it contains no wheel with a provenance record"
        problems.insert(0, AsamanError(str(config.output), why))
    if problems:
        raise all_of(problems)
    trusted.check(read.files, config)
    with files.own_umask():
        notes = sign_files(read.files, seal)
    return Report(
        command="sign_wheels",
        build=BuildOutcome(records=tuple(file.record for file in read.files), signed=True),
        output=str(config.output),
        notes=notes,
    )


def sign_wheels(wheels: Iterable[Path], seal: Seal) -> tuple[str, ...]:
    """Sign the records beside *wheels*, which were just put there; return what is worth printing.

    :raises AsamanError: a record cannot be read or signed, or what is beside it not be written
    """
    return sign_files([record_files.read_file(record_files.beside(one)) for one in wheels], seal)


def sign_files(found: Iterable[RecordFile], seal: Seal) -> tuple[str, ...]:
    """Put the signed statement of each record beside its wheel; return what is worth printing.

    Statements of others stay. What *seal* signed before is signed again only if the record
    changed.

    :raises AsamanError: a record does not fit its wheel (exit 2); it cannot be signed, or the
        statement not be written (exit 5)
    """
    changed = [_sign_file(file, seal) for file in found]
    already = f", {changed.count(False)} were already" if False in changed else ""
    return (f"{changed.count(True)} signed with {seal.name}{already}",)


def _sign_file(file: RecordFile, seal: Seal) -> bool:
    path = envelopes.beside(file.wheel)
    try:
        statements.check_names(file.record)
    except Malformed as malformed:
        raise AsamanError(str(file.path), f"not signed: {malformed}") from None
    try:
        return envelopes.put(path, file.text, seal)
    except OSError as error:
        raise AsamanError(str(path), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None


def _not_whole(found: Iterable[RecordFile]) -> list[AsamanError]:
    """Return an error for each record whose wheel is missing or another one."""
    return [
        AsamanError(str(file.wheel), "not signed: it is not the wheel that its record names")
        for file in found
        if not trusted.is_whole(file)
    ]
