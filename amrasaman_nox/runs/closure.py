"""Everything that pins are built with, and so on, as sources with hashes.

What a backend asks for is known only when it is asked, in the sandbox, with the published wheels of
its own build requirements. So it goes in rounds: each one resolves what the last one found.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.build_lock import requirements as requires
from amrasaman_nox.build_lock.bootstrap import BootstrapLock, not_locked, pin_of, release_of
from amrasaman_nox.build_lock.dates import Cutoff, Reason, is_as_of
from amrasaman_nox.builds import hooks
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildFailure, BuildLock, Event, LockedFile, Pin, Prepared, utc
from amrasaman_nox.runs.asked import whole_entry
from amrasaman_nox.runs.outcome import Done
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sources import prepare
from amrasaman_nox.sources.locate import advertised_sdists

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from amrasaman_nox.build_lock.bootstrap import Release
    from amrasaman_nox.model import Interpreter, LockEntry
    from amrasaman_nox.runs.run import Run

_NOTHING: Final = BuildLock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Closure:
    """The entries of pins and of all build requirements; the published wheels that are trusted.

    Where there are ``failures``, those of one round, the rest is not whole.
    """

    entries: tuple[LockEntry, ...] = ()
    seeds: tuple[LockedFile, ...] = ()
    failures: tuple[BuildFailure, ...] = ()


def resolved(
    run: Run, pins: Sequence[Pin], interpreter: Interpreter, former: BootstrapLock
) -> Closure:
    """Return everything that *pins* are built with; what *former* has is not resolved again.

    Versions are chosen for each source by itself, all as of one date.

    :raises AsamanError: an index cannot be asked, or the disk is at fault (exit 5)
    """
    found = prepare.prepare(
        run.site,
        pins,
        interpreter,
        former.sources,
        only_binary=frozenset(run.config.only_binary),
    )
    failures, prepared = prepare.parted(found)
    if failures:
        return Closure(failures=failures)
    date, known = _date(run, prepared, interpreter, former)
    return _Search(run=run, interpreter=interpreter, date=date, known=known).closure(prepared)


def _date(
    run: Run, prepared: Sequence[Prepared], interpreter: Interpreter, former: BootstrapLock
) -> tuple[Cutoff | None, BootstrapLock]:
    """Return the one date of the tree, and what of *former* counts under it.

    A lock keeps its date, unless a pin is newer: then all of it is resolved again.
    """
    if not prepared:
        return None, former
    dates = [requires.cutoff(each, run.config.as_of_project(each.source.name)) for each in prepared]
    newest = max(dates, key=lambda date: date.moment)
    kept = _kept_date(former, interpreter)
    if kept is not None and run.config.as_of is not None:
        _check_date(former, interpreter, run.config.as_of)
    sure = [date.moment for date in dates if date.reason is not Reason.UNKNOWN]
    if kept is not None and (run.config.as_of is not None or max(sure, default=kept) <= kept):
        return dataclasses.replace(newest, moment=kept), former
    if run.config.locked:
        return newest, former
    return newest, BootstrapLock()


def _check_date(former: BootstrapLock, interpreter: Interpreter, asked: str) -> None:
    """Check that a lock has the date that is asked for.

    :raises AsamanError: it has another one (exit 2)
    """
    entries = former.releases(interpreter.key).values()
    other = next((each for each in entries if not is_as_of(each, asked)), None)
    if other is not None and other.as_of is not None:
        raise AsamanError(
            "bootstrap lock",
            f"it is as of {utc(other.as_of)}, and --as-of asks for {asked}",
            hint="resolve all of it again with --relock",
        )


def _kept_date(former: BootstrapLock, interpreter: Interpreter) -> datetime | None:
    entries = former.releases(interpreter.key).values()
    return max((each.as_of for each in entries if each.as_of is not None), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """The rounds of one interpreter."""

    run: Run
    interpreter: Interpreter
    date: Cutoff | None
    known: BootstrapLock

    def closure(self, pins: Sequence[Prepared]) -> Closure:
        entries: dict[Release, LockEntry] = {}
        seeds: dict[Release, LockedFile] = {}
        waiting, tools = list(pins), False
        while waiting:
            done = self._round(waiting, build=tools)
            failures = [item.failure for item in done if item.failure is not None]
            found = [item.entry for item in done if item.entry is not None]
            entries |= {(entry.name, entry.version): entry for entry in found}
            wanted: dict[Release, list[str]] = defaultdict(list)
            for entry in found:
                for file in entry.files:
                    if release_of(file)[0] in self.run.config.only_binary:
                        seeds[release_of(file)] = file
                    elif release_of(file) not in entries:
                        wanted[release_of(file)].append(entry.name)
            waiting, missing = self._sources(wanted)
            if failures or missing:
                return Closure(failures=(*failures, *missing))
            tools = True
        return Closure(entries=tuple(entries.values()), seeds=tuple(seeds.values()))

    def _round(self, waiting: Sequence[Prepared], *, build: bool) -> list[Done]:
        self.run.site.notify(Event(stage="lock", state="total", count=len(waiting)))
        return in_parallel(self.run.workers, waiting, functools.partial(self._entry, build=build))

    def _entry(self, prepared: Prepared, *, build: bool) -> Done:
        """Return the entry of a source: that of the lock, or a new one, for which it is asked."""
        name = str(prepared.source.pin)
        try:
            entry = self._known(prepared) or self._new(prepared, build=build)
        except (AsamanError, hooks.HookFailed) as error:
            failure = failure_of(prepared.source, "lock", error)
            self.run.site.notify(Event(stage="lock", state="failed", name=name))
            return Done(failure=failure)
        self.run.site.notify(Event(stage="lock", state="done", name=name))
        return Done(entry=entry)

    def _known(self, prepared: Prepared) -> LockEntry | None:
        source = prepared.source
        entry = self.known.sources.find(source.digest, self.interpreter.key)
        if entry is not None:
            requires.check_whole(entry, prepared)
        elif self.run.config.locked:
            raise not_locked(source.pin, self.interpreter.key)
        return entry

    def _new(self, prepared: Prepared, *, build: bool) -> LockEntry:
        known = requires.known_of(self.run.site, prepared, _NOTHING, date=self.date)
        # What takes long to build would hold up the round; the stage builds it beside others.
        build = build and not prepared.native
        return whole_entry(self.run, prepared, known, build=build)[0]

    def _sources(
        self, wanted: dict[Release, list[str]]
    ) -> tuple[list[Prepared], list[BuildFailure]]:
        """Return the sdists of releases, and why others have none that can be built."""
        pins, failures = self._pins(list(wanted))
        found = prepare.prepare(self.run.site, pins, self.interpreter, self.known.sources)
        failures += [each for each in found if isinstance(each, BuildFailure)]
        needed = [_needed(each, wanted[each.name, each.version]) for each in failures]
        return [each for each in found if isinstance(each, Prepared)], needed

    def _pins(self, wanted: Sequence[Release]) -> tuple[list[Pin], list[BuildFailure]]:
        locked = self.known.releases(self.interpreter.key)
        pins = {release: pin_of(locked[release]) for release in wanted if release in locked}
        found = advertised_sdists(
            [release for release in wanted if release not in pins],
            index=self.run.site.index,
            python=self.interpreter.executable,
            cache=self.run.site.index_cache,
        )
        failures = []
        for release, source in found.items():
            if isinstance(source, AsamanError):
                pin = Pin(name=release[0], version=release[1])
                failures.append(BuildFailure.of_error(pin, "source", source))
            else:
                pins[release] = source.pin
        return [pins[release] for release in wanted if release in pins], failures


def _needed(failure: BuildFailure, users: Iterable[str]) -> BuildFailure:
    """Return the failure of a build requirement with what needs it, and how to fix it."""
    return dataclasses.replace(
        failure,
        reason=f"{failure.reason}; {', '.join(sorted(set(users)))} cannot be built without it",
        hint=f"--only-binary {failure.name} trusts its published wheel",
        takes_wheel=True,
    )
