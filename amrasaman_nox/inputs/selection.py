"""Which pins of an input apply: markers, constraints, parts of a run."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from amrasaman_nox.errors import AsamanError, Origin, all_of, with_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from amrasaman_nox.model import Constraint, Pin, Requirements


def select(
    requirements: Requirements, markers: Mapping[str, str]
) -> tuple[tuple[Pin, ...], tuple[tuple[Pin, str], ...]]:
    """Return the pins that apply where *markers* are so, and the others with the reason.

    ``markers`` holds every environment marker by name (PEP 508), as an interpreter reports them.

    Pins of one project that all apply are united: see :func:`united`.

    :raises AsamanError: pins of a project contradict each other, a constraint contradicts a pin,
        or a lock is not for this interpreter
    """
    errors = list(_out_of_scope(requirements, markers))
    applying: list[Pin] = []
    left_out: list[tuple[Pin, str]] = []
    for pin in requirements.pins:
        try:
            reason = _why_left_out(requirements, pin, markers)
        except AsamanError as error:
            errors.append(error)
            continue
        if reason:
            left_out.append((pin, reason))
        else:
            applying.append(pin)
    constraints = _applying_constraints(requirements, markers, errors)
    kept = [constrained(pin, constraints, errors) for pin in united(applying, errors)]
    if errors:
        raise all_of(errors)
    return tuple(kept), tuple(left_out)


def united(pins: Iterable[Pin], errors: list[AsamanError]) -> tuple[Pin, ...]:
    """Return one pin a project: the hashes that all its pins share, and the extras of each.

    Layered files and exports name a project more than once. Where two of *pins* have another
    version or no common hash, an error is added to *errors*.
    """
    found: dict[str, Pin] = {}
    for pin in pins:
        first = found.setdefault(pin.name, pin)
        try:
            found[pin.name] = first if first is pin else _both(first, pin)
        except AsamanError as error:
            errors.append(error)
    return tuple(found.values())


def united_everywhere(pins: Sequence[Pin], errors: list[AsamanError]) -> tuple[Pin, ...]:
    """Return *pins*, in order, with those that have no marker united: they apply everywhere."""
    unmarked = united((pin for pin in pins if pin.marker is None), errors)
    by_name = {pin.name: pin for pin in unmarked}
    return tuple(dict.fromkeys(pin if pin.marker else by_name[pin.name] for pin in pins))


def _both(first: Pin, other: Pin) -> Pin:
    """Return what *first* and *other*, pins of one project, ask for together.

    :raises AsamanError: no file can be what both ask for
    """
    what = "pinned twice"
    if Version(first.version) != Version(other.version):
        raise AsamanError(what, f"{other}, and {first} ({first.origin})", origin=other.origin)
    shared = tuple(digest for digest in first.digests if digest in other.digests)
    if not shared:
        why = f"{other}, and {first} ({first.origin}), without a common hash"
        raise AsamanError(what, why, origin=other.origin)
    return replace(
        first,
        digests=shared,
        extras=tuple(dict.fromkeys((*first.extras, *other.extras))),
        marker=first.marker if other.marker else None,
        url=first.url or other.url,
    )


def constrained(pin: Pin, constraints: list[Constraint], errors: list[AsamanError]) -> Pin:
    """Return *pin* with the hashes that its constraints leave; add contradictions to *errors*."""
    for constraint in constraints:
        if constraint.name != pin.name:
            continue
        said = f"{constraint.name}{constraint.specifier} ({constraint.origin})"
        if not SpecifierSet(constraint.specifier).contains(pin.version, prereleases=True):
            errors.append(
                AsamanError(
                    "conflicting constraint",
                    f"{pin} does not satisfy {said}",
                    origin=pin.origin,
                )
            )
        elif constraint.digests:
            both = tuple(digest for digest in pin.digests if digest in constraint.digests)
            pin = replace(pin, digests=both)
            if not both:
                errors.append(
                    AsamanError(
                        "conflicting constraint",
                        f"{pin} shares no hash with {said}",
                        origin=pin.origin,
                    )
                )
                return pin
    return pin


def _why_left_out(requirements: Requirements, pin: Pin, markers: Mapping[str, str]) -> str:
    """Return why *pin* does not apply, or ``""``."""
    try:
        if not _holds(pin.marker, markers, requirements):
            return f"marker {pin.marker} is false here"
    except AsamanError as error:
        raise with_origin(error, pin.origin or Origin(path=requirements.path)) from None
    return ""


def _applying_constraints(
    requirements: Requirements, markers: Mapping[str, str], errors: list[AsamanError]
) -> list[Constraint]:
    applying = []
    for constraint in requirements.constraints:
        try:
            if _holds(constraint.marker, markers):
                applying.append(constraint)
        except AsamanError as error:
            errors.append(with_origin(error, constraint.origin or Origin(path=requirements.path)))
    return applying


def _holds(
    marker: str | None, markers: Mapping[str, str], requirements: Requirements | None = None
) -> bool:
    if marker is None:
        return True
    scope = requirements.scope if requirements is not None else None
    try:
        if scope is None:
            return Marker(marker).evaluate({**markers, "extra": ""})
        groups = frozenset(scope.default_groups)
        return Marker(marker).evaluate(
            {**markers, "extras": frozenset[str](), "dependency_groups": groups},
            context="lock_file",
        )
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        raise AsamanError("invalid marker", f"{marker}: {error}") from None


def _out_of_scope(requirements: Requirements, markers: Mapping[str, str]) -> Iterator[AsamanError]:
    scope = requirements.scope
    if scope is None:
        return
    if scope.requires_python and not _supported(scope.requires_python, markers):
        yield AsamanError(
            "unsupported Python", f"{requirements.path} requires {scope.requires_python}"
        )
    if scope.environments and not any(_holds(marker, markers) for marker in scope.environments):
        yield AsamanError(
            "unsupported environment",
            f"{requirements.path} declares no environment that matches this interpreter",
        )


def _supported(specifier: str, markers: Mapping[str, str]) -> bool:
    version = markers["python_full_version"].removesuffix("+")
    return SpecifierSet(specifier).contains(version, prereleases=True)


def part(requirements: Requirements, shard: tuple[int, int] | None) -> Requirements:
    """Return the K-th of N parts of what is pinned, all of it without *shard*.

    A pin's part follows from its name alone, so that others neither move it nor are moved by it.

    :param shard: ``(K, N)``, with K from 1 to N
    """
    if shard is None:
        return requirements
    number, parts = shard
    pins = tuple(pin for pin in requirements.pins if part_of(pin.name, parts) == number)
    return replace(requirements, pins=pins)


def part_of(name: str, parts: int) -> int:
    """Return which of *parts* the project *name* (normalised, PEP 503) belongs to, from 1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % parts + 1
