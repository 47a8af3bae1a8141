"""Both files of a difference, kept below the output folder for a person to look at."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.errors import AsamanError, ExitCode, printable, system_reason
from amrasaman_nox.model import Verdict
from amrasaman_nox.verification import diffoscope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Comparison

#: Below the output folder: the files of each difference, by name and version.
DIFFERENT: Final = "different"
#: Behind the name of the file: what diffoscope says.
DESCRIBED: Final = ".diffoscope.txt"


def keep(
    comparison: Comparison, sides: Mapping[str, Callable[[], BinaryIO]], config: Config
) -> Comparison:
    """Keep both files of a difference; those of an earlier run are removed, whatever the verdict.

    With ``config.diffoscope`` its report is put beside them.

    :param sides: what opens the two files, by the names of the folders to put them in
    :return: the comparison, with the folder where both are
    :raises AsamanError: a file cannot be read or written (exit 5)
    """
    name = comparison.wheel
    release = config.output / DIFFERENT / f"{comparison.name}-{comparison.version}"
    folder = release / ("wheel" if name.endswith(".whl") else "sdist")
    try:
        for path in (*(folder / side / name for side in sides), folder / f"{name}{DESCRIBED}"):
            path.unlink(missing_ok=True)
        if comparison.verdict is not Verdict.DIFFERENT:
            _prune(release)
            return comparison
        for side, opened in sides.items():
            target = folder / side / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened() as file, target.open("xb") as copy:
                shutil.copyfileobj(file, copy)
        comparison = dataclasses.replace(comparison, kept=str(folder))
        return _described(comparison, folder, list(sides)) if config.diffoscope else comparison
    except OSError as error:
        raise AsamanError(str(folder), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None


def _described(comparison: Comparison, folder: Path, sides: list[str]) -> Comparison:
    name = comparison.wheel
    first, second = (f"{side}/{name}" for side in sides)
    try:
        text = diffoscope.describe(folder, first, second) or "no difference\n"
    except AsamanError as error:
        # The verdict does not need it.
        told = "; ".join(filter(None, (comparison.reason, str(error))))
        return dataclasses.replace(comparison, reason=told)
    lines = [printable(line.expandtabs(4)) for line in text.split("\n")]
    (folder / f"{name}{DESCRIBED}").write_text("\n".join(lines), encoding="utf-8")
    return comparison


def _prune(folder: Path) -> None:
    """Remove folders that are empty by now, inside out."""
    for path in (*sorted(folder.rglob("*"), reverse=True), folder, folder.parent):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
