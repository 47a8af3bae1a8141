"""What reaching bytes takes, as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.model import Event, IndexOptions
from amrasaman_nox.sources.site import Site

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store


def test_a_note_is_an_event_that_is_printed(store: Store) -> None:
    events: list[Event] = []
    Site(store=store, index=IndexOptions(), notify=events.append).say("one line")
    assert events == [Event(stage="note", state="note", note="one line")]
    Site(store=store, index=IndexOptions()).say("nobody listens")


def test_the_index_client_has_a_cache_in_the_store(store: Store) -> None:
    assert Site(store=store, index=IndexOptions()).index_cache.parent == store.root
