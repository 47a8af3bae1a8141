"""The formats of reports, in one table: a report is one function, one row and one field here.

The option, its help and its checks follow from the row. The function is named here and imported
when it is called, so that ``--help`` stays fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class ReportFormat(NamedTuple):
    """A format of reports.

    ``name`` is its option and the field that says where it is written. ``render`` names the
    function that makes the text, as ``MODULE:NAME``; it takes a report. ``every`` command writes
    it, or those that build and verify. ``stdout`` tells whether it can be written to ``-``.
    """

    name: str
    render: str
    help: str
    every: bool = False
    stdout: bool = False


FORMATS: Final[tuple[ReportFormat, ...]] = (
    ReportFormat(
        name="json",
        render="reports.json:render",
        help="Write the result as JSON; - writes it to stdout alone.",
        every=True,
        stdout=True,
    ),
    ReportFormat(
        name="markdown",
        render="reports.markdown:render",
        help="Write the result as Markdown.",
    ),
    ReportFormat(
        name="html", render="reports.html:render", help="Write the result as one HTML page."
    ),
)

#: The names of the formats that go to a file, and of those that can go to stdout as well.
TO_FILE: Final = tuple(each.name for each in FORMATS if not each.stdout)
TO_STDOUT: Final = tuple(each.name for each in FORMATS if each.stdout)


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Where each report is written: a file, or ``-`` for stdout where its format allows that."""

    # Of several base classes, only one could have slots; the configuration has them.
    __slots__ = ()

    json: str | None = None
    markdown: Path | None = None
    html: Path | None = None
