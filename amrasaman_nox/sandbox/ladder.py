"""Choosing the isolation of a run: the strongest rung that works, found by trying each."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import files
from amrasaman_nox.config.rungs import RUNGS, Rung
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, printable
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import clock, limited, locales
from amrasaman_nox.sandbox.process import run
from amrasaman_nox.sandbox.view import Folder, Isolation, ProcessSpec, is_of_system

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROBE_ENDS: Final = 42
_PROBE_SECONDS: Final = 20.0
#: Whether two processes have their memory in the same places, as they say themselves.
_SAME_PLACES: Final = (
    'here=$(cat /proc/self/maps); there=$(cat /proc/self/maps); [ "$here" = "$there" ] || '
    "{ echo 'the kernel still randomises addresses'; exit 1; }; "
)
#: What a rung is tried with, the best first: a filter of system calls, fixed addresses.
_WAYS: Final = ((True, True), (True, False), (False, True), (False, False))


def choose(wanted: str, *, or_none: bool = True) -> Isolation:
    """Return the strongest isolation that works, each rung tried by running it.

    :param wanted: ``auto``, or the only rung that will do
    :param or_none: whether ``auto`` may be no isolation at all, which it may not be in CI
    :raises AsamanError: the rung is not available here (exit 4)
    """
    reasons: list[str] = []
    why: tuple[str, ...] = ()
    for rung in RUNGS.values():
        if wanted not in ("auto", rung.name):
            continue
        if wanted == "auto" and rung.warning and not or_none:
            raise _nothing_but(rung, reasons)
        found, why = _tried(rung)
        reasons += _named(rung, found, why)
        if found is not None:
            return replace(found, reasons=tuple(reasons), clock=clock.library())
    last = next(iter(RUNGS)) if wanted == "auto" else wanted
    raise AsamanError(
        f'isolation "{wanted}"',
        "; ".join(reasons if wanted == "auto" else why),
        hint=RUNGS[last].remedy,
        code=ExitCode.NOT_AVAILABLE,
        kind=Kind.ISOLATION,
    )


def with_helpers(isolation: Isolation, root: Path) -> Isolation:
    """Return *isolation* with what shows builds another clock and locale.

    :param root: the folder of the store
    """
    return replace(isolation, clock=clock.library(root), locales=locales.compiled(root))


def _nothing_but(rung: Rung, reasons: list[str]) -> AsamanError:
    first = next(iter(RUNGS.values()))
    return AsamanError(
        "isolation",
        f"in CI, builds run without isolation only with --isolation none: {'; '.join(reasons)}",
        hint=f"{first.remedy.partition(';')[0]}; or pass --isolation {rung.name}",
        code=ExitCode.NOT_AVAILABLE,
    )


def tried() -> Iterator[tuple[Rung, Isolation | None, tuple[str, ...]]]:
    """Yield each rung, the strongest first, with what works on it, and what does not and why."""
    for rung in RUNGS.values():
        found, why = _tried(rung)
        yield rung, found, _named(rung, found, why)


def _named(rung: Rung, found: Isolation | None, why: tuple[str, ...]) -> tuple[str, ...]:
    return why if found is not None else tuple(f'isolation "{rung.name}" is {one}' for one in why)


def _tried(rung: Rung) -> tuple[Isolation | None, tuple[str, ...]]:
    """Return the best that works on *rung*, with what it lacks; or nothing, and why."""
    why: dict[tuple[bool, bool], str] = {}
    for filtered, fixed in _WAYS:
        if rung.must_filter and not filtered:
            continue
        found = Isolation(rung=rung.name, filtered=filtered, fixed_addresses=fixed)
        why[filtered, fixed] = _probe(found)
        if not why[filtered, fixed]:
            return found, tuple(_lacks(found, why))
    return None, (f"not available: {list(why.values())[-1]}",)


def _lacks(found: Isolation, why: Mapping[tuple[bool, bool], str]) -> Iterator[str]:
    """Yield a line for each thing that a rung cannot do here."""
    if not found.filtered:
        reason = why[True, found.fixed_addresses]
        yield f'isolation "{found.rung}" does not filter system calls: {reason}'
    if not found.fixed_addresses:
        reason = why[found.filtered, True]
        yield f'isolation "{found.rung}" does not turn off address space randomisation: {reason}'


def _probe(isolation: Isolation) -> str:
    """Run one small command in *isolation*; return why that failed, or ``""``."""
    if isolation.fixed_addresses and not limited.allows_stack():
        return "the stack size limit (ulimit -Hs) is below 8 MiB"
    check = _SAME_PLACES if isolation.fixed_addresses else ""
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    prefixes = {sys.base_prefix, sys.base_exec_prefix, str(Path(python).parents[1])}
    with files.folder() as folder:
        command = ProcessSpec(
            argv=("/bin/sh", "-c", f"{check}exit {_PROBE_ENDS}"),
            directory="/" if isolation.constant_paths else str(folder),
            variables={"PATH": "/usr/bin:/bin"},
            # The command is ours: it may see all that this interpreter needs.
            folders=tuple(
                Folder(host=Path(prefix), inside=prefix)
                for prefix in sorted(prefixes)
                if not is_of_system(prefix)
            ),
            environment=BuildEnvironment(),
            limits=replace(Limits(), time=_PROBE_SECONDS),
            log=folder / "log",
            python=python,
        )
        try:
            done = run(command, isolation)
        except AsamanError as error:
            return printable(error.why if error.kind is Kind.ISOLATION else str(error))
    if done.code == _PROBE_ENDS:
        return ""
    said = printable(done.tail.strip().splitlines()[-1]) if done.tail.strip() else ""
    return done.limit or said or f"exit status {done.code}"
