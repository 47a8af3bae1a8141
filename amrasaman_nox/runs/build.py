"""The main job: pins in, wheels with records and a build lock out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.build_lock.bootstrap import BootstrapLock, bootstrap_lock_of, read_bootstrap_lock
from amrasaman_nox.config.config import SOURCE
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.runs.lock import current_lock
from amrasaman_nox.runs.outcome import with_settings
from amrasaman_nox.runs.pins import build_pins, for_each_interpreter
from amrasaman_nox.runs.run import run_command
from amrasaman_nox.runs.sourced import build_from_source, names_of

if TYPE_CHECKING:
    from amrasaman_nox.agreement.envelopes import Seal
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildOutcome, Notify, Report, Requirements
    from amrasaman_nox.runs.run import Run


def build_wheels(
    config: Config, *, notify: Notify, requirements: Requirements | None = None
) -> Report:
    """Build what is pinned into the output folder, with a record each and a build lock.

    :param requirements: what is built in the place of the configured input
    :raises AsamanError: bad input (exit 2), isolation or an interpreter that is not available
        (exit 4), or a fault of the disk or the network (exit 5). A build that fails is not an
        error: the report has it.
    """
    seal = _seal(config)
    report = run_command(config, notify, "reproducible_wheels", built, requirements)
    return report if seal is None else _signed(report, seal, config)


def _seal(config: Config) -> Seal | None:
    """Return what will sign the records: its faults are told before a build."""
    if config.key is None and not config.identity:
        return None
    from amrasaman_nox.agreement.seals import configured

    return configured(config)


def _signed(report: Report, seal: Seal, config: Config) -> Report:
    from amrasaman_nox.agreement.signing import sign_wheels

    wheels = [config.output / record.wheel.filename for record in report.build.records]
    notes = sign_wheels(wheels, seal) if wheels else ()
    return dataclasses.replace(report, notes=(*report.notes, *notes))


def built(run: Run, requirements: Requirements) -> BuildOutcome:
    """Build what *requirements* pins, with the lock and for the interpreters of the run.

    :raises AsamanError: the lock cannot be read or used (exit 2), or a fault of the disk or the
        network (exit 5)
    """
    if run.config.build_requirements == SOURCE:
        return _build_from_source(run, requirements)
    lock = current_lock(run.config, requirements)
    outcome = for_each_interpreter(run, requirements, lock, build_pins)
    return with_settings(outcome, run.config, names_of(requirements, BootstrapLock()))


def _build_from_source(run: Run, requirements: Requirements) -> BuildOutcome:
    """Build with build requirements that are built from source, as the bootstrap lock has them."""
    path = bootstrap_lock_of(run.config)
    if not path.exists():
        raise AsamanError(
            f"bootstrap lock {path}",
            "no such file",
            hint="write it with: asaman bootstrap",
        )
    lock = read_bootstrap_lock(path)
    outcome = for_each_interpreter(run, requirements, lock, build_from_source)
    return with_settings(outcome, run.config, names_of(requirements, lock))
