"""The variables of the environment that a run reads: index, access, certificates."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import AsamanError, ExitCode, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE: Final = frozenset({"0", "false", "f", "no", "n", "off"})
#: Passed on as they are: how to get through to an index, and whose password to use.
_ACCESS: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC", "HOME"),
    *("UV_KEYRING_PROVIDER", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES"),
)
#: Stand in for SSL_CERT_FILE where that is not set, the first one wins.
_CERTIFICATES: Final = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: The passphrase of a key that signs.
PASSPHRASE: Final = "ASAMAN_KEY_PASSPHRASE"  # noqa: S105 - a name
# An index of uv with a name in front of its URL.
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)=(?P<url>.+)")


def snapshot() -> dict[str, str]:
    """Return the variables of this process, the one place where they are read for a run."""
    return dict(os.environ)


@contextlib.contextmanager
def without_nox_variables() -> Iterator[None]:
    """Drop, for a while, the variables by which a user's shell would change nox's run."""
    # nox refuses FORCE_COLOR beside NO_COLOR, which wins.
    names = {"_ARGCOMPLETE", "FORCE_COLOR" if "NO_COLOR" in os.environ else ""}
    dropped = {
        name: value for name, value in os.environ.items() if name.startswith("NOX") or name in names
    }
    for name in dropped:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(dropped)


def _named_urls(text: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_with_password(part, environ) for part in text.split())


def _with_password(entry: str, environ: Mapping[str, str]) -> str:
    from urllib.parse import quote, urlsplit

    match = _NAMED.fullmatch(entry)
    if match is None:
        return entry
    url = match["url"]
    prefix = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", match["name"].upper())
    user, password = environ.get(f"{prefix}_USERNAME"), environ.get(f"{prefix}_PASSWORD")
    parts = urlsplit(url)
    if not (user or password) or "@" in parts.netloc:
        return url
    access = quote(user or "", safe="") + (f":{quote(password, safe='')}" if password else "")
    return parts._replace(netloc=f"{access}@{parts.netloc}").geturl()


def _words(text: str, _: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(text.split())


def _comma_separated(text: str, _: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_Reader = "Callable[[str, Mapping[str, str]], tuple[str, ...]]"
#: For each field the groups of variables; the first group of which one is set counts.
_INDEX: Final[tuple[tuple[str, tuple[tuple[tuple[str, ...], Any], ...]], ...]] = (
    (
        "index_url",
        (
            (("UV_DEFAULT_INDEX",), _named_urls),
            (("UV_INDEX_URL",), _words),
            (("PIP_INDEX_URL",), _words),
        ),
    ),
    (
        "extra_index_url",
        ((("UV_INDEX", "UV_EXTRA_INDEX_URL"), _named_urls), (("PIP_EXTRA_INDEX_URL",), _words)),
    ),
    ("find_links", ((("UV_FIND_LINKS",), _comma_separated), (("PIP_FIND_LINKS",), _words))),
    ("trusted_host", ((("UV_INSECURE_HOST",), _words), (("PIP_TRUSTED_HOST",), _words))),
    ("no_index", ((("UV_NO_INDEX",), _words), (("PIP_NO_INDEX",), _words))),
)


def index_values(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the index fields that variables of pip and uv set, by name."""
    values: dict[str, Any] = {}
    for field, groups in _INDEX:
        for names, read in groups:
            found = [part for name in names for part in read(environ.get(name, ""), environ)]
            if found:
                values[field] = _of_field(field, names[0], found)
                break
    return values


def _of_field(field: str, variable: str, found: list[str]) -> Any:
    if field == "no_index":
        return _truth(variable, found[0])
    if field == "index_url":
        if len(found) > 1:
            raise AsamanError(variable, "names more than one index")
        return found[0]
    return tuple(found)


def _truth(variable: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise AsamanError(variable, f"{shown(ascii(text), 60)} is neither true nor false")
    return text.lower() in _TRUE


def access_variables(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables of proxies, certificates and credentials, sorted."""
    access = {name: environ[name] for name in _ACCESS if environ.get(name)}
    if "SSL_CERT_FILE" not in access:
        for name in _CERTIFICATES:
            if path := environ.get(name):
                # requests takes a folder of certificates under the same variable.
                kind = "SSL_CERT_DIR" if Path(path).is_dir() else "SSL_CERT_FILE"
                access.setdefault(kind, path)
                break
    return tuple(sorted(access.items()))


def completion_variable(script: str) -> str:
    """Return the variable by which a shell asks *script* for completions, as click names it."""
    return f"_{script.replace('-', '_')}_COMPLETE".upper()


def completion_asked(script: str, environ: Mapping[str, str]) -> str:
    """Return what a shell asks *script* for, such as ``bash_source``; ``""`` where none does."""
    return environ.get(completion_variable(script), "")


def in_ci(environ: Mapping[str, str]) -> bool:
    """Return whether a CI service runs this, where nobody reads what is printed: it sets ``CI``."""
    return environ.get("CI", "").lower() not in {"", *_FALSE}


def own_variables() -> tuple[tuple[str, str], ...]:
    """Return the variables of this process; those of access count where it is a worker."""
    return tuple(sorted(os.environ.items()))


def default_cache() -> Path:
    """Return the folder of the store where none is configured.

    :raises AsamanError: the user has no home folder (exit 5)
    """
    import platformdirs

    path = platformdirs.user_cache_path("amrasaman-nox", appauthor=False)
    if not path.is_absolute():
        raise AsamanError(
            "cache folder",
            "this user has no home folder",
            hint="set one with --cache-dir",
            code=ExitCode.INPUT_OUTPUT,
        )
    return path
