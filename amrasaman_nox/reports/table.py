"""The table at the end of a run, for a terminal or, without colour, for a pipe."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.reports import changes, facts, findings, machine, origins, stages
from amrasaman_nox.reports.wording import why_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.table import Table

    from amrasaman_nox.model import BuildFailure, Comparison, Report

#: Wide enough for any line: nothing wraps where no width is given.
_UNBOUNDED: Final = 100_000
_SHORT_DIGEST: Final = 16
#: The width from which name and version have columns of their own.
_ROOMY: Final = 120

_STYLES: Final = {
    "identical": "green",
    "equivalent": "cyan",
    "different": "bold red",
    "failed": "red",
    "unchecked": "yellow",
    "built": "green",
    "from the store": "cyan",
    "published as is": "yellow",
}


#: How a line of a tree looks, by what the file is.
_ORIGINS: Final = {"": "bold", "published": "yellow", "sdist": "green", "modified": "yellow"}


def render(
    report: Report, *, width: int | None = None, colour: bool = False, failures: bool = True
) -> str:
    """Return the report as text.

    :param width: the terminal's, in columns; ``None`` for lines of any length, as for a pipe
    :param colour: whether to write terminal colours
    :param failures: whether to name the builds that failed, with the ends of their logs
    """
    from rich.console import Console

    buffer = io.StringIO()
    # An environment of its own: COLUMNS, NO_COLOR and the like are settled by the caller.
    console = Console(
        file=buffer,
        width=width or _UNBOUNDED,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    if facts.shows_comparisons(report):
        _print_comparisons(console, report)
    if facts.shows_builds(report):
        _print_builds(console, report, report.build.failures if failures else ())
    if report.origins is not None:
        for line, what in origins.lines(report.origins):
            console.print(printable(line), style=_ORIGINS.get(what), soft_wrap=True)
    for line in (*findings.lines(report), *machine.lines(report), *changes.lines(report)):
        console.print(printable(line), soft_wrap=True)
    for line in _foot(report):
        console.print(line, soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def _print_comparisons(console: Console, report: Report) -> None:
    table = _table("name", "version", "verdict", "why")
    for name, one in facts.named(report):
        _add(table, name, one.version, str(one.verdict), why_line(one))
    if report.comparisons:
        console.print(table)
    for one in report.comparisons:
        for line in _details(one):
            console.print(line, soft_wrap=True)


def _details(comparison: Comparison) -> Iterator[str]:
    """Yield what the table has no room for: what could not be varied, and a failure's log."""
    pin = printable(f"{comparison.name} {comparison.version}")
    for text in comparison.not_varied:
        name, reason = facts.reason_not_varied(text)
        yield printable(f"{pin}: not varied: {name}" + (f" ({reason})" if reason else ""))
    if comparison.hint:
        yield printable(f"{pin}: hint: {comparison.hint}")
    yield from facts.tail(comparison.log)


def _print_builds(console: Console, report: Report, failures: Iterable[BuildFailure]) -> None:
    # The wheel's name holds both where there is no room for all.
    columns = ("name", "version") if console.width >= _ROOMY else ()
    table = _table(*columns, "wheel", "sha256", "")
    for record in report.build.records:
        state = facts.STATES[facts.state_of(record, report.build)]
        digest = record.wheel.digest.value[:_SHORT_DIGEST] + "…"
        _add(
            table,
            *(getattr(record, name) for name in columns),
            record.wheel.filename,
            digest,
            state,
        )
    if report.build.records:
        console.print(table)
    for failure in failures:
        for line in _failure(failure):
            console.print(line, soft_wrap=True)
    for pin, reason in report.build.left_out:
        console.print(printable(f"left out: {pin}: {reason}"), soft_wrap=True)


def _failure(failure: BuildFailure) -> Iterator[str]:
    where = f" ({failure.origin})" if failure.origin else ""
    pin = f"{failure.name}=={failure.version}"
    yield printable(f"failed: {pin}{where}: {failure.stage}: {failure.reason}")
    if failure.hint:
        yield printable(f"hint: {failure.hint}")
    yield from facts.tail(failure.log)
    if failure.log_path:
        yield printable(f"log: {failure.log_path}")


def _foot(report: Report) -> Iterator[str]:
    for label, text in stages.lines(report):
        yield printable(f"{label:<9} {text}")
    for note in (*report.build.notes, *report.notes):
        yield printable(f"note: {note}")
    parts = [facts.summary(report)]
    parts += (f"{label}: {text}" for label, text in facts.circumstances(report))
    yield printable("; ".join(parts))
    if path := facts.written(report):
        yield printable(f"written: {path}")


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in ("wheel", "why"))
    return table


def _add(table: Table, *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(printable(cell), style=_STYLES.get(cell, "")) for cell in cells))
