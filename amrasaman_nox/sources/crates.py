"""Fetching the crates of Rust sources into the store; each is checked against its hash."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Event, ResolvedFile
from amrasaman_nox.sources import access, cargo, download
from amrasaman_nox.sources.connections import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amrasaman_nox.model import Crate, Digest, IndexOptions
    from amrasaman_nox.sources.cargo import Registry
    from amrasaman_nox.sources.site import Site

#: Crates are small, and there are hundreds of them.
_FETCHERS: Final = 8
_MARKERS: Final = ("{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}")
_LARGEST_CONFIG: Final = 64 << 10


def fetch_crates(
    crates: Sequence[Crate],
    site: Site,
    *,
    place: str,
    default: Callable[[], Registry],
    patience: Patience = Patience(),
) -> None:
    """Bring *crates* into the store; those that it has are not asked for.

    :param place: the URL of a sparse index, or a folder of ``.crate`` files; ``""`` for *default*
    :param default: asks for the registry of the user's cargo; called only if it is needed
    :raises AsamanError: a crate is not what the lock names, or comes from a registry that is not
        known (exit 2); or it cannot be fetched (exit 5)
    """
    missing = [crate for crate in crates if not site.store.has(crate.digest)]
    if not missing:
        return
    if site.index.offline and not (place and not access.is_url(place)):
        raise AsamanError(
            f"crate {missing[0]}",
            "not cached, and --offline forbids network access",
            hint="run once without --offline",
            code=ExitCode.INPUT_OUTPUT,
        )
    if place and not access.is_url(place):
        # Files of this machine are only taken from where the user named a place on it.
        site = dataclasses.replace(site, index=dataclasses.replace(site.index, find_links=(place,)))
    locate = _locator(missing, place, default, site.index)
    files = [
        ResolvedFile(filename=crate.filename, digest=crate.digest, url=locate(crate))
        for crate in missing
    ]
    told = _Told(site, len(files))
    try:
        download.fetch_all(files, site, jobs=_FETCHERS, each=told.done, patience=patience)
    finally:
        told.end()


class _Told:
    """Tells displays of crates that come into the store of *site*, of *left* in all."""

    def __init__(self, site: Site, left: int) -> None:
        self._site = site
        self._left = left
        self._lock = threading.Lock()
        site.notify(Event(stage="crates", state="total", count=left))

    def done(self, filename: str, digest: Digest) -> None:
        with self._lock:
            self._left -= 1
        size = self._site.store.path(digest).stat().st_size
        self._site.notify(Event(stage="crates", state="done", name=filename, size=size))

    def end(self) -> None:
        """Take back those that did not come: their source fails, and says why."""
        if self._left:
            self._site.notify(Event(stage="crates", state="total", count=-self._left))


def _locator(
    crates: Sequence[Crate],
    place: str,
    default: Callable[[], Registry],
    index: IndexOptions,
) -> Callable[[Crate], str]:
    """Return what says where a crate is."""
    if place and not access.is_url(place):
        folder = Path(place).absolute()
        return lambda crate: (folder / crate.filename).as_uri()
    if place:
        config = f"{place.removeprefix('sparse+').rstrip('/')}/config.json"
        content = download.page(config, index, accept="application/json", largest=_LARGEST_CONFIG)
        registry = cargo.read_config(content, config)
    else:
        registry = default()
        _check_registries(crates, registry.source)
    if registry.private:
        raise _private(crates[0], place or registry.source)
    return lambda crate: crate_url(registry.download, crate)


def _private(crate: Crate, registry: str) -> AsamanError:
    named = access.without_credentials(registry) if registry else "the registry of cargo"
    return AsamanError(
        f"crate {crate}",
        f"{named} requires a token for downloads, which is not supported",
        hint="set a mirror, or a directory of .crate files, with --crate-index",
    )


def _check_registries(crates: Sequence[Crate], known: str) -> None:
    """Refuse crates of another registry than *known*: which host has them, nobody said."""
    for crate in crates:
        if known and crate.registry not in ("", known):
            raise AsamanError(
                f"crate {crate}",
                f"comes from another registry: {access.without_credentials(crate.registry)}",
                hint="set a mirror that has it with --crate-index",
            )


def crate_url(template: str, crate: Crate) -> str:
    """Return where a crate is, by the ``dl`` of its registry ("Index Configuration")."""
    if not any(marker in template for marker in _MARKERS):
        return f"{template}/{crate.name}/{crate.version}/download"
    prefix = prefix_of(crate.name)
    values = (crate.name, crate.version, prefix, prefix.lower(), crate.digest.value)
    for marker, value in zip(_MARKERS, values, strict=True):
        template = template.replace(marker, value)
    return template


def prefix_of(name: str) -> str:
    """Return the folders of a crate in an index, by its name ("Index Files")."""
    if len(name) <= 3:
        return f"{len(name)}/{name[0]}" if len(name) == 3 else str(len(name))
    return f"{name[:2]}/{name[2:4]}"
