"""Where the bytes of pins are, and when they were uploaded."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import Version

from amrasaman_nox.errors import AsamanError, ExitCode, Kind, all_of, with_origin
from amrasaman_nox.model import Digest, Pin, ResolvedFile, Source, is_release
from amrasaman_nox.sdists.names import SUFFIXES, local_name, suffix_of
from amrasaman_nox.sources import access, download, pages
from amrasaman_nox.sources.fit import best_first, checked_wheel_name, name_and_version
from amrasaman_nox.sources.instead import or_wheel
from amrasaman_nox.sources.uv import (
    ALGORITHMS,
    Answer,
    Artifact,
    Client,
    Listed,
    listed_packages,
    reason_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from amrasaman_nox.model import IndexOptions, LockedFile


_SINGLE_CALLS: Final = 4
_OTHER_INDEX: Final = "check the name, or add the index that has it: --extra-index-url URL"
_OTHER_PYTHON: Final = "build with such a Python: --python VERSION, or pin another release"


class _NotFound(NamedTuple):
    """What the index client says of a pin, what that comes to, and what to do then."""

    pattern: str
    why: str
    hint: str
    kind: Kind = Kind.OTHER


_NOT_FOUND: Final = (
    _NotFound(r"was not found", "no such project on the index", _OTHER_INDEX),
    _NotFound(
        r"(there is|there are) no versions? of",
        "no such version on the index",
        "pin a version that the index has, or add the index that has it: --extra-index-url URL",
    ),
    _NotFound(
        r"has no wheels with a matching",
        "no sdist, and no wheel that fits the interpreter",
        _OTHER_PYTHON,
        Kind.NO_SDIST,
    ),
    _NotFound(r"does not satisfy Python", "it requires another version of Python", _OTHER_PYTHON),
    _NotFound(
        r"non-PEP 625-compliant",
        "the index has no sdist of it with a pinned hash",
        "compile the file again, or add the index that it was compiled with: --extra-index-url URL",
        Kind.NO_SDIST,
    ),
)
#: Where there may be sdists that the index client does not name, such as ``.tar.bz2``.
_LOOK_AGAIN: Final = frozenset({Kind.NO_SDIST, Kind.OTHER_HASH, Kind.TAKE_WHEEL})
_Key = tuple[str, str]


def locate(
    pins: Sequence[Pin],
    *,
    index: IndexOptions,
    python: str,
    cache: Path,
    wheels_for: frozenset[str] = frozenset(),
    tags: Sequence[str] = (),
) -> tuple[Source | AsamanError, ...]:
    """Return for each of *pins*, in order, the file whose hash is pinned, or why there is none.

    Nothing is executed.

    :param python: the path of the interpreter that is built for
    :param cache: the index client's cache folder
    :param wheels_for: names whose published wheel is used instead of the sdist
    :param tags: the interpreter's wheel tags in order of preference (PEP 425)
    :raises AsamanError: an index cannot be asked (exit 5), or must not be (exit 2)
    """
    client = Client(index=index, python=python, cache=cache)
    access.check_index(index)
    found: dict[Pin, Source | AsamanError] = {}
    for pin in pins:
        if pin.url is not None or pin.path is not None:
            found[pin] = _direct(pin, index, wheels_for)
    listed = [pin for pin in pins if pin not in found]
    found.update(_match_all(client, listed, lambda pin, it: _match(pin, it, wheels_for, tags)))
    for pin in listed:
        if pin.name not in wheels_for:
            found[pin] = _among_all_files(client, pin, found[pin])
    dated = _with_upload_times(
        client, {pin: source for pin, source in found.items() if isinstance(source, Source)}
    )
    return tuple(dated.get(pin, found[pin]) for pin in pins)


def upload_times(
    pins: Iterable[Pin], *, index: IndexOptions, python: str, cache: Path
) -> dict[Digest, datetime]:
    """Return when the files with the pinned hashes were uploaded (UTC), as far as known.

    It never fails: what the index does not know, or cannot be asked about, is left out.
    """
    client = Client(index=index, python=python, cache=cache)
    wanted = {digest for pin in pins for digest in pin.digests}
    times: dict[Digest, datetime] = {}
    try:
        access.check_index(index)
        listed = _list(client, [(pin.name, pin.version) for pin in pins])
    except AsamanError:
        return times
    for one in listed.values():
        if isinstance(one, AsamanError):
            continue
        for artifact in (*one.wheels, *filter(None, (one.sdist,))):
            for digest in artifact.digests:
                if digest in wanted and artifact.uploaded is not None:
                    times[digest] = artifact.uploaded
    return times


def find_files(
    files: Sequence[LockedFile], *, index: IndexOptions, python: str, cache: Path
) -> dict[LockedFile, ResolvedFile]:
    """Return where locked wheels are, found by file name and hash (a lock holds no URLs).

    :raises AsamanError: naming every file that no index has (exit 2), or an index cannot be
        asked (exit 5)
    """
    access.check_index(index)
    client = Client(index=index, python=python, cache=cache)
    pins = {file: _pin_of(file) for file in dict.fromkeys(files)}
    found = _match_all(client, list(pins.values()), _match_file)
    located: dict[LockedFile, ResolvedFile] = {}
    errors = []
    for file, pin in pins.items():
        result = found[pin]
        if isinstance(result, AsamanError):
            errors.append(result)
        else:
            located[file] = ResolvedFile(
                filename=file.filename, digest=file.digest, url=result.url or "", size=result.size
            )
    if errors:
        raise all_of(errors)
    return located


def published_wheels(
    pins: Sequence[Pin],
    *,
    index: IndexOptions,
    python: str,
    cache: Path,
    tags: Sequence[str],
) -> dict[Pin, tuple[Source, ...]]:
    """Return for each of *pins* the wheels of its version that fit the interpreter, best first.

    Their hashes are those that the index advertises. A pin that no index has is left out.

    :param tags: the interpreter's wheel tags in order of preference (PEP 425)
    :raises AsamanError: an index cannot be asked (exit 5)
    """
    access.check_index(index)
    client = Client(index=index, python=python, cache=cache)
    listed = _list(client, [(pin.name, pin.version) for pin in pins])
    found: dict[Pin, tuple[Source, ...]] = {}
    for pin in pins:
        there = listed[pin.name, pin.version]
        if isinstance(there, AsamanError):
            continue
        hashed = (wheel for wheel in there.wheels if wheel.digests)
        wheels = best_first(hashed, lambda wheel: wheel.filename, pin, tags)
        found[pin] = tuple(
            replace(_source(pin, wheel.filename, wheel.digests[0], wheel), as_published=True)
            for wheel in wheels
        )
    return found


def advertised_sdists(
    releases: Sequence[_Key], *, index: IndexOptions, python: str, cache: Path
) -> dict[_Key, Source | AsamanError]:
    """Return for each release, a name and a version, its sdist by the hash that an index tells.

    A release without one has the reason.

    :raises AsamanError: an index cannot be asked (exit 5), or must not be (exit 2)
    """
    access.check_index(index)
    client = Client(index=index, python=python, cache=cache)
    listed = _list(client, releases)
    return {release: _advertised(client, release, listed[release]) for release in releases}


def _advertised(client: Client, release: _Key, there: Listed | AsamanError) -> Source | AsamanError:
    if isinstance(there, AsamanError) and there.kind is not Kind.NO_SDIST:
        return there
    pin = Pin(name=release[0], version=release[1])
    sdist = None if isinstance(there, AsamanError) else there.sdist
    if sdist is None and not client.index.offline:
        index = _named_index(client)
        sdist = next((found for _, found in pages.sdists_of(pin, index) if found.digests), None)
    if sdist is None:
        return AsamanError(str(pin), "no sdist: the index has only wheels", kind=Kind.NO_SDIST)
    if not sdist.digests:
        return AsamanError(str(pin), "the index gives no hash of its sdist", kind=Kind.NO_SDIST)
    return _sdist(replace(pin, digests=sdist.digests[:1]), sdist.digests[0], sdist)


def _named_index(client: Client) -> IndexOptions:
    """Return the index options with the index client's own default, where none is named."""
    index = client.index
    if index.no_index or access.index_urls(index):
        return index
    return replace(index, index_url=client.default_index())


