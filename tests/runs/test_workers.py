"""What takes the builds of a run, where they run on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.config.config import Config
from amrasaman_nox.runs import executors

if TYPE_CHECKING:
    import pytest


def test_local_workers_are_as_many_as_there_are_jobs() -> None:
    with executors.opened(Config(jobs=3)) as workers:
        assert workers.width == 3
        assert workers.here
        assert workers.room(0)


def test_they_build_what_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        "amrasaman_nox.builds.builder.build_wheel",
        lambda job, **facts: seen.append((job, *sorted(facts))) or "a record",
    )
    with executors.opened(Config(jobs=1)) as workers:

        class Site:
            store = "store"

            def say(self, note: str) -> None:
                raise AssertionError(note)

            def notify(self, event: object) -> None:
                raise AssertionError(event)

        found = workers.build("a job", Site(), "isolation")  # type: ignore[arg-type]
    assert found == "a record"
    assert seen == [("a job", "isolation", "notify", "store", "tell")]
