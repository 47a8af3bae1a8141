"""What a rebuild changes of the world that a build sees: a table, one row a variation.

A sound build gives the same wheel under each of them and under all together. Each row is a pure
function from a :class:`BuildEnvironment` to another one; where a machine cannot make it take
effect, the row says why. What can be one of many values is drawn from a seed.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import tools
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import LATEST_EPOCH, BuildEnvironment
from amrasaman_nox.sandbox import locales
from amrasaman_nox.sandbox.normalise import NATIVE_CPU
from amrasaman_nox.sandbox.view import LOCALES
from amrasaman_nox.verification import moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.verification.draw import Draw

CLOCK: Final = "clock"
LOCALE: Final = "locale"
ADDRESSES: Final = "address-layout"
#: An extra variable that no program reads: only a build that writes out all of them shows it.
CAPTURED: Final = "WORKSPACE_LABEL"
_DAY: Final = 86_400
#: The locale of every system; its encoding is ASCII.
_ASCII: Final = "POSIX"
#: The highest hash seed of Python.
_MOST_HASHES: Final = 2**32 - 1
_FIRST_UID, _LAST_UID = 2_000, 59_999
#: rustc has a model of processor of this name for each architecture.
_MODEL: Final = ((NATIVE_CPU, "generic"),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What of this machine decides which variations are available.

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
    def other_locales(self) -> tuple[str, ...]:
        """The installed locales that are unlike the constant one, else a compiled one or ASCII."""
        compiled = locales.NAME if self.isolation.locales else _ASCII
        return installed_locales(self.locales) or (compiled,)


def installed_locales(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the installed locales *names* that sort and speak unlike the constant one."""
    speaking = [
        name
        for name in sorted(names)
        if name.lower().replace("-", "").endswith(".utf8") and not name.startswith("C.")
    ]
    # English differs least from the constant locale.
    other = [name for name in speaking if not name.startswith("en")]
    return tuple(other or speaking)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """One thing that a rebuild varies.

    ``changes`` says what, for readers. ``apply`` returns the varied environment. ``unavailable``
    returns why it cannot be varied on a machine, or ``""``. ``where`` returns how a message says
    that a build fails in the environment that was varied so.
    """

    name: str
    changes: str
    apply: Callable[[BuildEnvironment, Machine, Draw], BuildEnvironment]
    unavailable: Callable[[Machine], str] = lambda machine: ""
    where: Callable[[BuildEnvironment], str] = lambda varied: "when it is varied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which variations a rebuild tries on a machine, and what their values are drawn from.

    ``not_varied`` are ``name: reason``.
    """

    machine: Machine
    draw: Draw
    variations: tuple[Variation, ...]
    not_varied: tuple[str, ...] = ()

    def varied(
        self, environment: BuildEnvironment, variations: Iterable[Variation]
    ) -> BuildEnvironment:
        """Return *environment* under all of *variations*."""
        for variation in variations:
            environment = variation.apply(environment, self.machine, self.draw)
        return environment

    def values(self, environment: BuildEnvironment) -> tuple[tuple[str, str], ...]:
        """Return what differs in *environment* under all variations: names and varied values."""
        varied = self.varied(environment, self.variations)
        return tuple(
            (name, _shown(name, getattr(varied, name)))
            for name in (field.name for field in dataclasses.fields(varied))
            if getattr(varied, name) != getattr(environment, name)
        )

    def since(self, first: datetime | None) -> Plan:
        """Return the plan for a rebuild of what was built at *first*."""
        return replace(self, draw=replace(self.draw, first=first))

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


def _shown(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{key}={text}" for key, text in value)
    return f"{value:03o}" if name == "umask" else str(value)


def plan(names: Sequence[str], machine: Machine, draw: Draw) -> Plan:
    """Return the variations with *names*, all for none, in the order of the table.

    :raises AsamanError: a name that is not in the table (exit 2)
    """
    chosen = named(names)
    wanted = [each for each in VARIATIONS if each.name in chosen]
    reasons = {each.name: each.unavailable(machine) for each in wanted}
    return Plan(
        machine=machine,
        draw=draw,
        variations=tuple(each for each in wanted if not reasons[each.name]),
        not_varied=tuple(f"{name}: {reason}" for name, reason in reasons.items() if reason),
    )


def _without_sandbox(why: str) -> Callable[[Machine], str]:
    return lambda machine: "" if machine.isolation.constant_paths else why


def _one_processor(machine: Machine) -> str:
    return "" if machine.processors > 1 else "the machine has only one processor"


def _later(world: BuildEnvironment, draw: Draw) -> BuildEnvironment:
    """Return *world* with a clock that is ahead; the same moment if it is fixed."""
    ahead = moments.ahead(draw, moments.zone(draw, world.source_date_epoch or 0))
    if world.clock is not None:
        ahead += int(draw.now.timestamp()) - world.clock
    return replace(world, clock_offset=world.clock_offset + ahead)


def _other_locale(world: BuildEnvironment, machine: Machine, draw: Draw) -> BuildEnvironment:
    """Return *world* in another locale, which is found by a variable if it was compiled here."""
    varied = replace(world, locale=draw.one_of("locale", machine.other_locales))
    isolation = machine.isolation
    if installed_locales(machine.locales) or not isolation.locales:
        return varied
    path = LOCALES if isolation.constant_paths else isolation.locales
    return replace(varied, variables=(("LOCPATH", path), *world.variables))


def _other_source_times(world: BuildEnvironment, draw: Draw) -> BuildEnvironment:
    """Return *world* with files that are 1,000 to 2,000 days newer, older if zip has no such."""
    shift = draw.number("source times", 1_000 * _DAY, 2_000 * _DAY)
    newer, older = world.source_times + shift, world.source_times - shift
    return replace(world, source_times=newer if newer <= LATEST_EPOCH else older)


def _jobs(draw: Draw) -> tuple[tuple[str, str], ...]:
    """Return how a build is told to run more than one job at a time."""
    jobs = draw.number("jobs", 3, 6)
    return (("CMAKE_BUILD_PARALLEL_LEVEL", str(jobs)), ("MAKEFLAGS", f"-j{jobs}"))


def _extra(draw: Draw) -> tuple[tuple[str, str], ...]:
    """Return what shells and services that people build in set, and no build should look at."""
    number, word = draw.number("build number", 1_000, 99_999), draw.word("variables")
    return (
        ("BUILD_ID", f"{word}-{number}"),
        ("BUILD_NUMBER", str(number)),
        ("BUILD_TAG", f"{word}-{number}-nightly"),
        ("COLUMNS", str(draw.number("columns", 35, 55))),
        ("EDITOR", draw.one_of("editor", ("ed", "emacs", "nano", "vim"))),
        ("GIT_COMMIT", draw.hexadecimal("commit", 40)),
        ("HOSTTYPE", word),
        ("LINES", str(draw.number("lines", 8, 20))),
        (CAPTURED, draw.hexadecimal("variable", 8)),
        ("SHELL", f"/usr/local/bin/{word}-shell"),
        ("TERM", draw.one_of("terminal", ("dumb", "linux", "screen", "vt100", "xterm"))),
    )


VARIATIONS: Final[tuple[Variation, ...]] = (
    Variation(
        name="build-path",
        changes="the folder of the source, longer and elsewhere",
        apply=lambda world, _, draw: replace(
            world,
            build_path=f"/var/lib/{draw.word('build path')}/{draw.hexadecimal('build path', 12)}",
        ),
    ),
    Variation(
        name="environment-path",
        changes="the folder of the build environment",
        # Not drawn: each path takes an environment of its own.
        apply=lambda world, *_: replace(world, environment_path="/opt/packages/python-environment"),
        unavailable=_without_sandbox("without a sandbox the environment has one path"),
    ),
    Variation(
        name="user",
        changes="name and number of user and group",
        apply=lambda world, _, draw: replace(
            world, user=draw.word("user"), uid=draw.number("uid", _FIRST_UID, _LAST_UID)
        ),
        unavailable=_without_sandbox("without a sandbox the build runs as the calling user"),
    ),
    Variation(
        name="home",
        changes="the home folder",
        apply=lambda world, _, draw: replace(world, home=f"/home/{draw.word('home')}"),
        unavailable=_without_sandbox("without a sandbox the home folder is beside the build"),
    ),
    Variation(
        name="host-name",
        changes="the name of the machine",
        apply=lambda world, _, draw: replace(world, host_name=draw.word("host name")),
        unavailable=_without_sandbox("without a sandbox it is the machine's own"),
    ),
    Variation(
        name="time-zone",
        changes="TZ: one in which SOURCE_DATE_EPOCH falls on another day, with summer time",
        apply=lambda world, _, draw: replace(
            world, time_zone=moments.zone(draw, world.source_date_epoch or 0).variable
        ),
    ),
    Variation(
        name=LOCALE,
        changes="LC_ALL and LANG: another locale, or POSIX; Python's UTF-8 mode is off",
        apply=lambda world, machine, draw: _other_locale(world, machine, draw),
        where=lambda varied: (
            "in an ASCII locale" if varied.locale == _ASCII else f"in the locale {varied.locale}"
        ),
    ),
    Variation(
        name="umask",
        changes="007 to 077: others cannot access what the build creates",
        apply=lambda world, _, draw: replace(world, umask=draw.number("umask", 0, 7) << 3 | 7),
    ),
    Variation(
        name="hash-seed",
        changes="PYTHONHASHSEED",
        apply=lambda world, _, draw: replace(
            world,
            hash_seed=(world.hash_seed + draw.number("hash seed", 1, _MOST_HASHES))
            % (_MOST_HASHES + 1),
        ),
    ),
    Variation(
        name="directory-order",
        changes="the source is created, and so listed, in reversed order",
        # Not drawn: in another order than this one, some pairs would be listed as before.
        apply=lambda world, *_: replace(world, directory_order="reversed"),
        unavailable=_without_sandbox("without a sandbox listings depend on the file system"),
    ),
    Variation(
        name="source-times",
        changes="the modification time of the source's files",
        apply=lambda world, _, draw: _other_source_times(world, draw),
    ),
    Variation(
        name="processors",
        changes="one processor, else two, and make with -j3 to -j6; for rustc, another model",
        apply=lambda world, _, draw: replace(
            world,
            processors=1 if world.processors > 1 else 2,
            variables=(*_jobs(draw), *_MODEL, *world.variables),
        ),
        unavailable=_one_processor,
    ),
    Variation(
        name=CLOCK,
        changes="at least 398 days later, in a year of another length",
        apply=lambda world, _, draw: _later(world, draw),
        unavailable=lambda machine: "" if machine.fake_clock else "libfaketime is not installed",
    ),
    Variation(
        name="extra-variables",
        changes="variables such as BUILD_NUMBER, COLUMNS, SHELL and TERM",
        apply=lambda world, _, draw: replace(world, variables=(*_extra(draw), *world.variables)),
    ),
    Variation(
        name=ADDRESSES,
        changes="the address space layout, randomised by the kernel",
        apply=lambda world, *_: replace(world, random_addresses=True),
        unavailable=lambda machine: (
            "" if machine.isolation.fixed_addresses else "it cannot be kept constant here"
        ),
    ),
)
