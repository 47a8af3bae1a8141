"""Pins from local sdists: one archive, or a folder of them. None of their code runs."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from amrasaman_nox import system
from amrasaman_nox.archives.names import quoted
from amrasaman_nox.errors import AsamanError, ExitCode, Origin, all_of, code_of, system_reason
from amrasaman_nox.model import Digest, Fault, Pin, Requirements
from amrasaman_nox.sdists.names import SUFFIXES, name_and_version
from amrasaman_nox.sdists.reader import SdistInfo, read_sdist

if TYPE_CHECKING:
    from io import BufferedReader

    from amrasaman_nox.config.config import Config

_PACK_HINT: Final = "pack the source again: python -m build --sdist"
_SUFFIXES: Final = " or ".join(SUFFIXES)


def read_archive(path: Path, _: Config | None = None) -> Requirements:
    """Return the pin of the one sdist at *path*, with its sha256 and its absolute path.

    :raises AsamanError: there is no such file, it is not a regular file, its format is not
        supported, it is not a sound sdist, or its name is not that of its PKG-INFO
    """
    if not path.name.endswith(SUFFIXES):
        raise AsamanError(str(path), f"unsupported format: {_SUFFIXES} is required")
    pin, notes = _pin(path)
    return Requirements(kind="archive", path=str(path), pins=(pin,), notes=notes)


def read_directory(path: Path, _: Config | None = None) -> Requirements:
    """Return the pins of all sdists in the folder *path*, sorted by file name.

    Files of other formats are left out, with a note.

    One that is refused is a pin with a fault.

    :raises AsamanError: there is no such folder, it holds no sdist, two of them are for the same
        project and version, or one cannot be read or has no name of its own (all are collected)
    """
    found, others = _list(path)
    if not found:
        raise AsamanError(str(path), f"no {_SUFFIXES} archive in it")
    pins: list[Pin] = []
    notes = [f"left out, not an sdist: {name}" for name in others]
    errors: list[AsamanError] = []
    for file in found:
        try:
            pin, its_notes = _pin(file)
        except AsamanError as error:
            try:
                pins.append(_faulty(file, error))
            except AsamanError as unnamed:
                errors.append(unnamed)
            continue
        pins.append(pin)
        notes.extend(its_notes)
    errors.extend(_doubled(path, pins))
    if errors:
        raise all_of(errors)
    return Requirements(kind="directory", path=str(path), pins=tuple(pins), notes=tuple(notes))


def _list(path: Path) -> tuple[list[Path], list[str]]:
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208 - names are wanted, sorted as text
    except OSError as error:
        why = f"cannot read the folder: {system_reason(error)}"
        raise AsamanError(str(path), why, code=code_of(error)) from None
    found = [path / name for name in names if name.endswith(SUFFIXES)]
    return found, [name for name in names if not name.endswith(SUFFIXES)]


def _doubled(path: Path, pins: list[Pin]) -> list[AsamanError]:
    errors = []
    seen: dict[tuple[str, str], Pin] = {}
    for pin in pins:
        first = seen.setdefault((pin.name, pin.version), pin)
        if first is not pin:
            files = " and ".join(Path(one.path or "").name for one in (first, pin))
            errors.append(AsamanError(str(path), f"two archives of {pin}: {files}"))
    return errors


def _pin(path: Path) -> tuple[Pin, tuple[str, ...]]:
    with _open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            info = read_sdist(file, path.name)
        except AsamanError as error:
            error.hint = error.hint or _PACK_HINT
            raise
    _check_filename(path, info)
    pin = Pin(
        name=canonicalize_name(info.name),
        version=str(Version(info.version)),
        digests=(Digest(algorithm="sha256", value=digest),),
        path=str(path.absolute()),
        origin=Origin(path=str(path)),
    )
    return pin, info.notes


def _faulty(path: Path, error: AsamanError) -> Pin:
    """Return the pin of a refused archive, with the release that its file name has.

    :raises AsamanError: *error* itself, where it is not about the archive
    """
    try:
        name, version = name_and_version(path.name)
    except ValueError:
        raise error from None
    if error.code is not ExitCode.BAD_INPUT:
        raise error
    return Pin(
        name=name,
        version=str(version),
        origin=Origin(path=str(path)),
        fault=Fault(reason=str(error), hint=error.hint),
    )


def _open_regular(path: Path) -> BufferedReader:
    try:
        # Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | system.NONBLOCK | system.CLOEXEC)
    except (OSError, ValueError) as error:
        why = f"cannot read the file: {system_reason(error)}"
        raise AsamanError(str(path), why, code=code_of(error)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AsamanError(str(path), "not a regular file", code=ExitCode.BAD_INPUT)
    return os.fdopen(descriptor, "rb")


def _check_filename(path: Path, info: SdistInfo) -> None:
    try:
        name, version = name_and_version(path.name)
    except ValueError:
        raise AsamanError(str(path), "the file name is not NAME-VERSION.tar.gz") from None
    if name != canonicalize_name(info.name) or version != Version(info.version):
        shown = quoted(f"{info.name} {info.version}")
        raise AsamanError(str(path), f"name mismatch: PKG-INFO says {shown}")
