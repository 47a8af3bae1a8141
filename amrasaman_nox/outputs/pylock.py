"""The verified lock file (PEP 751): the packages of the input with our wheels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomli_w
from packaging.pylock import Pylock, PylockValidationError, is_valid_pylock_path
from packaging.utils import canonicalize_name
from packaging.version import Version

from amrasaman_nox import strict_toml
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, LockScope, Pin, Requirements, Wheel
from amrasaman_nox.outputs.requirements import (
    AS_PUBLISHED,
    VerifiedPin,
    check_output,
    check_rendered,
    origins,
    write_output,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HEADER: Final = (
    "# Written by amrasaman-nox: the locked packages, with the wheels built from their sources.\n"
)
_TOOL: Final = "amrasaman-nox"


def render(
    requirements: Requirements, entries: Sequence[VerifiedPin], *, wheels: str = "wheels"
) -> str:
    """Return the text of a ``pylock.toml`` with the wheels of *entries*.

    ``requirements`` is the lock that was read, for its scope. ``wheels`` is the folder of the
    wheels relative to the lock, with ``/``.
    """
    left_out = "".join(_left_out(entry.pin) for entry in entries if not entry.wheels)
    document = {
        "lock-version": "1.0",
        **_scope(requirements.scope or LockScope()),
        "created-by": _TOOL,
        "packages": [_package(entry, wheels) for entry in entries if entry.wheels],
    }
    return f"{_HEADER}{left_out}{tomli_w.dumps(document)}"


def write_verified_pylock(
    output: Path,
    requirements: Requirements,
    entries: Sequence[VerifiedPin],
    *,
    wheels: Path,
    inputs: Iterable[Path] = (),
    put: Callable[[Path, str], object] | None = None,
) -> None:
    """Write the lock of *entries* to *output*, if it reads back as what was meant.

    ``wheels`` is the folder that holds the wheels; it is named relative to the lock. ``inputs``
    must not be overwritten. ``put`` takes the path and the text in the place of writing.

    :raises AsamanError: *output* is not called as a lock must be, is not a regular file or one of
        the inputs; it would not read back as the same requirements; it cannot be written
    """
    if not is_valid_pylock_path(output):
        raise AsamanError(
            f"cannot write {output}", "a lock is called pylock.toml or pylock.NAME.toml"
        )
    check_output(output, [Path(requirements.path), *inputs, *origins(entries)])
    folder = Path(os.path.relpath(wheels.absolute(), output.parent.absolute())).as_posix()
    text = render(requirements, entries, wheels=folder)
    check_rendered(entries, _read_back(text, requirements, entries, folder), output)
    (put or write_output)(output, text)


def _left_out(pin: Pin) -> str:
    return f"# left out: {pin}{f' ; {pin.marker}' if pin.marker else ''}\n"


def _scope(scope: LockScope) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "environments": list(scope.environments),
        "requires-python": scope.requires_python,
        "extras": list(scope.extras),
        "dependency-groups": list(scope.dependency_groups),
        "default-groups": list(scope.default_groups),
    }
    return {key: value for key, value in facts.items() if value}


def _package(entry: VerifiedPin, folder: str) -> dict[str, Any]:
    pin = entry.pin
    facts = {
        "name": pin.name,
        "version": pin.version,
        "marker": pin.marker,
        "requires-python": pin.requires_python,
        "wheels": [_wheel(wheel, folder) for wheel in entry.wheels],
        "tool": {_TOOL: {"note": AS_PUBLISHED}} if entry.as_published else None,
    }
    return {key: value for key, value in facts.items() if value}


def _wheel(wheel: Wheel, folder: str) -> dict[str, Any]:
    return {
        "name": wheel.filename,
        "path": wheel.filename if folder == "." else f"{folder}/{wheel.filename}",
        "size": wheel.size,
        "hashes": {wheel.digest.algorithm: wheel.digest.value},
    }


def _read_back(
    text: str, requirements: Requirements, entries: Sequence[VerifiedPin], folder: str
) -> list[Pin] | None:
    """Return the pins of the rendered lock, or ``None`` where it says anything else."""
    try:
        document = strict_toml.parse(text)
        lock = Pylock.from_dict(document)
    except (strict_toml.NotToml, PylockValidationError):
        return None
    kept = [entry for entry in entries if entry.wheels]
    head = {key: value for key, value in document.items() if key != "packages"}
    meant = {"lock-version": "1.0", "created-by": _TOOL}
    if head != meant | _scope(requirements.scope or LockScope()):
        return None
    if document["packages"] != [_package(entry, folder) for entry in kept]:
        return None
    return [
        Pin(
            name=canonicalize_name(package.name),
            version=str(package.version or Version("0")),
            digests=tuple(
                Digest(algorithm=algorithm, value=value)
                for wheel in package.wheels or ()
                for algorithm, value in wheel.hashes.items()
            ),
            marker=str(package.marker) if package.marker else None,
        )
        for package in lock.packages
    ]
