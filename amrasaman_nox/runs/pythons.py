"""Which interpreter builds a pin: one of the run's, or the one that the settings name for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amrasaman_nox.config.packages import applying
from amrasaman_nox.environments.interpreters import inspect
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from amrasaman_nox.config.packages import Package
    from amrasaman_nox.model import BuildOutcome, BuildRecord, Interpreter, Pin

#: What the settings name, as an interpreter.
Named = dict[str, "Interpreter"]


def named(packages: Iterable[Package]) -> Named:
    """Return the interpreters that *packages* name, by how they name them.

    :raises AsamanError: one of them is not available (exit 4)
    """
    found: Named = {}
    for each in packages:
        if each.python and each.python not in found:
            try:
                found[each.python] = inspect(each.python)
            except AsamanError as error:
                subject = f"packages.{each.name}: python: {error.what}"
                hint = "give a version, or the path of an installed interpreter"
                raise AsamanError(subject, error.why, hint=hint, code=error.code) from None
    return found


def of_pin(
    pin: Pin, interpreter: Interpreter, packages: Iterable[Package], own: Mapping[str, Interpreter]
) -> Interpreter:
    """Return what builds *pin* in the place of *interpreter*, or that.

    :param own: the interpreters that *packages* name
    """
    for each in reversed(applying(packages, pin.name, pin.version)):
        if each.python:
            return own[each.python]
    return interpreter


def parted(
    pins: Iterable[Pin],
    interpreter: Interpreter,
    packages: Iterable[Package],
    own: Mapping[str, Interpreter],
) -> dict[Interpreter, list[Pin]]:
    """Return *pins* by what builds them, those of *interpreter* first, also if there are none."""
    packages = tuple(packages)
    found: dict[Interpreter, list[Pin]] = {interpreter: []}
    for pin in pins:
        found.setdefault(of_pin(pin, interpreter, packages, own), []).append(pin)
    return found


def with_notes(outcome: BuildOutcome, interpreter: Interpreter) -> BuildOutcome:
    """Return *outcome* with a note for each wheel that *interpreter* cannot install."""
    return replace(outcome, notes=(*outcome.notes, *_notes(outcome.records, interpreter)))


def _notes(records: Iterable[BuildRecord], interpreter: Interpreter) -> Iterator[str]:
    # Slow to import, and needed only where a project has an interpreter of its own.
    from packaging.utils import parse_wheel_filename

    for record in records:
        tags = parse_wheel_filename(record.wheel.filename)[3]
        if not {str(tag) for tag in tags} & set(interpreter.tags):
            version = dict(interpreter.markers)["python_version"]
            yield f"{record.wheel.filename} cannot be installed on Python {version}"