def released_sdists(
    pins: Sequence[Pin], *, index: IndexOptions, python: str, cache: Path
) -> dict[Pin, Pin]:
    """Return for each of *pins* the pin of its sdist on an index, with the hash that this says.

    A pin of which no index has an sdist is left out.

    :raises AsamanError: an index cannot be asked (exit 5)
    """
    access.check_index(index)
    client = Client(index=index, python=python, cache=cache)
    listed = _list(client, [(pin.name, pin.version) for pin in pins])
    found = {}
    for pin in pins:
        there = listed[pin.name, pin.version]
        if isinstance(there, Listed) and there.sdist is not None and there.sdist.digests:
            exact = _exact(pin, there.version)
            found[pin] = replace(exact, digests=(there.sdist.digests[0],), fault=None)
    return found


def _among_all_files(client: Client, pin: Pin, found: Source | AsamanError) -> Source | AsamanError:
    """Return the sdist with a pinned hash that the index client does not name, else *found*."""
    if isinstance(found, Source) or found.kind not in _LOOK_AGAIN or client.index.offline:
        return found
    for version, sdist in pages.sdists_of(pin, _named_index(client)):
        digest = next((one for one in sdist.digests if one in pin.digests), None)
        if digest is not None:
            return _sdist(_exact(pin, version), digest, sdist)
    return found


