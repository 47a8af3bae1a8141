"""How a published wheel was built, inferred from the wheel itself.

A wheel is a function of its source and of the tools that built it. A published wheel says more of
them than its publisher: the ``Generator`` line names the backend and its version (PEP 427), the
times and modes in the zip tell epoch and umask, the metadata tell the age of setuptools. What they
do not tell is resolved as of the day of the upload.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, LockedFile, utc
from amrasaman_nox.verification.evidence import MARKS, OWN_TIMES, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amrasaman_nox.model import Difference

#: The most rebuilds that one published wheel is worth.
MOST_ATTEMPTS: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to rebuild a published wheel.

    ``requires`` are resolved with ``overrides`` and ``constraints`` (PEP 508) as of ``as_of``
    (UTC); ``files`` are the result, and with those nothing is resolved again.
    ``source_date_epoch`` is in seconds since 1970, ``None`` leaves it unset. ``settings`` are
    config settings (PEP 517). ``steps`` say in words what led here.
    """

    generator: str = ""
    requires: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    as_of: datetime | None = None
    source_date_epoch: int | None = None
    umask: int = 0o022
    settings: tuple[tuple[str, str], ...] = ()
    files: tuple[LockedFile, ...] = ()
    steps: tuple[str, ...] = ()

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the recipe as name and value pairs; :meth:`parse` reads them back."""
        epoch = self.source_date_epoch
        return (
            ("generator", self.generator or "none"),
            ("source-date-epoch", "unset" if epoch is None else str(epoch)),
            ("umask", f"{self.umask:03o}"),
            ("as-of", "now" if self.as_of is None else utc(self.as_of)),
            *(("require", text) for text in self.requires),
            *(("override", text) for text in self.overrides),
            *(("constraint", text) for text in self.constraints),
            *(("setting", f"{name}={value}") for name, value in self.settings),
            *(("file", f"{file.filename} {file.digest}") for file in self.files),
            *(("step", text) for text in self.steps),
        )

    def exact(self) -> tuple[str, ...]:
        """Return the names of the projects of which an override takes one version exactly."""
        found = _names(self.overrides).items()
        return tuple(name for name, one in found if str(one.specifier).startswith("=="))

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> Recipe:
        """Return the recipe that *pairs* hold; names that it does not know are left out.

        :raises AsamanError: a value is malformed
        """
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        try:
            epoch, umask, as_of, generator = (
                found.get(name, [default])[-1]
                for name, default in (
                    ("source-date-epoch", "unset"),
                    ("umask", "022"),
                    ("as-of", "now"),
                    ("generator", "none"),
                )
            )
            return cls(
                generator="" if generator == "none" else generator,
                requires=tuple(found.get("require", ())),
                overrides=tuple(found.get("override", ())),
                constraints=tuple(found.get("constraint", ())),
                as_of=None if as_of == "now" else datetime.fromisoformat(as_of).astimezone(UTC),
                source_date_epoch=None if epoch == "unset" else int(epoch),
                umask=int(umask, 8),
                settings=tuple(_setting(text) for text in found.get("setting", ())),
                files=tuple(_file(text) for text in found.get("file", ())),
                steps=tuple(found.get("step", ())),
            )
        except ValueError as error:
            raise AsamanError("recipe", str(error)) from None


def _file(text: str) -> LockedFile:
    filename, _, digest = text.partition(" ")
    return LockedFile(filename=filename, digest=Digest.parse(digest))


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def infer(
    evidence: Evidence,
    requires: Sequence[str],
    as_of: datetime | None,
    *,
    own_backend: bool = False,
) -> Recipe:
    """Return how the wheel was most likely built.

    :param requires: the build requirements of the sdist (PEP 518)
    :param as_of: the date of the resolution, where the wheel's own upload is not known
    :param own_backend: the sdist holds its backend itself, so that none is to be pinned
    """
    recipe = Recipe(
        generator=evidence.generator,
        requires=tuple(requires),
        as_of=evidence.uploaded or as_of,
        source_date_epoch=_epoch(evidence),
        umask=evidence.umask,
    )
    for row in () if own_backend else _TELLS:
        recipe = row(evidence, recipe)
    return recipe


def _epoch(evidence: Evidence) -> int | None:
    """Return the epoch that all members have; with several times, or a backend's own, none."""
    if len(evidence.times) != 1 or evidence.times[0] == OWN_TIMES.get(evidence.backend):
        return None
    return evidence.times[0]


def _names(requirements: Iterable[str]) -> dict[str, Requirement]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(one.name): one for one in parsed}


def _pin_backend(evidence: Evidence, recipe: Recipe) -> Recipe:
    """Pin the backend to what the Generator line says, over the sdist's own bound."""
    if not evidence.backend or not evidence.version:
        return recipe
    name, version = evidence.backend, evidence.version
    declared = _names(recipe.requires).get(name)
    steps = [f"Generator says {evidence.generator}: {name} {version}"]
    if declared is not None and not declared.specifier.contains(version, prereleases=True):
        steps.append(f"{declared} of the sdist is overridden")
    requires = recipe.requires
    if declared is None:
        requires = (*requires, name)
        if name == "wheel":
            steps.append("the sdist does not declare wheel")
    return dataclasses.replace(
        recipe,
        requires=requires,
        overrides=(*recipe.overrides, f"{name}=={version}"),
        steps=(*recipe.steps, *steps),
    )


