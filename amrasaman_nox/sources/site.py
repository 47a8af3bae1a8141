"""What it takes to get bytes: the store, the index and the connections to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox.model import Event, Notify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.config.packages import Package
    from amrasaman_nox.model import IndexOptions, RustToolchain
    from amrasaman_nox.sources.connections import Connections
    from amrasaman_nox.sources.store import Store


def _no_one(_: Event) -> None:
    """Ignore an event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RustSite:
    """What Rust sources are built with, and where their crates come from.

    ``toolchain`` finds the installed toolchain for a source, by the channel that this names itself
    or ``""``, when it is first needed. ``crate_index`` is the URL
    of a sparse index or a folder of ``.crate`` files, ``""`` for where the user's cargo takes them;
    ``variables`` are the user's, which that cargo reads.
    """

    toolchain: Callable[[str], RustToolchain]
    crate_index: str = ""
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where bytes are kept and where they come from.

    ``notify`` receives an event for every step. ``connections`` are those of a whole run; without
    them each call opens its own. ``rust`` is where Rust sources get theirs from. ``packages`` is
    what the user set for single projects.
    """

    store: Store
    index: IndexOptions
    notify: Notify = _no_one
    connections: Connections | None = None
    rust: RustSite | None = None
    packages: tuple[Package, ...] = ()

    @property
    def index_cache(self) -> Path:
        """The folder of the index client's own cache."""
        return self.store.root / "uv"

    def say(self, note: str) -> None:
        """Report *note*, one line worth printing."""
        self.notify(Event(stage="note", state="note", note=note))