def _exact(pin: Pin, version: str) -> Pin:
    """Return *pin* with the version of its file, which may have a local label that it lacks."""
    return pin if Version(version) == Version(pin.version) else replace(pin, version=version)


def _direct(pin: Pin, index: IndexOptions, wheels_for: frozenset[str]) -> Source | AsamanError:
    """Return the source of a pin with a URL or path of its own."""
    try:
        if pin.url is not None:
            access.check_url(pin.url, index, pin.origin)
        if not pin.digests:
            raise AsamanError(str(pin), "not hashed", origin=pin.origin)
        last = unquote(urlsplit(pin.url or "").path or pin.path or "").rpartition("/")[2]
        is_wheel = last.endswith(".whl")
        if pin.name in wheels_for and not is_wheel:
            raise AsamanError(
                str(pin),
                "no wheel can be used: the direct URL of its sdist is pinned",
                hint="pin its version, with the hashes of its wheels",
                origin=pin.origin,
            )
        filename = checked_wheel_name(last, pin) if is_wheel else _sdist_name(pin, last)
    except AsamanError as error:
        return error
    return Source(
        pin=pin,
        filename=filename,
        digest=min(pin.digests, key=lambda digest: ALGORITHMS.index(digest.algorithm)),
        url=None if pin.url is None else access.without_credentials(pin.url),
        as_published=is_wheel,
    )


def _with_upload_times(client: Client, found: dict[Pin, Source]) -> dict[Pin, Source]:
    """Add the upload times that an index knows to sources with a URL of their own."""
    unknown = {pin for pin, source in found.items() if pin.url and source.uploaded is None}
    if not unknown:
        return found
    times = upload_times(unknown, index=client.index, python=client.python, cache=client.cache)
    return {
        pin: replace(source, uploaded=times.get(source.digest)) if pin in unknown else source
        for pin, source in found.items()
    }


def _match_all(
    client: Client,
    pins: Sequence[Pin],
    match: Callable[[Pin, Listed], Source | AsamanError],
) -> dict[Pin, Source | AsamanError]:
    """Match *pins* with what the indexes list, and then with each index of several alone."""
    found: dict[Pin, Source | AsamanError] = {}
    for one in (client, *_each_alone(client)):
        left = [pin for pin in pins if not isinstance(found.get(pin), Source)]
        if not left:
            break
        listed = _list(one, [(pin.name, pin.version) for pin in left])
        for pin in left:
            there = listed[pin.name, pin.version]
            result = _at(there, pin) if isinstance(there, AsamanError) else match(pin, there)
            # The first answer tells most; a later index is asked for the file alone.
            if isinstance(result, Source) or pin not in found:
                found[pin] = result
    return found


