"""A published wheel that is used as is, by its pinned hash, and recorded as such."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from amrasaman_nox import records
from amrasaman_nox.files import chunks
from amrasaman_nox.model import BuildRecord
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.wheels.reader import read_wheel, wheel_value

if TYPE_CHECKING:
    from amrasaman_nox.model import Source
    from amrasaman_nox.sources.store import Store


def record_of(source: Source, store: Store) -> BuildRecord:
    """Return the record of a published wheel that is in the store; nothing of it runs.

    :raises AsamanError: it is not a wheel that can be read in one way only
    """
    with fetched(source.digest, source.filename, store) as file:
        content = read_wheel(file, source.filename, pin=source.pin, lenient=True)
        wheel = wheel_value(content)
    if not store.has(wheel.digest):
        with fetched(source.digest, source.filename, store) as file:
            store.add(chunks(file), wheel.digest)
    key = hashlib.sha256(f"taken {source.digest}".encode()).hexdigest()
    return BuildRecord(
        name=source.name,
        version=source.version,
        wheel=wheel,
        source=source,
        key=key,
        as_published=True,
        versions=records.own_versions(),
    )
