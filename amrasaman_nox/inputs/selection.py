"""Which pins of an input apply: markers, constraints, parts of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet

from amrasaman_nox.errors import AsamanError, Origin, all_of, with_origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amrasaman_nox.model import Constraint, Pin, Requirements


def select(
    requirements: Requirements, markers: Mapping[str, str]
) -> tuple[tuple[Pin, ...], tuple[tuple[Pin, str], ...]]:
    """Return the pins that apply where *markers* are so, and the others with the reason.

    ``markers`` holds every environment marker by name (PEP 508), as an interpreter reports them.

    :raises AsamanError: a project is pinned twice, a constraint contradicts a pin, or a lock is
        not for this interpreter
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
    errors.extend(pinned_twice(applying))
    constraints = _applying_constraints(requirements, markers, errors)
    kept = [constrained(pin, constraints, errors) for pin in applying]
    if errors:
        raise all_of(errors)
    return tuple(kept), tuple(left_out)


def pinned_twice(pins: list[Pin]) -> Iterator[AsamanError]:
    """Yield an error for each pin of *pins* whose project was pinned before it."""
    first: dict[str, Pin] = {}
    for pin in pins:
        other = first.setdefault(pin.name, pin)
        if other is not pin:
            yield AsamanError(
                "pinned twice", f"{pin}, and {other} ({other.origin})", origin=pin.origin
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
                    "contradicted by a constraint", f"{pin} is not {said}", origin=pin.origin
                )
            )
        elif constraint.digests:
            both = tuple(digest for digest in pin.digests if digest in constraint.digests)
            pin = replace(pin, digests=both)
            if not both:
                errors.append(
                    AsamanError(
                        "contradicted by a constraint",
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
    if pin.requires_python and not _supported(pin.requires_python, markers):
        raise AsamanError(
            "unsupported Python", f"{pin} requires {pin.requires_python}", origin=pin.origin
        )
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
            "unsupported environment", f"{requirements.path} is locked for none like this one"
        )


def _supported(specifier: str, markers: Mapping[str, str]) -> bool:
    version = markers["python_full_version"].removesuffix("+")
    return SpecifierSet(specifier).contains(version, prereleases=True)
