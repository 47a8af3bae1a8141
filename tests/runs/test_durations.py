"""How long builds took, and how long they will take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from amrasaman_nox.environments.interpreters import inspect
from amrasaman_nox.model import BuildRecord, BuildSystem, Digest, Pin, Prepared, Source, Wheel
from amrasaman_nox.runs.durations import estimator, remember

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store


DIGEST = Digest.of(b"")
STARTED = datetime(2024, 1, 1, tzinfo=UTC)


def source(name: str, size: int | None) -> Source:
    pin = Pin(name=name, version="1")
    return Source(pin=pin, filename=f"{name}-1.tar.gz", digest=DIGEST, size=size)


def prepared(name: str, size: int | None, *, native: bool = False) -> Prepared:
    return Prepared(
        source=source(name, size),
        interpreter=inspect(),
        system=BuildSystem(requires=(), backend=""),
        native=native,
    )


def test_estimates_follow_from_the_last_build_and_else_from_the_size(store: Store) -> None:
    sources = [
        prepared("a", 4_000_000),
        prepared("b", None),
        prepared("c", 400_000),
        prepared("d", None, native=True),
        prepared("e", 400_000, native=True),
    ]
    assert list(map(estimator(store), sources)) == [1.5, 0.5, 0.6, 10.0, 11.0]
    wheel = Wheel(filename="b.whl", digest=DIGEST, content_digest=DIGEST, size=1)
    record = BuildRecord(
        name="b",
        version="1",
        wheel=wheel,
        source=sources[1].source,
        key="k",
        started=STARTED,
        finished=STARTED + timedelta(seconds=42.123),
    )
    remember([record, replace(record, name="a", started=None)], store)
    assert list(map(estimator(store), sources)) == [1.5, 42.12, 0.6, 10.0, 11.0]
    remember([], store)
    assert list(map(estimator(store), sources[1:2])) == [42.12]
