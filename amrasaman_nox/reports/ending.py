"""The last lines on a terminal: how long it took, what was written, and where to go on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from amrasaman_nox.config.reports import FORMATS
from amrasaman_nox.reports.progress import duration
from amrasaman_nox.verification.acceptance import is_accepted
from amrasaman_nox.verification.explain import explanation_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Report


def lines(report: Report, config: Config, *, seconds: float, folder: Path) -> Iterator[str]:
    """Yield what a person does next; the last line has the total time.

    :param folder: the current one; paths below it are shown from there
    """
    causes = dict.fromkeys(
        explanation_of(cause) for one in report.comparisons for cause in one.causes[:1]
    )
    for row in causes:
        site = f"{report.documents.rstrip('/')}/" if report.documents else "docs/"
        page = row.page.removesuffix(".md") + ".html" if report.documents else row.page
        yield f"{row.title}: {site}{page}"
    for one in report.comparisons:
        if one.kept and not is_accepted(one, report.allowed):
            yield f"both files of {one.name} {one.version}: {_from(folder, one.kept)}"
    places = [str(getattr(config, each.name) or "-") for each in FORMATS]
    written = ", ".join(_from(folder, place) for place in places if place != "-")
    yield f"took {duration(round(seconds))}" + (f"; written: {written}" if written else "")


def _from(folder: Path, path: str) -> str:
    short = os.path.relpath(path, folder)
    return path if short.startswith(os.pardir) else short
