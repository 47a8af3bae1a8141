"""From pins to verified sdists whose static build requirements are known; nothing of them runs."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.specifiers import SpecifierSet

from amrasaman_nox.config.packages import applying, replaced
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, all_of
from amrasaman_nox.files import chunks
from amrasaman_nox.model import (
    BuildFailure,
    BuildLock,
    BuildSystem,
    Digest,
    Event,
    Prepared,
    Source,
    utc,
)
from amrasaman_nox.sdists import reader
from amrasaman_nox.sdists.build_system import build_system, check_requires
from amrasaman_nox.sdists.reader import SdistInfo
from amrasaman_nox.sdists.rust import RustSource
from amrasaman_nox.sources import download, modified, rust
from amrasaman_nox.sources import locate as index
from amrasaman_nox.sources.instead import with_wheel
from amrasaman_nox.sources.locate import upload_times
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from amrasaman_nox.model import Interpreter, Pin
    from amrasaman_nox.sources.site import Site

_NO_LOCK: Final = BuildLock()
#: Downloads wait for the network more than for a processor; more at once overrun name servers.
FETCHERS: Final = 4
#: Errors with these codes are failures of one pin, and the others go on.
_OF_ONE_PIN: Final = (ExitCode.BAD_INPUT, ExitCode.BUILD_FAILED)


def prepare(
    site: Site,
    pins: Sequence[Pin],
    interpreter: Interpreter,
    lock: BuildLock = _NO_LOCK,
    *,
    only_binary: frozenset[str] = frozenset(),
    each: Callable[[Prepared], None] = lambda prepared: None,
) -> tuple[Prepared | BuildFailure, ...]:
    """Locate, fetch and check all *pins*, and return for each what came of it, in order.

    What *lock* has and the store holds needs no index. A pin whose source is missing, or is not
    what it should be, is a failure.

    :param only_binary: the names of projects whose published wheel is wanted
    :param each: is told of each source as soon as it is ready, from several threads
    :raises AsamanError: a file has another hash than the pinned one (exit 2), or the disk, the
        network or an index is at fault (exit 5); all that is wrong is named
    """
    if not pins:
        return ()
    site.notify(Event(stage="locate", state="total", count=len(pins)))
    located = locate(site, pins, interpreter, lock, only_binary)
    _check_going_on(_with_own_wheels(located))
    for pin, source in zip(pins, located, strict=True):
        failed: tuple[BuildFailure, ...] = ()
        if isinstance(source, AsamanError):
            failed = (BuildFailure.of_error(pin, "source", source),)
        state = "failed" if failed else "done"
        site.notify(Event(stage="locate", state=state, name=str(pin), results=failed))
    sources = [source for source in located if isinstance(source, Source)]
    site.notify(Event(stage="fetch", state="total", count=len(sources)))

    def checked(source: Source | AsamanError) -> Prepared | AsamanError:
        if isinstance(source, AsamanError):
            return source
        kind = _kind(site, source.pin, interpreter, only_binary)
        return _checked(site, source, interpreter, kind, each)

    with ThreadPoolExecutor(FETCHERS) as pool:
        done = list(pool.map(checked, located))
    _check_going_on(done)
    return tuple(
        BuildFailure.of_error(pin, "source", item) if isinstance(item, AsamanError) else item
        for pin, item in zip(pins, done, strict=True)
    )


def parted(
    found: Iterable[Prepared | BuildFailure],
) -> tuple[tuple[BuildFailure, ...], list[Prepared]]:
    """Return of what :func:`prepare` gave the failures, and the sources that are to be built.

    Wheels that are used as published are neither.
    """
    failures: list[BuildFailure] = []
    sources: list[Prepared] = []
    for each in found:
        if isinstance(each, BuildFailure):
            failures.append(each)
        elif not each.source.as_published:
            sources.append(each)
    return tuple(failures), sources


def _with_own_wheels(located: Sequence[object]) -> Sequence[object]:
    """Return what was *located*, with a hint at the last hash that no index has.

    It may be that of a wheel of one's own.
    """
    others = [
        one for one in located if isinstance(one, AsamanError) and one.kind is Kind.OTHER_HASH
    ]
    if others:
        path = others[-1].origin.path if others[-1].origin is not None else "FILE"
        others[-1].hint = others[-1].hint or (
            f"if these are hashes of wheels of your own: asaman verify --against {path}"
        )
    return located


def _check_going_on(found: Sequence[object]) -> None:
    """Raise all errors in *found* if one of them is more than the failure of its pin."""
    errors = [item for item in found if isinstance(item, AsamanError)]
    if any(one.code not in _OF_ONE_PIN or one.kind is Kind.OTHER_HASH for one in errors):
        raise all_of(errors)


def locate(
    site: Site,
    pins: Sequence[Pin],
    interpreter: Interpreter,
    lock: BuildLock = _NO_LOCK,
    only_binary: frozenset[str] = frozenset(),
) -> tuple[Source | AsamanError, ...]:
    """Return where the bytes of *pins* are, or why there are none, in their order.

    :raises AsamanError: an index cannot be asked (exit 5), or must not be (exit 2)
    """
    remembered = {
        pin: _remembered(site, pin, interpreter, lock, _kind(site, pin, interpreter, only_binary))
        for pin in pins
    }
    found: dict[Pin, Source | AsamanError] = {
        pin: source for pin, source in remembered.items() if source is not None
    }
    found |= {pin: error for pin in pins if (error := _fault(pin, interpreter)) is not None}
    unknown = [pin for pin in pins if pin not in found]
    asked = _asked(site, unknown, interpreter, only_binary)
    found |= {pin: modified.replaced(site.packages, pin, one) for pin, one in asked.items()}
    return tuple(found[pin] for pin in pins)


def _fault(pin: Pin, interpreter: Interpreter) -> AsamanError | None:
    """Return why *pin* cannot be built by *interpreter*, so far as its input says."""
    version = dict(interpreter.markers)["python_full_version"].removesuffix("+")
    if not SpecifierSet(pin.requires_python or "").contains(version, prereleases=True):
        why = f"it requires Python {pin.requires_python}, but this is {interpreter.version}"
        hint = "choose such an interpreter: --python VERSION"
        return AsamanError(str(pin), why, hint=hint, origin=pin.origin)
    if pin.fault is None:
        return None
    kind = Kind.TAKE_WHEEL if pin.fault.takes_wheel else Kind.OTHER
    return AsamanError(
        str(pin), pin.fault.reason, hint=pin.fault.hint, origin=pin.origin, kind=kind
    )


def _asked(
    site: Site, pins: Sequence[Pin], interpreter: Interpreter, only_binary: frozenset[str]
) -> dict[Pin, Source | AsamanError]:
    if not pins:
        return {}
    local = [pin for pin in pins if pin.path is not None]
    asked = [pin for pin in pins if pin.path is None]
    times = upload_times(
        local, index=site.index, python=interpreter.executable, cache=site.index_cache
    )
    located = index.locate(
        asked,
        index=site.index,
        python=interpreter.executable,
        cache=site.index_cache,
        wheels_for=only_binary,
        tags=interpreter.tags,
    )
    found = dict(zip(asked, located, strict=True))
    for pin in local:
        (digest,) = pin.digests
        found[pin] = Source(
            pin=pin,
            filename=Path(pin.path or "").name,
            digest=digest,
            uploaded=times.get(digest),
        )
    return found


def _remembered(
    site: Site, pin: Pin, interpreter: Interpreter, lock: BuildLock, kind: str
) -> Source | None:
    """Return what an earlier run found out about *pin*, if the store has its bytes.

    The upload time counts only for a resolution; an index that did not say it is asked again,
    unless the lock has the source.
    """
    content = site.store.get_value("located", _memory_key(pin, kind))
    if content is None:
        return None
    facts = json.loads(content)
    digest = Digest.parse(facts["digest"])
    if not (pin.path or site.store.has(digest)):
        return None
    uploaded = datetime.fromisoformat(facts["uploaded"]) if facts["uploaded"] else None
    pinned = Digest.parse(facts["pinned"]) if facts.get("pinned") else None
    change = modified.wanted(site.packages, pin.name, facts["version"], pinned)
    locked = lock.find(digest, interpreter.key) is not None
    if uploaded is None and not locked and not facts["taken"]:
        return None
    return Source(
        pin=dataclasses.replace(pin, version=facts["version"]),
        filename=Path(pin.path).name if pin.path else facts["filename"],
        digest=digest,
        url=None if pin.path else facts["url"],
        size=facts["size"],
        uploaded=uploaded,
        as_published=facts["taken"],
        modified=change,
        crates=rust.of_facts(facts.get("crates")),
        rust_channel=facts.get("rust_channel", ""),
    )


def _remember(site: Site, source: Source, kind: str) -> None:
    facts = {
        "digest": str(source.digest),
        "filename": source.filename,
        "version": source.version,
        "url": source.url,
        "size": source.size,
        "uploaded": utc(source.uploaded) if source.uploaded else None,
        "taken": source.as_published,
        "crates": rust.facts(source.crates),
        "rust_channel": source.rust_channel,
    }
    if source.modified is not None:
        facts["pinned"] = str(source.pinned) if source.pinned is not None else None
    content = json.dumps(facts).encode()
    key = _memory_key(source.pin, kind)
    if site.store.get_value("located", key) != content:
        site.store.put_value("located", key, content)


def _kind(site: Site, pin: Pin, interpreter: Interpreter, only_binary: frozenset[str]) -> str:
    # Which of several pinned wheels is used depends on the interpreter.
    if pin.name in only_binary:
        return interpreter.tags[0]
    change = modified.wanted(site.packages, pin.name, pin.version, None)
    return "sdist" if change is None else f"sdist-{Digest.of(repr(change).encode()).value}"


def _memory_key(pin: Pin, kind: str) -> str:
    # Of several files that are pinned, the same one is used whatever else was located before.
    digests = Digest.of(" ".join(sorted(map(str, pin.digests))).encode())
    return f"{pin.name}-{kind}-{digests}"


def _checked(
    site: Site,
    source: Source,
    interpreter: Interpreter,
    kind: str,
    each: Callable[[Prepared], None],
) -> Prepared | AsamanError:
    """Fetch *source* and read it strictly; return the error rather than raise it."""
    try:
        _fetch(site, source)
        source = modified.patched(site.packages, source, site.store)
        site.notify(Event(stage="fetch", state="done", name=str(source.pin)))
        prepared = _read(site, source, interpreter)
        _remember(site, prepared.source, kind)
        each(prepared)
        return prepared
    except AsamanError as error:
        failed = (BuildFailure.of_error(source.pin, "source", error),)
        site.notify(Event(stage="fetch", state="failed", name=str(source.pin), results=failed))
        if error.origin is None:
            error.origin = source.pin.origin
        return error


def _read(site: Site, source: Source, interpreter: Interpreter) -> Prepared:
    """Read an sdist strictly, unless its bytes were read before.

    One that is refused leaves nothing in the store.
    """
    if source.as_published:
        nothing = BuildSystem(requires=(), backend="")
        return Prepared(source=source, interpreter=interpreter, system=nothing)
    try:
        known = _judged(site, source)
        if known is None:
            with fetched(source.digest, source.filename, site.store) as file:
                info = reader.read_sdist(file, source.filename)
        else:
            info = known
        reader.check_metadata(info, source.pin)
        system = _with_more(site, source, build_system(info))
        check_requires(system, info.filename)
    except AsamanError as error:
        if error.code is ExitCode.BAD_INPUT:
            site.store.discard(source.digest)
            raise with_wheel(error, source.pin) from None
        raise
    if known is None:
        _remember_judged(site, source, info)
    for note in info.notes:
        site.say(note)
    crates = rust.prepare(site, source.pin, info, system)
    channel = info.rust.channel if info.rust is not None and crates is not None else ""
    return Prepared(
        source=dataclasses.replace(source, crates=crates, rust_channel=channel),
        interpreter=interpreter,
        system=system,
        native=info.native,
        crates_locked=crates is None or info.rust is None or info.rust.locked,
    )


def _with_more(site: Site, source: Source, system: BuildSystem) -> BuildSystem:
    """Return *system* with the build requirements that the user set for this release."""
    own = applying(site.packages, source.name, source.version)
    more = tuple(text for each in own for text in each.build_requirements)
    requires = (*replaced(own, system.requires), *more)
    return dataclasses.replace(system, requires=requires) if own else system


def _judged(site: Site, source: Source) -> SdistInfo | None:
    """Return what an accepted sdist says of itself, if its bytes were read before."""
    content = site.store.get_value("sdists", _judged_key(source))
    facts = json.loads(content) if content is not None else {}
    if facts.pop("rules", None) != reader.RULES:
        return None
    text = facts["pyproject"]
    facts["pyproject"] = None if text is None else text.encode("utf-8", "surrogateescape")
    facts["rust"] = facts["rust"] and RustSource.of_facts(facts["rust"])
    return SdistInfo(**{**facts, "notes": tuple(facts["notes"])})


def _remember_judged(site: Site, source: Source, info: SdistInfo) -> None:
    raw = info.pyproject
    text = None if raw is None else raw.decode("utf-8", "surrogateescape")
    facts = {**dataclasses.asdict(info), "pyproject": text, "rules": reader.RULES}
    site.store.put_value("sdists", _judged_key(source), json.dumps(facts).encode())


def _judged_key(source: Source) -> str:
    return f"{source.filename}-{source.digest}"


def _fetch(site: Site, source: Source) -> None:
    if source.pin.path is None:
        download.fetch(source, site)
        return
    if site.store.has(source.digest):
        return
    with _opened(Path(source.pin.path)) as chunks:
        site.store.add(chunks, source.digest, name=source.filename)


class _opened:  # noqa: N801 - reads as what it does
    """The chunks of a local file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Iterator[bytes]:
        self.file = self.path.open("rb")
        return chunks(self.file)

    def __exit__(self, *_: object) -> None:
        self.file.close()
