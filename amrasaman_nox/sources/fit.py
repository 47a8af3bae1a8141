"""Which wheels fit an interpreter, and how well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amrasaman_nox.model import Pin

Wheel = TypeVar("Wheel")

_PLAIN_FILENAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._!+-]*\.whl")


def name_and_version(filename: str) -> tuple[str, str]:
    """Return the normalised project name and the version in the file name of a wheel.

    :raises AsamanError: it is not the file name of a wheel (exit 2)
    """
    try:
        if not _PLAIN_FILENAME.fullmatch(filename):
            raise InvalidWheelFilename(filename)
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise AsamanError(filename[:200], "not a valid wheel file name") from error
    return name, str(version)


def checked_wheel_name(filename: str, pin: Pin) -> str:
    """Return *filename*, checked to be a wheel of the pinned release.

    :raises AsamanError: it is another one's (exit 2)
    """
    name, version = name_and_version(filename)
    if name != pin.name or Version(version) != Version(pin.version):
        raise AsamanError(str(pin), f"{filename} belongs to another project", origin=pin.origin)
    return filename


def best_first(
    wheels: Iterable[Wheel], name_of: Callable[[Wheel], str], pin: Pin, tags: Sequence[str]
) -> tuple[Wheel, ...]:
    """Return those of *wheels* that fit an interpreter, the best first.

    :param name_of: gives the file name of a wheel
    :param pin: the release that they must be of
    :param tags: the interpreter's (PEP 425), the most specific first
    """
    ranked = sorted(
        (
            (rank, number, wheel)
            for number, wheel in enumerate(wheels)
            if (rank := _rank_of(name_of(wheel), pin, tags)) is not None
        ),
        key=lambda row: row[:2],
    )
    return tuple(wheel for _, _, wheel in ranked)


def _rank_of(filename: str, pin: Pin, tags: Sequence[str]) -> tuple[int, int, str] | None:
    """Return how well a wheel fits (less is better; a build tag counts), ``None`` if not."""
    try:
        checked_wheel_name(filename, pin)
        _, _, build, own = parse_wheel_filename(filename)
    except AsamanError:
        return None
    names = {str(tag) for tag in own}
    best = next((rank for rank, tag in enumerate(tags) if tag in names), None)
    return None if best is None else (best, -build[0] if build else 0, filename)