def _at(error: AsamanError, pin: Pin) -> AsamanError:
    """Return *error* with the file and line of *pin*."""
    return with_origin(error, pin.origin) if pin.origin else error


def _each_alone(client: Client) -> Iterator[Client]:
    index = client.index
    registries = () if index.no_index else (index.index_url, *index.extra_index_urls)
    if len(registries) + len(index.find_links) < 2:
        return
    for url in registries:
        yield replace(
            client, index=replace(index, index_url=url, extra_index_urls=(), find_links=())
        )
    for place in index.find_links:
        yield replace(client, index=replace(index, no_index=True, find_links=(place,)))


def _list(client: Client, keys: Sequence[_Key]) -> dict[_Key, Listed | AsamanError]:
    """Ask for *keys* in as few calls as can be, and singly for those of a call that failed."""
    listed: dict[_Key, Listed | AsamanError] = {}
    for group in _groups(keys):
        answer = client.run(_locating(), [f"{name}=={version}" for name, version in group])
        if answer.code == 0:
            listed.update(_by_key(group, answer))
            continue
        with ThreadPoolExecutor(_SINGLE_CALLS) as pool:
            singly = pool.map(lambda key: _list_one(client, key), group)
            listed.update(zip(group, singly, strict=True))
    return listed


def _list_one(client: Client, key: _Key) -> Listed | AsamanError:
    name, version = key
    # A cached page may be older than the pin.
    fresh = [] if client.index.offline else ["--refresh-package", name]
    answer = client.run([*_locating(), *fresh], [f"{name}=={version}"])
    if answer.code == 0:
        return _by_key([key], answer)[key]
    if "was not found" in answer.messages and (refusal := _refusal(client.index, name)):
        return refusal
    return _not_located(f"{name}=={version}", answer, offline=client.index.offline)


def _refusal(index: IndexOptions, name: str) -> AsamanError | None:
    """Return why an index refuses a project; the index client calls that "not found"."""
    for url in () if index.offline else access.index_urls(index):
        page = f"{url.rstrip('/')}/{name}/"
        status = None if url.startswith("file:") else download.refuses(page, index)
        if status is not None:
            return AsamanError(
                page,
                f"the index refuses access with status {status}",
                hint=download.CREDENTIALS_HINT,
                code=ExitCode.INPUT_OUTPUT,
            )
    return None


def _locating() -> list[str]:
    return ["--no-deps", "--index-strategy", "unsafe-best-match"]


def _groups(keys: Iterable[_Key]) -> Iterator[list[_Key]]:
    """Yield groups of *keys* in which no project has two versions."""
    left = list(dict.fromkeys(keys))
    while left:
        group: dict[str, _Key] = {}
        for key in left:
            group.setdefault(key[0], key)
        chosen = set(group.values())
        yield list(group.values())
        left = [key for key in left if key not in chosen]


def _by_key(keys: Sequence[_Key], answer: Answer) -> dict[_Key, Listed | AsamanError]:
    packages = {package.name: package for package in listed_packages(answer.output)}
    found: dict[_Key, Listed | AsamanError] = {}
    for name, version in keys:
        package = packages.get(canonicalize_name(name))
        if package is None or not is_release(version, package.version):
            found[name, version] = AsamanError(f"{name}=={version}", "uv returned no result for it")
        else:
            found[name, version] = package
    return found


def _match(
    pin: Pin, listed: Listed, wheels_for: frozenset[str], tags: Sequence[str]
) -> Source | AsamanError:
    if not pin.digests:
        return AsamanError(str(pin), "not hashed", origin=pin.origin)
    pin = _exact(pin, listed.version)
    if pin.name in wheels_for:
        return _match_wheel(pin, listed, tags)
    sdist = listed.sdist
    digest = _pinned(pin, sdist) if sdist is not None else None
    if sdist is not None and digest is not None:
        return _sdist(pin, digest, sdist)
    if any(_pinned(pin, wheel) for wheel in listed.wheels):
        why = "only wheels are pinned, not the sdist"
        hint = "compile the file again with the sdists' hashes"
        if sdist is None:
            why, hint = "no sdist: the index has only wheels", ""
        return AsamanError(
            str(pin),
            why,
            hint=or_wheel(hint, replace(pin, wheels=True)),
            origin=pin.origin,
            kind=Kind.TAKE_WHEEL,
        )
    if sdist is None:
        return AsamanError(
            str(pin),
            "no sdist: the index has only wheels, and none with a pinned hash",
            hint="compile the file again, or check which index it was compiled with",
            origin=pin.origin,
            kind=Kind.NO_SDIST,
        )
    return _mismatch(pin, sdist)


