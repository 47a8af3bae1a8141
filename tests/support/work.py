"""Stands in for the work: what it was asked is written down, and the input says what comes of it.

The first line of the requirements file decides: ``fail``, ``refuse``, ``break``, ``disk`` …; see
``OUTCOMES``. Everything else is built.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
import types
from dataclasses import fields
from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import (
    BuildFailure,
    BuildOutcome,
    BuildRecord,
    Comparison,
    Digest,
    Event,
    Pin,
    Report,
    Source,
    Verdict,
    Wheel,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.config.config import Config

_DIGEST = Digest.of(b"")
_WHEEL = Wheel(
    filename="six-1.17.0-py3-none-any.whl", digest=_DIGEST, content_digest=_DIGEST, size=1
)
_RECORD = BuildRecord(
    name="six",
    version="1.17.0",
    wheel=_WHEEL,
    source=Source(
        pin=Pin(name="six", version="1.17.0"), filename="six-1.17.0.tar.gz", digest=_DIGEST
    ),
    key="k",
)
BUILT = BuildOutcome(records=(_RECORD,))
_FAILURE = BuildFailure(
    name="lxml",
    version="5.2.1",
    stage="build",
    reason="the hook ended with 1",
    hint="install libxml2",
    log="first\n::set-output name=x::y\nlast \x1b[31mred",
)


def comparison(verdict: Verdict) -> Comparison:
    """A comparison with this verdict."""
    return Comparison(name="six", version="1.17.0", wheel=_WHEEL.filename, verdict=verdict)


def _refuse() -> BuildOutcome:
    raise AsamanError("six", "not hashed", hint="hash it")


def _break() -> BuildOutcome:
    raise RuntimeError("a wheel came off\x1b[31m")


def _disk() -> BuildOutcome:
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/store")


def _interrupt() -> BuildOutcome:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)
    raise AssertionError("SIGTERM did nothing")


OUTCOMES: dict[str, Callable[[], BuildOutcome]] = {
    "fail": lambda: BuildOutcome(records=(_RECORD,), failures=(_FAILURE,)),
    "unavailable": lambda: BuildOutcome(
        failures=(
            BuildFailure(name="a", version="1", stage="x", reason="y", code=ExitCode.NOT_AVAILABLE),
        )
    ),
    "refuse": _refuse,
    "break": _break,
    "disk": _disk,
    "terminate": _interrupt,
    "notes": lambda: BuildOutcome(
        records=(_RECORD,),
        notes=("a note",),
        left_out=((Pin(name="colorama", version="1"), "it is for another platform"),),
    ),
}


def _first_line(path: Path | None) -> str:
    return path.read_text().partition("\n")[0] if path is not None and path.exists() else ""


def asked(folder: Path) -> dict[str, object]:
    """Return what the work was asked, by the folder that it was to write to."""
    found: dict[str, object] = json.loads((folder / "asked.json").read_text())
    return found


def _write_down(command: str, config: Config) -> None:
    config.output.mkdir(parents=True, exist_ok=True)
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    del values["expandable"]
    content = json.dumps({"command": command, **values}, default=str)
    (config.output / "asked.json").write_text(content)


def _work(command: str, config: Config, notify: Callable[[Event], None]) -> Report:
    _write_down(command, config)
    notify(Event(stage="build", state="total", count=1))
    notify(Event(stage="build", state="start", name="six==1.17.0"))
    outcome = OUTCOMES.get(_first_line(config.requirement), lambda: BUILT)()
    notify(Event(stage="build", state="done", name="six==1.17.0"))
    return Report(command=command, build=outcome, isolation="full", output=str(config.output))


def build_wheels(config: Config, *, notify: Callable[[Event], None]) -> Report:
    return _work("reproducible_wheels", config, notify)


def lock_build_requirements(config: Config, *, notify: Callable[[Event], None]) -> Report:
    return _work("lock_build_requirements", config, notify)


def verify(config: Config, *, notify: Callable[[Event], None]) -> Report:
    _write_down("verify", config)
    verdict = Verdict(_first_line(config.requirement) or "identical")
    return Report(
        command="verify", comparisons=(comparison(verdict),), allowed=Verdict(config.allow)
    )


def write_verified(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    _write_down("verified_requirements", config)
    if _first_line(config.requirement) == "refuse":
        _refuse()
    return Report(command="verified_requirements", build=BUILT, output=str(config.verified))


def check(config: Config, *, notify: Callable[[Event], None]) -> Report:
    return Report(command="release_check")


def install(put: Callable[[object, str, object], None] = setattr) -> None:
    """Put the stand-ins where the work is.

    :param put: how, ``setattr`` or a test's ``monkeypatch.setattr``
    """
    from amrasaman_nox import verification
    from amrasaman_nox.outputs import verified
    from amrasaman_nox.releases import check as checking
    from amrasaman_nox.runs import build, lock

    name = "amrasaman_nox.verification.verify"
    module = sys.modules.get(name)
    if module is None:
        # A stand-in for a module as well, for as long as nobody has imported the real one.
        module = types.ModuleType(name)
        sys.modules[name] = module
        verification.verify = module  # type: ignore[attr-defined]
        module.verify = verify  # type: ignore[attr-defined]
    put(module, "verify", verify)
    put(build, "build_wheels", build_wheels)
    put(lock, "lock_build_requirements", lock_build_requirements)
    put(checking, "check", check)
    put(verified, "write_verified", write_verified)
