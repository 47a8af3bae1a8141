"""A finished wheel and its record, put into the output folder."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox import files, records
from amrasaman_nox.environments.installed import fetched
from amrasaman_nox.errors import DISK_FAULTS, AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import BuildRecord, Digest, Source
    from amrasaman_nox.sources.store import Store

_CHUNK: Final = 1 << 20


def publish(record: BuildRecord, output: Path, store: Store, *, force: bool) -> str:
    """Copy the wheel of *record* from *store* into *output*, then write its record.

    The record is written last: a wheel without one does not exist for us. What stands there with
    the same bytes is left alone.

    :return: a line worth printing, or ``""``
    :raises AsamanError: another wheel of that name stands there that no record vouches for
        (exit 2), or the folder cannot be written to (exit 5)
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        return _publish(record, output, store, force=force)
    except OSError as error:
        raise AsamanError(
            str(output), error.strerror or str(error), code=ExitCode.INPUT_OUTPUT
        ) from None


def _publish(record: BuildRecord, output: Path, store: Store, *, force: bool) -> str:
    wheel = output / record.wheel.filename
    beside = output / f"{record.wheel.filename}{records.SUFFIX}"
    note = ""
    present = digest_of(wheel)
    new = present != record.wheel.digest.value
    if new and (wheel.exists() or wheel.is_symlink()):
        if not force and not (present and _vouched(beside, present)):
            raise AsamanError(
                str(wheel),
                "another wheel of that name stands there, and no record of ours vouches for it",
                hint="move it away, choose another --output, or replace it with --force",
            )
        note = f"{wheel.name} is replaced: it was built from other inputs"
        beside.unlink(missing_ok=True)
    text = records.render(record).encode()
    with _whole_or_nothing(record, wheel, beside) if new else contextlib.nullcontext():
        if new:
            with fetched(record.wheel.digest, record.wheel.filename, store) as source:
                place(source, wheel, record.wheel.digest)
        if not (beside.is_file() and _same_but_clock(beside.read_bytes(), text)):
            place(io.BytesIO(text), beside, None)
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
            place(file, path, source.digest)
    except OSError as error:
        raise AsamanError(
            str(path), error.strerror or str(error), code=ExitCode.INPUT_OUTPUT
        ) from None


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the hash (hexadecimal) of a regular file, ``""`` for anything else.

    :raises OSError: the disk is at fault
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in DISK_FAULTS:
            raise
        return ""
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        return ""
    with os.fdopen(number, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _vouched(beside: Path, digest: str) -> bool:
    try:
        return records.read_record(beside).wheel.digest.value == digest
    except AsamanError:
        return False


def _same_but_clock(former: bytes, text: bytes) -> bool:
    import json

    try:
        return records.comparable(json.loads(former)) == records.comparable(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return False


def place(source: BinaryIO, path: Path, digest: Digest | None) -> None:
    """Write a new file beside *path*, check what was written, and rename it into place.

    :raises AsamanError: what was written has another hash (exit 5)
    """
    with files.beside(path) as (number, made):
        written = hashlib.new(digest.algorithm if digest is not None else "sha256")
        with os.fdopen(os.dup(number), "w+b") as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
                written.update(chunk)
            file.flush()
            os.fchmod(number, 0o644)
            os.fsync(number)
        if digest is not None and written.hexdigest() != digest.value:
            raise AsamanError(
                str(path), "its bytes changed while copying", code=ExitCode.INPUT_OUTPUT
            )
        made.replace(path)
    files.flush_folder(path.parent)
