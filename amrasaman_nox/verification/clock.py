"""The library that varies the clock, compiled on this machine where no package brings it."""

from __future__ import annotations

import dataclasses
import zipfile
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.variables import default_cache
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Event
from amrasaman_nox.runs import build
from amrasaman_nox.sandbox import clock
from amrasaman_nox.sources.store import Store

if TYPE_CHECKING:
    from amrasaman_nox.model import Notify

#: How long another run that compiles it is waited for, in seconds.
_PATIENCE: Final = 600.0
#: What of a run's configuration holds for the library's build as well.
_KEPT: Final = (
    *("index_url", "extra_index_url", "find_links", "trusted_host", "environment"),
    *("isolation", "cache_dir"),
)


def provide(config: Config, notify: Notify) -> None:
    """Compile libfaketime into the store, where neither a package nor the store has it.

    It is built as any other pin: by its hash, in the sandbox. If that fails there is none, or
    the distribution's.

    :raises AsamanError: the cache cannot be used (exit 4 or 5)
    """
    store = Store.open(config.cache_dir or default_cache())
    if clock.library(store.root, of_system=False) or config.offline or config.no_index:
        return
    _say(notify, "libfaketime varies the clock: compiling it")
    try:
        why = _compile(config, store)
    except (AsamanError, OSError, KeyError, zipfile.BadZipFile) as error:
        why = str(error)
    if why:
        _say(notify, f"libfaketime is not compiled: {why}")


def _say(notify: Notify, note: str) -> None:
    notify(Event(stage="note", state="note", note=note))


def _compile(config: Config, store: Store) -> str:
    """Build the pinned sdist, and put its library into the store; return why not, or ``""``."""
    there = clock.compiled(store.root)
    with store.lock("clock", timeout=_PATIENCE), store.temporary("clock-") as folder:
        if there.is_file():
            return ""
        pinned, made = folder / "requirements.txt", folder / "library"
        pinned.write_text(f"{clock.PIN}\n")
        values = {name: getattr(config, name) for name in _KEPT}
        own = dataclasses.replace(
            Config(requirement=pinned, output=folder / "wheels", python=config.python[:1], jobs=1),
            **values,
        )
        done = build.build_wheels(own, notify=lambda event: None).build
        for record in done.records:
            with zipfile.ZipFile(own.output / record.wheel.filename) as wheel:
                made.write_bytes(wheel.read(clock.IN_WHEEL))
            made.chmod(0o444)
            there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.replace(there)
        return "; ".join(failure.reason for failure in done.failures)
