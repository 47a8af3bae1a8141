"""What a rebuild changes of the world that a build sees: a table, one row a variation.

A sound build gives the same wheel under each of them and under all together. Each row is a pure
function from a :class:`BuildEnvironment` to another one; where a machine cannot make it take
effect, the row says why.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import tools
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import LATEST_EPOCH, BuildEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from amrasaman_nox.sandbox.view import Isolation

CLOCK: Final = "clock"
ADDRESSES: Final = "address-layout"
_DAY: Final = 86_400
#: Another year, month, day, weekday, hour, minute and second than now.
_LATER: Final = 398 * _DAY + 7 * 3600 + 13 * 60 + 17
#: Daylight saving time of half an hour, and offsets that are no whole hours; needs no zone files.
_TIME_ZONE: Final = "LHST-10:30LHDT-11,M10.1.0,M4.1.0"
#: What the shells and services that people build in set, and no build should look at.
_EXTRA: Final = (
    ("BUILD_ID", "rebuild-4711"),
    ("BUILD_NUMBER", "4711"),
    ("BUILD_TAG", "rebuild-4711-nightly"),
    ("COLUMNS", "47"),
    ("EDITOR", "ed"),
    ("GIT_COMMIT", "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"),
    ("HOSTTYPE", "rebuild"),
    ("LINES", "11"),
    ("REBUILD_CAPTURED", "a variable that no build should see"),
    ("SHELL", "/usr/local/bin/rebuild-shell"),
    ("TERM", "dumb"),
)
#: The locale of every system; its encoding is ASCII.
_ASCII: Final = "POSIX"
#: How a build is told to run more than one job at a time.
_JOBS: Final = (("CMAKE_BUILD_PARALLEL_LEVEL", "3"), ("MAKEFLAGS", "-j3"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What of this machine decides which variations can be had.

    ``locales`` are the installed ones by name, ``processors`` those that may be used;
    ``fake_clock`` tells whether libfaketime is there.
    """

    isolation: Isolation
    locales: tuple[str, ...] = ()
    processors: int = 2
    fake_clock: bool = False

    @classmethod
    def here(cls, isolation: Isolation) -> Machine:
        """Return what this machine has."""
        return cls(
            isolation=isolation,
            locales=tools.locales(),
            processors=len(os.sched_getaffinity(0)),
            fake_clock=bool(isolation.clock),
        )

    @property
    def other_locale(self) -> str:
        """A locale that sorts and speaks unlike the constant one, else ``POSIX``."""
        speaking = [
            name
            for name in sorted(self.locales)
            if name.lower().replace("-", "").endswith(".utf8") and not name.startswith("C.")
        ]
        # English differs least from the constant locale.
        other = [name for name in speaking if not name.startswith("en")]
        return next(iter([*other, *speaking]), _ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """One thing that a rebuild varies.

    ``changes`` says what, for readers. ``apply`` returns the varied environment. ``unavailable``
    returns why it cannot be varied on a machine, or ``""``. ``where`` returns how a message says
    that a build fails under it.
    """

    name: str
    changes: str
    apply: Callable[[BuildEnvironment, Machine], BuildEnvironment]
    unavailable: Callable[[Machine], str] = lambda machine: ""
    where: Callable[[Machine], str] = lambda machine: "when it is varied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which variations a rebuild tries on a machine; ``not_varied`` are ``name: reason``."""

    machine: Machine
    variations: tuple[Variation, ...]
    not_varied: tuple[str, ...] = ()

    def varied(
        self, environment: BuildEnvironment, variations: Iterable[Variation]
    ) -> BuildEnvironment:
        """Return *environment* under all of *variations*."""
        for variation in variations:
            environment = variation.apply(environment, self.machine)
        return environment

    def without(self, reasons: Mapping[str, str]) -> Plan:
        """Return the plan without some variations, each with the reason why it is left out."""
        machine = replace(self.machine, fake_clock=self.machine.fake_clock and CLOCK not in reasons)
        left_out = [name for name in self.names if name in reasons]
        return replace(
            self,
            machine=machine,
            variations=tuple(each for each in self.variations if each.name not in reasons),
            not_varied=(*self.not_varied, *(f"{name}: {reasons[name]}" for name in left_out)),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is varied."""
        return tuple(variation.name for variation in self.variations)


def named(names: Sequence[str]) -> tuple[str, ...]:
    """Return *names* in the order of the table, all of the table for none.

    :raises AsamanError: a name that is not in the table (exit 2)
    """
    known = tuple(variation.name for variation in VARIATIONS)
    for name in names:
        if name not in known and name != "all":
            raise AsamanError("unknown variation", f'"{name}"', hint=f"known: {', '.join(known)}")
    everything = not names or "all" in names
    return tuple(name for name in known if everything or name in names)


def plan(names: Sequence[str], machine: Machine) -> Plan:
    """Return the variations with *names*, all for none, in the order of the table.

    :raises AsamanError: a name that is not in the table (exit 2)
    """
    chosen = named(names)
    wanted = [each for each in VARIATIONS if each.name in chosen]
    reasons = {each.name: each.unavailable(machine) for each in wanted}
    return Plan(
        machine=machine,
        variations=tuple(each for each in wanted if not reasons[each.name]),
        not_varied=tuple(f"{name}: {reason}" for name, reason in reasons.items() if reason),
    )


def _without_sandbox(why: str) -> Callable[[Machine], str]:
    return lambda machine: "" if machine.isolation.constant_paths else why


def _one_processor(machine: Machine) -> str:
    return "" if machine.processors > 1 else "the machine has only one processor"


VARIATIONS: Final[tuple[Variation, ...]] = (
    Variation(
        name="build-path",
        changes="the folder of the source, longer and elsewhere",
        apply=lambda world, _: replace(world, build_path="/var/lib/packager/rebuild/tree"),
    ),
    Variation(
        name="environment-path",
        changes="the folder of the build environment",
        apply=lambda world, _: replace(world, environment_path="/opt/rebuild/python-environment"),
        unavailable=_without_sandbox("without a sandbox the environment has one path"),
    ),
    Variation(
        name="user",
        changes="name and number of user and group",
        apply=lambda world, _: replace(world, user="packager", uid=4711),
        unavailable=_without_sandbox("without a sandbox the build runs as the calling user"),
    ),
    Variation(
        name="home",
        changes="the home folder",
        apply=lambda world, _: replace(world, home="/home/packager"),
        unavailable=_without_sandbox("without a sandbox the home folder is beside the build"),
    ),
    Variation(
        name="host-name",
        changes="the name of the machine",
        apply=lambda world, _: replace(world, host_name="rebuilder"),
        unavailable=_without_sandbox("without a sandbox it is the machine's own"),
    ),
    Variation(
        name="time-zone",
        changes="TZ: ten and a half hours ahead of UTC, eleven in summer",
        apply=lambda world, _: replace(world, time_zone=_TIME_ZONE),
    ),
    Variation(
        name="locale",
        changes="LC_ALL and LANG: another installed locale, or POSIX; Python's UTF-8 mode is off",
        apply=lambda world, machine: replace(world, locale=machine.other_locale),
        where=lambda machine: (
            "in an ASCII locale"
            if machine.other_locale == _ASCII
            else f"in the locale {machine.other_locale}"
        ),
    ),
    Variation(
        name="umask",
        changes="077: only the builder can access what the build creates",
        apply=lambda world, _: replace(world, umask=0o077),
    ),
    Variation(
        name="hash-seed",
        changes="PYTHONHASHSEED",
        apply=lambda world, _: replace(world, hash_seed=world.hash_seed + 31_415),
    ),
    Variation(
        name="directory-order",
        changes="the source is created, and so listed, in reversed order",
        apply=lambda world, _: replace(world, directory_order="reversed"),
        unavailable=_without_sandbox("without a sandbox listings depend on the file system"),
    ),
    Variation(
        name="source-times",
        changes="the modification time of the source's files",
        apply=lambda world, _: replace(
            world, source_times=min(world.source_times + 1_000 * _DAY + 12_345, LATEST_EPOCH)
        ),
    ),
    Variation(
        name="processors",
        changes="one processor instead of two, and make with -j3",
        apply=lambda world, _: replace(world, processors=1, variables=(*_JOBS, *world.variables)),
        unavailable=_one_processor,
    ),
    Variation(
        name=CLOCK,
        changes="398 days, 7 hours, 13 minutes and 17 seconds later",
        apply=lambda world, _: replace(world, clock_offset=world.clock_offset + _LATER),
        unavailable=lambda machine: "" if machine.fake_clock else "libfaketime is not installed",
    ),
    Variation(
        name="extra-variables",
        changes="variables such as BUILD_NUMBER, COLUMNS, SHELL and TERM",
        apply=lambda world, _: replace(world, variables=(*_EXTRA, *world.variables)),
    ),
    Variation(
        name=ADDRESSES,
        changes="the address space layout, randomised by the kernel",
        apply=lambda world, _: replace(world, random_addresses=True),
        unavailable=lambda machine: (
            "" if machine.isolation.fixed_addresses else "it cannot be kept constant here"
        ),
    ),
)