def _sdist(pin: Pin, digest: Digest, sdist: Artifact) -> Source | AsamanError:
    try:
        return _source(pin, _sdist_name(pin, sdist.filename), digest, sdist)
    except AsamanError as error:
        return error


def _match_wheel(pin: Pin, listed: Listed, tags: Sequence[str]) -> Source | AsamanError:
    pinned = [(wheel, digest) for wheel in listed.wheels if (digest := _pinned(pin, wheel))]
    fitting = best_first(pinned, lambda pair: pair[0].filename, pin, tags)
    if not fitting:
        return AsamanError(
            str(pin),
            "no wheel with a pinned hash fits the interpreter",
            hint=f"build it from its sdist (without --only-binary {pin.name}), or compile the "
            "file again with the hashes of all wheels",
            origin=pin.origin,
        )
    wheel, digest = fitting[0]
    return replace(_source(pin, wheel.filename, digest, wheel), as_published=True)


def _match_file(pin: Pin, listed: Listed) -> Source | AsamanError:
    """Match the pin of a locked wheel, whose path is the file name."""
    for wheel in listed.wheels:
        if wheel.filename == pin.path and (digest := _pinned(pin, wheel)):
            return _source(pin, wheel.filename, digest, wheel)
    return AsamanError(
        f"locked file {pin.path}",
        f"no index has a file with {pin.digests[0]}",
        hint="resolve again with --relock, or add the index that has it",
    )


def _pin_of(file: LockedFile) -> Pin:
    name, version = name_and_version(file.filename)
    return Pin(name=name, version=version, digests=(file.digest,), path=file.filename)


def _source(pin: Pin, filename: str, digest: Digest, artifact: Artifact) -> Source:
    return Source(
        pin=pin,
        filename=filename,
        digest=digest,
        url=artifact.url,
        size=artifact.size,
        uploaded=artifact.uploaded,
    )


def _pinned(pin: Pin, artifact: Artifact) -> Digest | None:
    """Return the pinned digest that *artifact* is said to have, or ``None``."""
    for digest in artifact.digests:
        if digest in pin.digests:
            return digest
    # Where the index has other algorithms, the one pinned hash decides once there are bytes.
    told = {digest.algorithm for digest in artifact.digests}
    if len(pin.digests) == 1 and pin.digests[0].algorithm not in told:
        return pin.digests[0]
    return None


def _mismatch(pin: Pin, sdist: Artifact) -> AsamanError:
    told = ", ".join(str(digest) for digest in sdist.digests) or "no hash"
    expected = str(pin.digests[0])
    if len(pin.digests) > 1:
        expected += f" or {len(pin.digests) - 1} more"
    return AsamanError(
        str(pin),
        f"hash mismatch: pinned is {expected}, the index has {told}",
        origin=pin.origin,
        kind=Kind.OTHER_HASH,
    )


def _sdist_name(pin: Pin, filename: str) -> str:
    """Return the local name of an sdist, from the pin alone but for its suffix."""
    if suffix := suffix_of(filename):
        return local_name(pin.name, pin.version, suffix)
    raise AsamanError(
        str(pin),
        f"unsupported sdist format (supported: {', '.join(SUFFIXES)}): {filename}",
        origin=pin.origin,
    )


def _not_located(what: str, answer: Answer, *, offline: bool) -> AsamanError:
    if offline:
        return AsamanError(
            what,
            "not cached, and --offline forbids network access",
            hint="run once without --offline",
            code=ExitCode.INPUT_OUTPUT,
        )
    for row in _NOT_FOUND:
        if re.search(row.pattern, answer.messages):
            return AsamanError(what, row.why, hint=row.hint, kind=row.kind)
    return AsamanError(what, reason_of(answer.messages))
