"""Which URLs may be used, and with which credentials; pure functions of the index options."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from amrasaman_nox.errors import AsamanError, may_be_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.errors import Origin
    from amrasaman_nox.model import IndexOptions

_SCHEMES: Final = frozenset({"https", "http", "file"})
_WRITTEN: Final = "write it as https://HOST/PATH, also in variables and in requirements files"
_ENCODED: Final = "percent-encode special characters in the user name and password"
_HOST: Final = re.compile(r"(https?://)?([A-Za-z0-9._*:-]+|\[[0-9A-Fa-f:.]+\](:[0-9]+)?)/?")
#: Variables that hold URLs, or passwords.
_SECRET: Final = re.compile(r"(?i:(https?|all)_proxy)|UV_INDEX_\w+_PASSWORD")
#: A shorter word is part of many others, and a poor secret.
_SHORTEST_SECRET: Final = 4
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
# An index may be written NAME=URL; its credentials then come from variables with that name.
_NAMED: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)=(?P<url>.*)", re.DOTALL)


def host_of(url: str) -> str:
    """Return the host in *url* in lower case, or ``""``."""
    return (_split(url).hostname or "").lower()


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_trusted(url: str, index: IndexOptions) -> bool:
    """Return whether the user trusts the host of *url*, with or without its port."""
    host = host_of(url)
    port = port_of(url)
    trusted = {entry.lower() for entry in index.trusted_hosts}
    return host in trusted or f"{host}:{port}" in trusted


def check_url(url: str, index: IndexOptions, origin: Origin | None = None) -> None:
    """Refuse a URL that is not HTTPS, but for loopback, trusted hosts and ``file:``.

    Any other URL is not repeated: nobody knows where a password in it ends.

    :raises AsamanError: exit 2
    """
    parts = _split(url)
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        raise AsamanError("URL", "not an https: or file: URL", hint=_WRITTEN, origin=origin)
    try:
        sound = (parts.port or 0) >= 0 and (scheme == "file" or bool(parts.hostname))
    except ValueError:
        sound = False
    if not sound or parts.netloc.count("@") > 1 or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise AsamanError("URL", "malformed", hint=_ENCODED, origin=origin)
    if scheme == "http" and not (is_loopback(host_of(url)) or is_trusted(url, index)):
        raise AsamanError(
            url,
            "plain HTTP is refused",
            hint=f"use https:, or --trusted-host {host_of(url)}",
            origin=origin,
        )


def check_index(index: IndexOptions) -> None:
    """Check every place that *index* names, as :func:`check_url` does, and every trusted host.

    :raises AsamanError: exit 2
    """
    if not all(map(_HOST.fullmatch, index.trusted_hosts)):
        raise AsamanError("--trusted-host", "not a host", hint="write it as HOST or HOST:PORT")
    for url in index_urls(index):
        check_url(url, index)
    for place in index.find_links:
        # Of a path that is not there, an error would name what may be a password.
        if is_url(place) or (may_be_secret(place) and not Path(place).exists()):
            check_url(place, index)


def is_url(place: str) -> bool:
    """Return whether *place* is written as a URL and not as a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", place) is not None


def index_urls(index: IndexOptions) -> tuple[str, ...]:
    """Return the URLs of the indexes that are named, without their names."""
    given = (() if index.index_url is None else (index.index_url,)) + index.extra_index_urls
    return () if index.no_index else tuple(_named(entry)[1] for entry in given)


def secrets(index: IndexOptions) -> tuple[str, ...]:
    """Return what is secret in *index*: passwords in URLs and variables, or user names without one.

    They are as written and as decoded, the longest first.
    """
    variables = [value for name, value in index.environment if _SECRET.fullmatch(name)]
    found = {value for value in variables if "@" not in value and not is_url(value)}
    for place in (*index_urls(index), *index.find_links, *variables):
        # One that is written wrongly has them as well.
        user, colon, password = place.rpartition("@")[0].rpartition("//")[2].partition(":")
        found.add(password if colon else user)
    found |= {unquote(secret) for secret in found}
    return tuple(
        sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
    )


def without_credentials(url: str) -> str:
    """Return *url* without user name and password."""
    parts = _split(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def credentials_for(
    url: str, index: IndexOptions, also: str | None = None
) -> tuple[str, str] | None:
    """Return user name and password for *url*, or ``None``.

    They are those in *url* itself, in *also* (another spelling of the same URL), or those of an
    index on the same host.
    """
    own = _credentials(url)
    if own is not None:
        return own
    candidates = [(also, _credentials(also))] if also else []
    candidates += list(_index_credentials(index))
    for other, found in candidates:
        if found is not None and other is not None and same_origin(other, url):
            return found
    return None


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    return _origin_of(one) == _origin_of(other)


def local_path(url: str) -> Path:
    """Return the path that a ``file:`` URL names.

    :raises AsamanError: it names another host (exit 2)
    """
    parts = _split(url)
    if parts.netloc not in {"", "localhost"}:
        raise AsamanError(url, "a file: URL must name this machine")
    return Path(unquote(parts.path))


def _index_credentials(index: IndexOptions) -> Iterator[tuple[str, tuple[str, str] | None]]:
    given = (() if index.index_url is None else (index.index_url,)) + index.extra_index_urls
    variables = dict(index.environment)
    for entry in given:
        name, url = _named(entry)
        stem = "UV_INDEX_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
        user = variables.get(f"{stem}_USERNAME") if name else None
        password = variables.get(f"{stem}_PASSWORD", "") if name else ""
        yield url, _credentials(url) or ((user, password) if user is not None else None)
    for place in index.find_links:
        if is_url(place):
            yield place, _credentials(place)


def _credentials(url: str | None) -> tuple[str, str] | None:
    parts = _split(url or "")
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _named(entry: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(entry)
    return (match["name"], match["url"]) if match else ("", entry)


def _origin_of(url: str) -> tuple[str, str, int | None]:
    return _split(url).scheme.lower(), host_of(url), port_of(url)


def port_of(url: str) -> int | None:
    """Return the port in *url*, else that of its scheme."""
    parts = _split(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return port or _DEFAULT_PORTS.get(parts.scheme.lower())


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # Its text would repeat a part of the URL.
        raise AsamanError("URL", "malformed", hint=_ENCODED) from None


def with_file_options(index: IndexOptions, file: IndexOptions) -> IndexOptions:
    """Return the user's index options with those of the requirements file.

    The user's own index wins over the file's; further indexes and links are added.

    :raises AsamanError: one of them is reached by plain HTTP, or is not a URL (exit 2)
    """
    whole = dataclasses.replace(
        index,
        index_url=index.index_url or file.index_url,
        extra_index_urls=(*index.extra_index_urls, *file.extra_index_urls),
        find_links=(*index.find_links, *file.find_links),
        no_index=index.no_index or file.no_index,
    )
    check_index(whole)
    return whole
