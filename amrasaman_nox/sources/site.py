"""What reaching bytes takes: the store, the index, and the connections to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox.model import Event, Notify

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import IndexOptions
    from amrasaman_nox.sources.connections import Connections
    from amrasaman_nox.sources.store import Store


def _no_one(_: Event) -> None:
    """Ignore an event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where bytes are kept and where they come from.

    ``notify`` receives an event for every step. ``connections`` are those of a whole run; without
    them each call opens its own.
    """

    store: Store
    index: IndexOptions
    notify: Notify = _no_one
    connections: Connections | None = None

    @property
    def index_cache(self) -> Path:
        """The folder of the index client's own cache."""
        return self.store.root / "uv"

    def say(self, note: str) -> None:
        """Report *note*, one line worth printing."""
        self.notify(Event(stage="note", state="note", note=note))
