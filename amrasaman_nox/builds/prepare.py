"""From pins to verified sdists whose static build requirements are known; nothing of them runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds.environments import fetched
from amrasaman_nox.errors import AsamanError, all_of
from amrasaman_nox.model import Event, Source
from amrasaman_nox.sources import download, index, unpack
from amrasaman_nox.sources.unpack import BuildSystem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amrasaman_nox.builds.workshop import Workshop
    from amrasaman_nox.model import Interpreter, Pin

_CHUNK: Final = 1 << 20
#: Downloads wait for the network more than for a processor.
FETCHERS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A source whose bytes are in the store and were read strictly.

    ``system`` is empty for a published wheel that is taken as it is.
    """

    source: Source
    interpreter: Interpreter
    system: BuildSystem


def prepare(shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter) -> tuple[Prepared, ...]:
    """Locate, fetch and check all *pins*.

    :raises AsamanError: for all pins together that are not to be had or are not what they should
        be (exit 2), or whose index does not answer (exit 5)
    """
    if not pins:
        return ()
    shop.notify(Event(stage="locate", state="total", count=len(pins)))
    sources = locate(shop, pins, interpreter)
    shop.notify(Event(stage="fetch", state="total", count=len(sources)))
    with ThreadPoolExecutor(FETCHERS) as pool:
        done = list(pool.map(lambda source: _checked(shop, source, interpreter), sources))
    problems = [item for item in done if isinstance(item, AsamanError)]
    if problems:
        raise all_of(problems)
    return tuple(item for item in done if isinstance(item, Prepared))


def locate(shop: Workshop, pins: Sequence[Pin], interpreter: Interpreter) -> tuple[Source, ...]:
    """Return where the bytes of *pins* are, in their order.

    :raises AsamanError: for all that are not found
    """
    local = [pin for pin in pins if pin.path is not None]
    asked = [pin for pin in pins if pin.path is None]
    times = index.upload_times(
        local, index=shop.index, python=interpreter.executable, cache=shop.index_cache
    )
    found = {
        source.pin: source
        for source in index.locate(
            asked,
            index=shop.index,
            python=interpreter.executable,
            cache=shop.index_cache,
            wheels_for=frozenset(shop.config.only_binary),
            tags=interpreter.tags,
        )
    }
    for pin in local:
        (digest,) = pin.digests
        found[pin] = Source(
            pin=pin,
            filename=Path(pin.path or "").name,
            digest=digest,
            uploaded=times.get(digest),
        )
    return tuple(found[pin] for pin in pins)


def _checked(shop: Workshop, source: Source, interpreter: Interpreter) -> Prepared | AsamanError:
    """Fetch *source* and read it strictly; return the error rather than raise it."""
    try:
        _fetch(shop, source)
        shop.notify(Event(stage="fetch", state="done", name=str(source.pin)))
        if source.taken:
            return Prepared(
                source=source, interpreter=interpreter, system=BuildSystem(requires=(), backend="")
            )
        with fetched(source.digest, source.filename, shop.store) as file:
            info = unpack.read_sdist(file, source.filename)
        unpack.check_metadata(info, source.pin)
        for note in info.notes:
            shop.say(note)
        return Prepared(source=source, interpreter=interpreter, system=unpack.build_system(info))
    except AsamanError as error:
        shop.notify(Event(stage="fetch", state="failed", name=str(source.pin)))
        if error.origin is None:
            error.origin = source.pin.origin
        return error


def _fetch(shop: Workshop, source: Source) -> None:
    if source.pin.path is None:
        download.fetch(source, store=shop.store, index=shop.index, notify=shop.say)
        return
    if shop.store.has(source.digest):
        return
    with _opened(Path(source.pin.path)) as chunks:
        shop.store.add(chunks, source.digest, name=source.filename)


class _opened:  # noqa: N801 - reads as what it does
    """The chunks of a local file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Iterator[bytes]:
        self.file = self.path.open("rb")
        return iter(lambda: self.file.read(_CHUNK), b"")

    def __exit__(self, *_: object) -> None:
        self.file.close()
