"""The build system that an sdist declares (PEP 517 and PEP 518)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from amrasaman_nox import strict_toml
from amrasaman_nox.archives.names import Subject, quoted
from amrasaman_nox.errors import printable
from amrasaman_nox.model import BuildSystem, is_plain

if TYPE_CHECKING:
    from amrasaman_nox.sdists.reader import SdistInfo

#: What a project without ``[build-system]`` is built with (PEP 517).
DEFAULT_REQUIRES: Final = ("setuptools>=40.8.0",)
DEFAULT_BACKEND: Final = "setuptools.build_meta:__legacy__"
#: The most bytes of a ``pyproject.toml``: the parser takes some time for each of its keys.
_LARGEST: Final = 1 << 20
_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")


def build_system(info: SdistInfo) -> BuildSystem:
    """Return what the sdist is built with (PEP 517, PEP 518); its requirements are not checked.

    :raises AsamanError: ``pyproject.toml`` cannot be read, or ``backend-path`` leaves the source
    """
    subject = Subject(what=info.filename)
    if info.pyproject is None and not info.has_setup_py:
        raise subject.refusal("neither pyproject.toml nor setup.py")
    return declared(info.pyproject or b"", subject)


def declared(pyproject: bytes, subject: Subject) -> BuildSystem:
    """Return what ``pyproject.toml`` declares, or the defaults where it does not.

    :raises AsamanError: as for :func:`build_system`
    """
    table = _build_system_table(pyproject, subject)
    if table is None:
        return BuildSystem(requires=DEFAULT_REQUIRES, backend=DEFAULT_BACKEND)
    requires = _strings(table, "requires", subject)
    backend = table.get("build-backend", DEFAULT_BACKEND)
    if not isinstance(backend, str) or not _OBJECT.fullmatch(backend):
        raise subject.refusal(f"build-backend is not the name of an object: {quoted(str(backend))}")
    if table.get("backend-path") == ".":
        # As flit-core 2.3.0 has it; other frontends take each letter of a text for a folder.
        table = {**table, "backend-path": ["."]}
    path = _strings(table, "backend-path", subject) if "backend-path" in table else ()
    for folder in path:
        _check_backend_path(folder, subject)
    return BuildSystem(requires=requires, backend=backend, backend_path=path)


def _build_system_table(pyproject: bytes, subject: Subject) -> dict[str, object] | None:
    if len(pyproject) > _LARGEST:
        raise subject.refusal(f"pyproject.toml is larger than {_LARGEST >> 20} MiB")
    try:
        document = strict_toml.parse(pyproject)
    except strict_toml.NotToml as error:
        raise subject.refusal(f"pyproject.toml cannot be read: {error}") from None
    table = document.get("build-system")
    if table is None:
        return None
    if not isinstance(table, dict) or "requires" not in table:
        raise subject.refusal("pyproject.toml: [build-system] without requires")
    return table


def _strings(table: dict[str, object], key: str, subject: Subject) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise subject.refusal(f"pyproject.toml: {key} is not a list of strings")
    return tuple(value)


def check_requires(system: BuildSystem, filename: str) -> None:
    """Check that the build requirements of the sdist *filename* name no URL and no option.

    :raises AsamanError: one is not a name with a specifier
    """
    for text in system.requires:
        if not is_plain(text) or printable(text) != text:
            why = f"build requirement is not name and specifier: {quoted(text)}"
            raise Subject(what=filename).refusal(why)


def _check_backend_path(folder: str, subject: Subject) -> None:
    parts = folder.split("/")
    unsafe = folder.startswith("/") or ".." in parts or "\\" in folder or not folder
    if unsafe or printable(folder) != folder:
        raise subject.refusal(f"backend-path outside the source: {quoted(folder)}")
