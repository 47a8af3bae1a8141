"""One run of a command: input read, tools opened, work done, reported."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.builds import shard
from amrasaman_nox.inputs import readers
from amrasaman_nox.model import BuildOutcome, Report
from amrasaman_nox.runs import workshop
from amrasaman_nox.runs.project import read_project
from amrasaman_nox.sources.access import with_file_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Requirements
    from amrasaman_nox.runs.workshop import Notify, Workshop


def run_command(
    config: Config,
    notify: Notify,
    command: str,
    act: Callable[[Workshop, Requirements], BuildOutcome],
) -> Report:
    """Read the input, open what the run works with, let *act* do the work, and return the report.

    :raises AsamanError: bad input (exit 2), isolation or an interpreter is not available (exit 4),
        or a fault of the disk or the network (exit 5)
    """
    requirements = readers.read_input(config)
    folder = readers.project_of(config) if requirements is None else Path()
    with workshop.opened(config, notify) as shop:
        if requirements is None:
            requirements = read_project(shop, folder)
        shop = dataclasses.replace(shop, index=with_file_options(shop.index, requirements.index))
        requirements = shard.part(requirements, config.shard)
        for note in requirements.notes:
            shop.say(note)
        outcome = act(shop, requirements)
    return Report(
        command=command,
        build=outcome,
        isolation=shop.isolation.rung,
        output=str(config.output),
        notes=shop.isolation.reasons,
        warnings=shop.warnings,
    )
