"""What of a project was verified, put where it is uploaded from: its sdist and its wheels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import copy_in_place
from amrasaman_nox.model import BuildFailure, Pin
from amrasaman_nox.verification.acceptance import exit_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Comparison, Report


def fill(config: Config, report: Report) -> tuple[BuildFailure, ...]:
    """Copy what *report* verified from the output folder to ``dist``, if that is asked for.

    :return: why that is not ready for an upload: it has other files
    :raises AsamanError: it cannot be written (exit 5)
    """
    if config.dist is None or config.project is None or exit_code(report) is not ExitCode.DONE:
        return ()
    names = {one.wheel for one in report.comparisons}
    try:
        config.dist.mkdir(parents=True, exist_ok=True)
        for name in sorted(names):
            with (config.output / name).open("rb") as file:
                copy_in_place(file, config.dist / name, None)
        others = sorted({path.name for path in config.dist.iterdir()} - names)
    except OSError as error:
        why = system_reason(error)
        raise AsamanError(str(config.dist), why, code=ExitCode.INPUT_OUTPUT) from None
    return tuple(_others(config.dist, others, report.comparisons))


def _others(
    dist: Path, others: Sequence[str], comparisons: Sequence[Comparison]
) -> Iterator[BuildFailure]:
    if others:
        yield BuildFailure.of(
            Pin(name=comparisons[0].name, version=comparisons[0].version),
            stage="publish",
            reason=f"{dist} has other files, such as {others[0]}",
            hint="remove what is not to be uploaded",
            code=ExitCode.BAD_INPUT,
        )
