"""The locale that a rebuild is varied to, compiled once where none is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import tools
from amrasaman_nox.model import Event
from amrasaman_nox.sandbox import locales
from amrasaman_nox.verification import variations

if TYPE_CHECKING:
    from amrasaman_nox.model import Notify
    from amrasaman_nox.sources.store import Store

#: How long another run that compiles it is waited for, in seconds.
_PATIENCE: Final = 180.0


def provide(store: Store, notify: Notify) -> None:
    """Compile a locale into *store*, unless one is installed or it has one.

    Without ``localedef`` there is none.

    :raises AsamanError: the store cannot be written, or another run takes too long (exit 5)
    """
    if variations.installed_locales(tools.locales()) or locales.compiled(store.root):
        return
    with store.lock("locales", timeout=_PATIENCE), store.temporary("locales-") as folder:
        if locales.compiled(store.root):
            return
        made = folder / "locales"
        made.mkdir(mode=0o755)
        made.chmod(0o755)
        why = locales.compile_into(made)
        if not why:
            made.replace(locales.folder_in(store.root))
            why = f"{locales.NAME} is compiled"
    note = f"only C locales are installed, to vary the locale: {why}"
    notify(Event(stage="note", state="note", note=note))
