"""The ladder of isolation: the highest rung that works is chosen by trying it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from amrasaman_nox import files
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, printable
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox.process import run
from amrasaman_nox.sandbox.rungs import RUNGS
from amrasaman_nox.sandbox.view import Command, Isolation

_PROBE_ENDS: Final = 42
_PROBE_SECONDS: Final = 20.0
_MISSING: Final = {
    "full": "install bubblewrap 0.8 or newer (Debian, Fedora: package bubblewrap), and let users "
    "make user namespaces; or allow less isolation",
    "namespaces": "install util-linux 2.36 or newer (package util-linux), and let users make user "
    "namespaces; or allow less isolation",
    "none": "install coreutils",
}


def choose(wanted: str) -> Isolation:
    """Return the highest rung that works, each tried by running it.

    :param wanted: ``auto``, or the rung that must be had
    :raises AsamanError: the rung does not work here (exit 4)
    """
    reasons: list[str] = []
    for rung in RUNGS:
        if wanted not in ("auto", rung):
            continue
        reason = _probe(rung)
        if not reason:
            return Isolation(rung=rung, reasons=tuple(reasons))
        reasons.append(f"{rung}: {reason}")
    raise AsamanError(
        f"isolation {wanted}",
        f"not available: {'; '.join(reasons)}",
        hint=_MISSING.get(wanted, _MISSING["full"]),
        code=ExitCode.NOT_AVAILABLE,
        kind=Kind.ISOLATION,
    )


def _probe(rung: str) -> str:
    """Run one small command on *rung*; return why that failed, or ``""``."""
    isolation = Isolation(rung=rung)
    with files.folder() as folder:
        command = Command(
            argv=("/bin/sh", "-c", f"exit {_PROBE_ENDS}"),
            directory="/" if isolation.constant_paths else folder,
            variables={"PATH": "/usr/bin:/bin"},
            folders=(),
            environment=BuildEnvironment(),
            limits=replace(Limits(), time=_PROBE_SECONDS),
            log=Path(folder) / "log",
        )
        try:
            done = run(command, isolation)
        except AsamanError as error:
            return printable(error.why if error.kind is Kind.ISOLATION else str(error))
    if done.code == _PROBE_ENDS:
        return ""
    return done.limit or f"exit status {done.code}"
