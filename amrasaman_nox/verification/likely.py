"""Which variations a difference points to: the search for its cause starts with them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from amrasaman_nox.verification.explain import changed_words, has_moment, is_reordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.model import BuildEnvironment, Difference
    from amrasaman_nox.verification.variations import Plan, Variation

#: RECORD differs where something else does.
_FOLLOWS: Final = "record"
#: Shorter values occur in texts by coincidence.
_TELLING: Final = 6

#: What a difference looks like, and the variations that make it so, the likeliest first.
_SIGNS: Final[tuple[tuple[Callable[[Difference], bool], tuple[str, ...]], ...]] = (
    (is_reordered, ("hash-seed", "directory-order", "locale", "processors")),
    (lambda one: one.kind in ("zip-modes", "executable-bit"), ("umask",)),
    (lambda one: has_moment(changed_words(one)), ("clock", "time-zone", "source-times")),
    (lambda one: one.kind == "elf", ("build-path", "environment-path")),
)


def shown(
    differences: tuple[Difference, ...], environment: BuildEnvironment, plan: Plan
) -> tuple[Variation, ...]:
    """Return the variations whose values are in what differs, the longest value first.

    :param differences: those of a rebuild under all variations of *plan*
    :param environment: the one of the first build
    """
    text = " ".join(changed_words(one) for one in differences if one.kind != _FOLLOWS)
    lengths = {
        variation: max((len(value) for value in values if value in text), default=0)
        for variation in plan.variations
        for values in [_values(environment, plan.varied(environment, (variation,)))]
    }
    # Other values may hold a short one, as paths hold the name of a user.
    ordered = sorted(lengths, key=lambda variation: -lengths[variation])
    return tuple(variation for variation in ordered if lengths[variation])


def fitting(differences: tuple[Difference, ...], plan: Plan) -> tuple[Variation, ...]:
    """Return the variations that make differences look like these, the likeliest first."""
    names = dict.fromkeys(
        name
        for sign, names in _SIGNS
        if any(sign(one) for one in differences if one.kind != _FOLLOWS)
        for name in names
    )
    known = {variation.name: variation for variation in plan.variations}
    return tuple(known[name] for name in names if name in known)


def _values(usual: BuildEnvironment, varied: BuildEnvironment) -> Iterator[str]:
    """Yield the texts that a variation brings in, but for short ones."""
    new = [pair for pair in varied.variables if pair not in usual.variables]
    others = [field.name for field in fields(usual) if field.name != "variables"]
    changed = [
        getattr(varied, name) for name in others if getattr(varied, name) != getattr(usual, name)
    ]
    yield from (
        str(value)
        for value in (*changed, *(text for pair in new for text in pair))
        if len(str(value)) >= _TELLING
    )
