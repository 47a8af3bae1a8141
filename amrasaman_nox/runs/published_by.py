"""Who published the source of a pin, where the user asks for it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox import records
from amrasaman_nox.agreement.publishers import publisher_of
from amrasaman_nox.sources.attestations import provenance_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import BuildRecord, Prepared, Publisher
    from amrasaman_nox.runs.run import Run


def publisher(run: Run, prepared: Prepared) -> Publisher | None:
    """Return who published the file of *prepared*, ``None`` where its index has no attestation.

    :raises AsamanError: the index cannot be asked (exit 5), or what it has is not true (exit 4)
    """
    source = prepared.source
    content = provenance_of(source, run.site, prepared.interpreter.executable)
    return None if content is None else publisher_of(content, source.filename, source.digest)


def with_publisher(run: Run, record: BuildRecord, attested: Publisher | None) -> BuildRecord:
    """Return *record* with who published its source; the store keeps it so, too."""
    record = dataclasses.replace(record, publisher=attested)
    run.site.store.put_value("records", record.key, records.render(record).encode())
    return record


def notes(found: Iterable[BuildRecord], *, asked: bool) -> Iterator[str]:
    """Yield a line for each source whose publisher is known and, if that was *asked*, is not."""
    for record in found:
        pin = f"{record.name}=={record.version}"
        if record.publisher is not None:
            yield f"{pin}: {record.source.filename} was published by {record.publisher}"
        elif asked:
            yield f"{pin}: no attestation says who published {record.source.filename}"
