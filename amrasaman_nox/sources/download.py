"""Bring bytes into the store; their hash is checked while they arrive, and nothing else counts.

Nothing of an answer is trusted: neither names nor types, nor that it ends. Redirects are followed
here and not by the HTTP library, so that each step can be refused, and credentials go to the host
that they are for.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from amrasaman_nox import system
from amrasaman_nox.errors import (
    AsamanError,
    ExitCode,
    Kind,
    all_of,
    printable,
    redacted,
    system_reason,
)
from amrasaman_nox.files import chunks
from amrasaman_nox.model import Source
from amrasaman_nox.sources import access
from amrasaman_nox.sources.connections import BrokenError, Connections, Patience, fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import requests

    from amrasaman_nox.errors import Origin
    from amrasaman_nox.model import Digest, IndexOptions, ResolvedFile
    from amrasaman_nox.sources.site import Site
    from amrasaman_nox.sources.store import Store

#: What an answer may be long where the index gives no size, in bytes.
LARGEST: Final = 2 << 30
_CHUNK: Final = 1 << 18
_LARGEST_PAGE: Final = 64 << 20
#: What pages of an index are asked for (PEP 691).
_PAGES: Final = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REFUSALS: Final = frozenset({401, 403, 407})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
#: With these a server says that there is nothing under a URL.
_NOT_FOUND: Final = frozenset({404, 410, 451})
# Seconds for which another run that fetches the same file is waited for.
_LOCK_PATIENCE: Final = 1800.0
#: What to do about a refusal.
CREDENTIALS_HINT: Final = "give user name and password in the index's URL or in a netrc file"
_NETWORK_HINT: Final = (
    "check the network and the index, then run again: completed downloads are kept"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    filename: str
    digest: Digest
    url: str
    size: int | None
    origin: Origin | None
    written_url: str | None


def fetch(
    source: Source,
    site: Site,
    *,
    patience: Patience = Patience(),
) -> None:
    """Bring the bytes of *source* into the store, unless they are there and verify.

    :raises AsamanError: other bytes than pinned, or too many of them (exit 2); they cannot be
        downloaded or stored (exit 5)
    """
    fetch_all([source], site, patience=patience, jobs=1)


def fetch_all(
    files: Iterable[Source | ResolvedFile],
    site: Site,
    *,
    jobs: int = 4,
    patience: Patience = Patience(),
    each: Callable[[str, Digest], None] = lambda filename, digest: None,
) -> None:
    """Bring *files* into the store, up to *jobs* at once over connections that are kept.

    :param each: is told of each file that is there, from any thread

    :raises AsamanError: one for all files that failed
    """
    wanted = list(dict.fromkeys(_wanted(file) for file in files))
    kept = site.connections
    with contextlib.nullcontext(kept) if kept else Connections(site.index) as sessions:

        def attempt(one: _Wanted) -> AsamanError | None:
            try:
                with sessions.lent():
                    _fetch(one, site.store, site.index, sessions, site.say, patience)
            except AsamanError as error:
                if error.origin is None:
                    error.origin = one.origin
                return error
            each(one.filename, one.digest)
            return None

        if jobs == 1 or len(wanted) == 1:
            results = [attempt(one) for one in wanted]
        else:
            with ThreadPoolExecutor(jobs) as pool:
                results = list(pool.map(attempt, wanted))
    errors = [error for error in results if error is not None]
    if errors:
        raise all_of(errors)


def refuses(url: str, index: IndexOptions, patience: Patience = Patience()) -> int | None:
    """Return the status (401, 403) with which a server refuses *url* to the user, or ``None``."""
    with Connections(index) as sessions, sessions.lent():
        place = access.without_credentials(url)
        try:
            response = sessions.get(place, sessions.credentials(place, url), patience)
        except BrokenError:
            return None
        response.close()
    return response.status_code if response.status_code in _REFUSALS else None


def page(
    url: str,
    index: IndexOptions,
    patience: Patience = Patience(),
    *,
    accept: str = _PAGES,
    largest: int = _LARGEST_PAGE,
    redirects: int = _MOST_REDIRECTS,
) -> bytes:
    """Return a page of an index, as JSON where the index has it (PEP 691), else as HTML.

    :param accept: the types that are asked for, where it is another page
    :param largest: how many bytes it may have
    :param redirects: how many of them are followed
    :raises AsamanError: no answer, or none with the page (exit 5), not a page over HTTP, or larger
        than *largest* (exit 2)
    """
    access.check_url(url, index)
    if urlsplit(url).scheme.lower() == "file":
        raise AsamanError(url, "not a page over HTTP")
    body = bytearray()
    with Connections(index) as sessions, sessions.lent():
        try:
            answer = _answer(url, url, sessions, patience, accept=accept, most=redirects)
            with contextlib.closing(answer) as response:
                for chunk in _body(response, None, patience):
                    body += chunk
                    if len(body) > largest:
                        raise AsamanError(url, f"larger than {largest >> 10} KiB")
        except BrokenError as broken:
            kind = Kind.NOT_FOUND if broken.status in _NOT_FOUND else Kind.OTHER
            code = ExitCode.INPUT_OUTPUT
            raise AsamanError(url, broken.reason, code=code, kind=kind) from broken
    return bytes(body)


def _wanted(file: Source | ResolvedFile) -> _Wanted:
    pin = file.pin if isinstance(file, Source) else None
    return _Wanted(
        filename=file.filename,
        digest=file.digest,
        url=file.url or "",
        size=file.size,
        origin=pin.origin if pin else None,
        written_url=_written_url(file) if isinstance(file, Source) else None,
    )


def _written_url(source: Source) -> str | None:
    """Return the URL of *source* if the user wrote it, rather than an index."""
    return source.url if source.modified is not None else source.pin.url


def _fetch(
    wanted: _Wanted,
    store: Store,
    index: IndexOptions,
    sessions: Connections,
    notify: Callable[[str], None],
    patience: Patience,
) -> None:
    if _is_stored(wanted.digest, store):
        return
    with store.lock(f"fetch-{wanted.digest}", timeout=_LOCK_PATIENCE, notify=notify):
        if _is_stored(wanted.digest, store):
            return
        if not wanted.url:
            raise AsamanError(
                wanted.filename, "not cached, and no URL is known", code=ExitCode.INPUT_OUTPUT
            )
        if urlsplit(wanted.url).scheme.lower() == "file":
            _copy(wanted, store, index)
            return
        access.check_url(wanted.url, index)
        if index.offline:
            raise AsamanError(
                wanted.filename,
                "not cached, and --offline forbids network access",
                hint="run once without --offline",
                code=ExitCode.INPUT_OUTPUT,
            )
        _download(wanted, store, sessions, notify, patience)


def _is_stored(digest: Digest, store: Store) -> bool:
    file = store.get(digest)
    if file is None:
        return False
    file.close()
    return True


def _copy(wanted: _Wanted, store: Store, index: IndexOptions) -> None:
    """Take a file of this machine, where the user named an index or a folder on it."""
    if wanted.written_url is None and not _has_local_index(index):
        raise AsamanError(wanted.filename, "a remote index points to a file of this machine")
    path = access.local_path(wanted.url)
    limit = LARGEST if wanted.size is None else wanted.size
    try:
        descriptor = os.open(path, os.O_RDONLY | system.NONBLOCK)
    except OSError as error:
        raise AsamanError(str(path), system_reason(error), code=ExitCode.INPUT_OUTPUT) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AsamanError(str(path), "not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        store.add(chunks(file), wanted.digest, limit=limit, name=wanted.filename)


def _has_local_index(index: IndexOptions) -> bool:
    places = (*access.index_urls(index), *index.find_links)
    return any(not access.is_url(place) or place.startswith("file:") for place in places)


def _download(
    wanted: _Wanted,
    store: Store,
    sessions: Connections,
    notify: Callable[[str], None],
    patience: Patience,
) -> None:
    for attempt in range(patience.attempts):
        try:
            answer = _answer(wanted.url, wanted.written_url, sessions, patience)
            with contextlib.closing(answer) as response:
                limit = LARGEST if wanted.size is None else wanted.size
                _check_length(response, limit, wanted)
                store.add(
                    _body(response, wanted.size, patience),
                    wanted.digest,
                    limit=limit,
                    name=wanted.filename,
                )
        except BrokenError as broken:
            if not broken.again or attempt + 1 == patience.attempts:
                raise AsamanError(
                    wanted.filename,
                    f"download from {access.host_of(wanted.url)} failed: {broken.reason}",
                    hint=broken.hint or _NETWORK_HINT,
                    code=ExitCode.INPUT_OUTPUT,
                ) from broken
            wait = min(max(patience.backoff * 2**attempt, broken.wait), patience.longest_wait)
            notify(printable(f"{wanted.filename}: {broken.reason}; again in {wait:g} s"))
            time.sleep(wait)
        else:
            return


def _answer(
    asked: str,
    written_url: str | None,
    sessions: Connections,
    patience: Patience,
    accept: str = "*/*",
    most: int = _MOST_REDIRECTS,
) -> requests.Response:
    """Ask for a URL, following redirects, and return an answer with status 200."""
    url = access.without_credentials(asked)
    credentials = sessions.credentials(url, written_url)
    for _ in range(most + 1):
        response = sessions.get(url, credentials, patience, accept)
        if response.status_code not in _REDIRECTS or "location" not in response.headers:
            _check_status(response)
            return response
        response.close()
        location = _location(response, url)
        if not most:
            raise BrokenError(f"redirect to {redacted(location)} is refused", again=False)
        _check_redirect(url, location, sessions.index)
        if not access.same_origin(url, location):
            credentials = None
        url = access.without_credentials(location)
    raise BrokenError("too many redirects", again=False)


def _location(response: requests.Response, url: str) -> str:
    try:
        # Headers arrive decoded as Latin 1; a location is UTF-8 where it is not ASCII.
        location = response.headers["location"].encode("latin-1").decode()
        joined = urljoin(url, location)
        access.host_of(joined)
    except (ValueError, AsamanError) as error:
        raise BrokenError("malformed redirect", again=False) from error
    return joined


def _check_redirect(url: str, location: str, index: IndexOptions) -> None:
    secure = urlsplit(url).scheme.lower() == "https"
    scheme = urlsplit(location).scheme.lower()
    if scheme == "https":
        return
    try:
        access.check_url(location, index)
        allowed = scheme == "http" and (not secure or access.is_trusted(location, index))
    except AsamanError:
        allowed = False
    if not allowed:
        raise BrokenError(f"redirect to {redacted(location)} is refused", again=False)


def _check_status(response: requests.Response) -> None:
    code = response.status_code
    if code == 200:
        return
    response.close()
    reason = f"{code} {response.reason}"
    if code in _REFUSALS:
        raise BrokenError(reason, again=False, hint=CREDENTIALS_HINT)
    again = code in _PASSING
    raise BrokenError(reason, again=again, wait=_retry_after(response), status=code)


def _retry_after(response: requests.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0


def _check_length(response: requests.Response, limit: int, wanted: _Wanted) -> None:
    length = _content_length(response)
    if length is not None and length > limit:
        raise AsamanError(
            wanted.filename, f"longer than {limit} bytes: the server announces {length}"
        )


def _content_length(response: requests.Response) -> int | None:
    value = response.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _body(response: requests.Response, size: int | None, patience: Patience) -> Iterator[bytes]:
    """Yield the body as it arrives, encodings left alone; the whole of it or an error."""
    started = time.monotonic()
    received = 0
    for chunk in _chunks(response):
        received += len(chunk)
        passed = time.monotonic() - started
        if passed > patience.total or (
            passed > patience.grace and received < patience.slowest * passed
        ):
            raise BrokenError(f"too slow: {received} bytes in {passed:.0f} seconds")
        yield chunk
    length = _content_length(response)
    chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
    expected = size if length is None and not chunked else length
    if expected is not None and received < expected:
        raise BrokenError(f"truncated: {received} of {expected} bytes")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    import urllib3

    try:
        # One read of the socket at a time, so that the clock is looked at in between.
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            yield chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BrokenError(fault_of(error)) from error
