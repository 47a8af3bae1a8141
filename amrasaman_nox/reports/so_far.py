"""The reports of an interrupted run: they show what was finished."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.commands import VERDICTS, by_session
from amrasaman_nox.model import (
    BuildFailure,
    BuildOutcome,
    BuildRecord,
    Comparison,
    Report,
    Verdict,
)
from amrasaman_nox.reports.console import print_report, write_reports

if TYPE_CHECKING:
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Event, Result
    from amrasaman_nox.reports.stream import Stream

_INTERRUPTED: Final = "the run was interrupted: what is not listed was not finished"


@dataclass(slots=True)
class SoFar:
    """Collects what a run tells of, until it is interrupted; how it ends then says nothing."""

    command: str
    config: Config
    _seen: dict[tuple[str, ...], Result] = field(default_factory=dict)
    _closed: bool = False
    _printed: bool = False
    _printing: threading.Lock = field(default_factory=threading.Lock)

    def take(self, event: Event) -> bool:
        """Keep the results of *event*; return whether it is from before the interrupt."""
        if not self._closed:
            self._seen.update((_subject(one), one) for one in event.results)
        return not self._closed

    def close(self) -> None:
        """Take no more: builds that are ended now fail only for that."""
        self._closed = True

    def report(self) -> Report:
        """Return the report of what is known."""
        seen = tuple(self._seen.values())
        records = tuple(one for one in seen if isinstance(one, BuildRecord))
        compares = by_session(self.command).result == VERDICTS
        return Report(
            command=self.command,
            build=BuildOutcome(
                records=() if compares else records,
                failures=tuple(one for one in seen if isinstance(one, BuildFailure)),
            ),
            comparisons=tuple(one for one in seen if isinstance(one, Comparison)),
            output=str(self.config.output),
            allowed=Verdict(self.config.allow),
            warnings=(_INTERRUPTED,),
        )

    def print(self, stdout: Stream, stderr: Stream) -> None:
        """Write the reports that are asked for and print what is known, if that is anything.

        Once, from whatever thread comes first; others wait for it.

        :raises AsamanError: a report cannot be written
        """
        with self._printing:
            if self._printed:
                return
            self._printed = True
            report = self.report()
            if self._seen:
                print_report(report, self.config, stdout, stderr)
            else:
                write_reports(report, self.config, stdout)


def _subject(result: Result) -> tuple[str, ...]:
    """Return what tells apart the results of a run: the last one of a wheel is kept."""
    file = result.wheel if isinstance(result, Comparison) else ""
    if isinstance(result, BuildRecord):
        file = result.wheel.filename
    return (type(result).__name__, result.name, result.version, file)