def _bound_setuptools(evidence: Evidence, recipe: Recipe) -> Recipe:
    """Take a setuptools that leaves the marks which are in the wheel."""
    if evidence.backend != "wheel":
        return recipe
    # Later ones have the command bdist_wheel themselves, and say so in the Generator line.
    found = [("Generator says bdist_wheel", "setuptools<70.1")]
    found += [
        (mark.name.replace("-", " "), mark.means)
        for mark in MARKS
        if mark.name in evidence.marks and mark.means.startswith("setuptools")
    ]
    return dataclasses.replace(
        recipe,
        constraints=(*recipe.constraints, *dict.fromkeys(bound for _, bound in found)),
        steps=(*recipe.steps, *(f"{why}: {bound}" for why, bound in found)),
    )


def _stray_wheel(evidence: Evidence, recipe: Recipe) -> Recipe:
    """Take the wheel that setuptools found beside it, and had its metadata written by."""
    if evidence.backend != "setuptools" or not evidence.version:
        return recipe
    if not _ASKS_WHEEL[0] <= Version(evidence.version) < _ASKS_WHEEL[1]:
        return recipe
    for mark in MARKS:
        if mark.name in evidence.marks and mark.means.startswith("wheel"):
            return dataclasses.replace(
                recipe,
                requires=tuple(dict.fromkeys((*recipe.requires, "wheel"))),
                constraints=(*recipe.constraints, mark.means),
                steps=(*recipe.steps, f"{mark.name.replace('-', ' ')}: {mark.means}"),
            )
    return recipe


#: Versions of setuptools that make wheels, and ask the project wheel to write their metadata.
_ASKS_WHEEL: Final = (Version("70.1"), Version("75.6"))

#: What follows from the evidence at once, in this order.
_TELLS: Final = (_pin_backend, _bound_setuptools, _stray_wheel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a recipe: how the wheel differs, or whether its requirements were not found."""

    recipe: Recipe
    differences: tuple[Difference, ...] = ()
    unresolved: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback:
    """What else may have been; ``change`` returns recipes to try, or nothing."""

    name: str
    change: Callable[[Evidence, Outcome], tuple[Recipe, ...]]


def fallbacks(evidence: Evidence, outcome: Outcome) -> tuple[Recipe, ...]:
    """Return what is worth a try after the *outcome* of the first recipe, in order."""
    found = [one for row in FALLBACKS for one in row.change(evidence, outcome)]
    others = [one for one in dict.fromkeys(found) if one != outcome.recipe]
    return tuple(others[: MOST_ATTEMPTS - 1])


def _without_pin(evidence: Evidence, outcome: Outcome) -> tuple[Recipe, ...]:
    """Where the index does not have what the tells ask for, take what was there on the day."""
    recipe = outcome.recipe
    if not outcome.unresolved or not (recipe.overrides or recipe.constraints):
        return ()
    step = "the index does not have these versions: resolved as of the upload"
    unpinned = dataclasses.replace(recipe, overrides=(), constraints=())
    return (dataclasses.replace(unpinned, steps=(*recipe.steps, step)),)


def _cmake_of_index(evidence: Evidence, outcome: Outcome) -> tuple[Recipe, ...]:
    """Take cmake and ninja from the index: the backend takes the system's where it can."""
    if evidence.backend != "scikit-build-core":
        return ()
    recipe = outcome.recipe
    return (
        dataclasses.replace(
            recipe,
            requires=(*recipe.requires, "cmake", "ninja"),
            steps=(*recipe.steps, "cmake and ninja from the index"),
        ),
    )


def _universal(evidence: Evidence, outcome: Outcome) -> tuple[Recipe, ...]:
    """Tag the wheel for Python 2 and 3, as the option ``--universal`` does."""
    pythons = {tag.partition("-")[0] for tag in evidence.tags}
    tagged = any(one.kind == "metadata" and one.has("Tag") for one in outcome.differences)
    if not tagged or not {"py2", "py3"} <= pythons:
        return ()
    recipe = outcome.recipe
    step = "tagged for Python 2 and 3: built with --universal"
    return tuple(
        dataclasses.replace(
            # Twice, since older versions take nothing but a list.
            recipe,
            settings=((option, "--universal"),) * 2,
            steps=(*recipe.steps, step),
        )
        # The former for setuptools from version 64 on.
        for option in ("--build-option", "--global-option")
    )


def _epoch_of_build(evidence: Evidence, outcome: Outcome) -> tuple[Recipe, ...]:
    """Set the epoch to the time of the build: what is generated may hold the date."""
    recipe = outcome.recipe
    inside = any(
        one.normalisation is None and ".dist-info/" not in one.member and one.kind in _GENERATED
        for one in outcome.differences
    )
    if not inside or recipe.source_date_epoch is not None or not evidence.info_time:
        return ()
    step = "generated members differ: the epoch is the time of the build"
    return (
        dataclasses.replace(
            recipe, source_date_epoch=evidence.info_time, steps=(*recipe.steps, step)
        ),
    )


#: What a build step writes, of the kinds of differences.
_GENERATED: Final = ("text", "json", "bytes", "nested-archive")

#: Tried in this order where the first recipe does not give the published wheel.
FALLBACKS: Final = (
    Fallback(name="without-pin", change=_without_pin),
    Fallback(name="cmake-of-index", change=_cmake_of_index),
    Fallback(name="universal", change=_universal),
    Fallback(name="epoch-of-build", change=_epoch_of_build),
)
