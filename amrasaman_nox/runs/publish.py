"""A finished wheel and its record, put into the output folder."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from amrasaman_nox import record_files, records, strict_json
from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.files import copy_in_place, digest_of
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.sources.trusted import is_whole, strangers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import BuildRecord, Source
    from amrasaman_nox.sources.store import Store


def publish(
    record: BuildRecord,
    output: Path,
    store: Store,
    *,
    force: bool,
    trusted: tuple[int, ...] = (),
) -> str:
    """Copy the wheel of *record* from *store* into *output*, then write its record.

    The record is written last: a wheel without one does not exist for us. What exists with
    the same bytes is left alone.

    :param trusted: UIDs of users whose wheels may be replaced as our own
    :return: a line worth printing, or ``""``
    :raises AsamanError: a different wheel with this name exists and has no provenance record
        (exit 2) or that is another user's (exit 4), or the folder cannot be written to (exit 5)
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        return _publish(record, output, store, force=force, trusted=trusted)
    except OSError as error:
        raise AsamanError(str(output), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None


def _publish(
    record: BuildRecord, output: Path, store: Store, *, force: bool, trusted: tuple[int, ...]
) -> str:
    wheel = output / record.wheel.filename
    beside = record_files.beside(wheel)
    note = ""
    present = digest_of(wheel)
    new = present != record.wheel.digest.value
    if new and (wheel.exists() or wheel.is_symlink()):
        if not force:
            _check_replaceable(wheel, beside, store, trusted)
        note = f"{wheel.name} is replaced: it was built from other inputs"
        beside.unlink(missing_ok=True)
    text = records.render(record).encode()
    with _whole_or_nothing(record, wheel, beside) if new else contextlib.nullcontext():
        if new:
            with fetched(record.wheel.digest, record.wheel.filename, store) as source:
                copy_in_place(source, wheel, record.wheel.digest)
        if not _says(beside, text):
            copy_in_place(io.BytesIO(text), beside, None)
    return note


@contextlib.contextmanager
def _whole_or_nothing(record: BuildRecord, wheel: Path, beside: Path) -> Iterator[None]:
    """Where a new wheel or its record cannot be put in place, leave neither of them."""
    try:
        yield
    except BaseException:
        if digest_of(wheel) == record.wheel.digest.value:
            beside.unlink(missing_ok=True)
            wheel.unlink(missing_ok=True)
        raise


def publish_source(source: Source, output: Path, store: Store) -> None:
    """Copy the verified bytes of *source* from *store* into *output*, under its file name.

    :raises AsamanError: the store does not hold them, or the folder cannot be written to (exit 5)
    """
    path = output / source.filename
    try:
        output.mkdir(parents=True, exist_ok=True)
        if digest_of(path, source.digest.algorithm) == source.digest.value:
            return
        with fetched(source.digest, source.filename, store) as file:
            copy_in_place(file, path, source.digest)
    except OSError as error:
        raise AsamanError(str(path), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None


def _check_replaceable(wheel: Path, beside: Path, store: Store, trusted: tuple[int, ...]) -> None:
    """Check that the existing wheel comes from an earlier build."""
    try:
        former = record_files.read_file(beside)
    except AsamanError:
        former = None
    if former is None or former.wheel != wheel or not is_whole(former):
        raise AsamanError(
            str(wheel),
            "a different wheel with this name exists and has no provenance record",
            hint="move it away, choose another --output, or replace it with --force",
        )
    found = strangers([former], store, trusted)
    if found:
        raise all_of(found)


def _says(beside: Path, text: bytes) -> bool:
    """Tell whether the existing record says the same as *text*, but for the clock."""
    try:
        former = record_files.read_file(beside).text
    except AsamanError:
        return False
    said, wanted = (records.comparable(strict_json.parse(each).raw) for each in (former, text))
    return said == wanted
