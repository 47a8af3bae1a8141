"""The results of a run, source by source."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.config.packages import names_in
from amrasaman_nox.model import BuildFailure, BuildOutcome, BuildRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import LockEntry, Pin


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What became of one source."""

    entry: LockEntry | None = None
    record: BuildRecord | None = None
    failure: BuildFailure | None = None
    kept: bool = False
    note: str = ""


def joined(
    total: BuildOutcome, outcome: BuildOutcome, left_out: tuple[tuple[Pin, str], ...]
) -> BuildOutcome:
    """Return *total* with *outcome* and the pins that were left out added."""
    return BuildOutcome(
        records=(*total.records, *outcome.records),
        failures=(*total.failures, *outcome.failures),
        kept=total.kept | outcome.kept,
        left_out=(*total.left_out, *left_out),
        notes=(*total.notes, *outcome.notes),
        bootstraps=(*total.bootstraps, *outcome.bootstraps),
    )


def with_settings(outcome: BuildOutcome, config: Config, names: Collection[str]) -> BuildOutcome:
    """Return *outcome* with a note for each source that was changed.

    A setting of a project that is none of *names*, or of another version, is named as well.
    """
    modified = (
        f"{record.name}=={record.version}: {record.source.modified}"
        for record in outcome.records
        if record.source.modified is not None
    )
    settings = (config.config_settings, config.variables)
    wanted = (*names_in(*settings), *(each.name for each in config.packages))
    notes = (
        f"the settings of {name} match nothing that is built"
        for name in dict.fromkeys((*wanted, *_of_other_versions(outcome, config)))
        if name not in names
    )
    return dataclasses.replace(outcome, notes=(*outcome.notes, *modified, *notes))


def _of_other_versions(outcome: BuildOutcome, config: Config) -> Iterator[str]:
    """Yield the settings, as they are written, of versions that were not built."""
    releases = [(one.name, one.version) for one in outcome.records]
    releases += [(one.name, one.version) for one in outcome.failures]
    for each in config.packages:
        versions = [release for release in releases if release[0] == each.name]
        if versions and not any(each.applies(*release) for release in versions):
            yield f"{each.name}{each.specifier}"


def done_records(done: Sequence[Done]) -> tuple[BuildRecord, ...]:
    """Return the records among *done*, in order."""
    return tuple(item.record for item in done if item.record is not None)
