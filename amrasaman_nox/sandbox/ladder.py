"""Choosing the isolation of a run: the strongest rung that works, found by trying each."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from amrasaman_nox import files
from amrasaman_nox.config.rungs import RUNGS, Rung
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, printable
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import clock
from amrasaman_nox.sandbox.process import run
from amrasaman_nox.sandbox.view import Command, Folder, Isolation, is_of_system

_PROBE_ENDS: Final = 42
_PROBE_SECONDS: Final = 20.0


def choose(wanted: str, *, or_none: bool = True) -> Isolation:
    """Return the strongest isolation that works, each rung tried by running it.

    :param wanted: ``auto``, or the only rung that will do
    :param or_none: whether ``auto`` may be no isolation at all, which it may not be in CI
    :raises AsamanError: the rung is not available here (exit 4)
    """
    reasons: list[str] = []
    for rung in RUNGS.values():
        if wanted not in ("auto", rung.name):
            continue
        if wanted == "auto" and rung.warning and not or_none:
            raise _nothing_but(rung, reasons)
        reason = _probe(rung, filtered=True)
        if not reason:
            return Isolation(rung=rung.name, reasons=tuple(reasons), clock=clock.library())
        if not rung.must_filter and not _probe(rung, filtered=False):
            reasons.append(f'isolation "{rung.name}" does not filter system calls: {reason}')
            return Isolation(
                rung=rung.name, reasons=tuple(reasons), filtered=False, clock=clock.library()
            )
        reasons.append(f'isolation "{rung.name}" is not available: {reason}')
    last = next(iter(RUNGS)) if wanted == "auto" else wanted
    raise AsamanError(
        f'isolation "{wanted}"',
        "; ".join(reasons).removeprefix(f'isolation "{wanted}" is '),
        hint=RUNGS[last].remedy,
        code=ExitCode.NOT_AVAILABLE,
        kind=Kind.ISOLATION,
    )


def _nothing_but(rung: Rung, reasons: list[str]) -> AsamanError:
    first = next(iter(RUNGS.values()))
    return AsamanError(
        "isolation",
        f"in CI, builds run without it only if that is asked for: {'; '.join(reasons)}",
        hint=f"{first.remedy.partition(';')[0]}; or pass --isolation {rung.name}",
        code=ExitCode.NOT_AVAILABLE,
    )


def _probe(rung: Rung, *, filtered: bool) -> str:
    """Run one small command on *rung*; return why that failed, or ``""``."""
    isolation = Isolation(rung=rung.name, filtered=filtered)
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    prefixes = {sys.base_prefix, sys.base_exec_prefix, str(Path(python).parents[1])}
    with files.folder() as folder:
        command = Command(
            argv=("/bin/sh", "-c", f"exit {_PROBE_ENDS}"),
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
    return done.limit or f"exit status {done.code}"
