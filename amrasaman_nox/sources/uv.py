"""The index client: runs uv, and reads what it lists and resolves.

The one index client is uv. It runs foreign code when it resolves dependencies of sdists, so it is
asked to locate with ``--no-deps`` and to resolve with ``--no-build``; it reads no configuration
and gets no variables but those of access.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from packaging.utils import (
    canonicalize_name,
)

from amrasaman_nox import strict_toml
from amrasaman_nox.errors import HIDDEN, AsamanError, ExitCode, redacted, system_reason
from amrasaman_nox.model import Digest
from amrasaman_nox.sources import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from amrasaman_nox.model import IndexOptions

ALGORITHMS: Final = ("sha256", "sha384", "sha512")
# Seconds after which the index client is ended; it has timeouts of its own for each request.
_PATIENCE: Final = 900
#: Connections that the index client opens at once. Name servers drop what comes in a burst, which
#: costs seconds; resolutions are made several at a time, with one connection each.
_CONNECTIONS: Final = 16

_ACCESS_VARIABLES: Final = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC", "HOME", "PATH"),
        *("UV_KEYRING_PROVIDER", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES"),
    }
)
_INDEX_VARIABLE: Final = re.compile(r"UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file on an index: its URL, hashes, size in bytes and upload time, as far as known."""

    filename: str
    url: str
    digests: tuple[Digest, ...]
    size: int | None
    uploaded: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What an index has of one version; of the wheels, those that the interpreter could take."""

    name: str
    version: str
    sdist: Artifact | None
    wheels: tuple[Artifact, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The index client with all that does not change between its calls."""

    index: IndexOptions
    python: str
    cache: Path
    connections: int = _CONNECTIONS

    def run(self, arguments: Iterable[str], lines: Iterable[str]) -> Answer:
        """Compile *lines* to a ``pylock.toml`` (PEP 751)."""
        form = ("--format", "pylock.toml", "--generate-hashes")
        return self._compile((*form, *_index_arguments(self.index), *arguments), lines)

    def default_index(self) -> str:
        """Return the URL of the index that the client itself asks where none is named."""
        said = self._compile(("--emit-index-url",), ()).output.split()
        return said[said.index("--index-url") + 1]

    def _compile(self, arguments: Iterable[str], lines: Iterable[str]) -> Answer:
        command = [
            find_uv(),
            *("pip", "compile", "--no-config"),
            *("--no-header", "--no-sources", "--color", "never", "--no-progress"),
            *("--no-python-downloads", "--python", self.python, "--cache-dir", str(self.cache)),
            *arguments,
            "-",
        ]
        make_folder(self.cache)
        try:
            ran = subprocess.run(
                command,
                input="".join(f"{line}\n" for line in lines).encode(),
                capture_output=True,
                env={
                    **_environment(self.index),
                    "UV_CONCURRENT_DOWNLOADS": str(self.connections),
                },
                cwd="/",
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AsamanError("package index", "timed out", code=ExitCode.INPUT_OUTPUT) from error
        except OSError as error:
            raise AsamanError("uv", system_reason(error), code=ExitCode.NOT_AVAILABLE) from error
        answer = Answer(
            code=ran.returncode,
            output=ran.stdout.decode(errors="replace"),
            messages=_hidden(ran.stderr.decode(errors="replace"), access.secrets(self.index)),
        )
        if answer.code not in {0, 1}:
            raise _broken(answer)
        return answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one call of the index client came to: exit code, output and messages."""

    code: int
    output: str
    messages: str


def _hidden(messages: str, secrets: Iterable[str]) -> str:
    """Return *messages* without *secrets*: the client may quote a part of what it was given."""
    messages = redacted(messages)  # A secret that is a part of a URL would hide where it ends.
    for secret in secrets:
        messages = messages.replace(secret, HIDDEN)
    return messages


def listed_packages(output: str) -> list[Listed]:
    """Parse a ``pylock.toml`` of the index client (PEP 751)."""
    return [
        Listed(
            name=canonicalize_name(package["name"]),
            version=package["version"],
            sdist=_artifact(package["sdist"]) if "sdist" in package else None,
            wheels=tuple(_artifact(wheel) for wheel in package.get("wheels", ())),
        )
        for package in strict_toml.parse(output).get("packages", ())
        if "version" in package
    ]


def _artifact(table: Mapping[str, Any]) -> Artifact:
    url = table["url"] if "url" in table else Path(table["path"]).absolute().as_uri()
    uploaded = table.get("upload-time")
    if isinstance(uploaded, datetime) and uploaded.tzinfo is None:
        uploaded = uploaded.replace(tzinfo=UTC)
    return Artifact(
        filename=table.get("name") or unquote(urlsplit(url).path).rpartition("/")[2],
        url=access.without_credentials(url),
        digests=tuple(
            Digest(algorithm=algorithm, value=table["hashes"][algorithm])
            for algorithm in ALGORITHMS
            if algorithm in table.get("hashes", {})
        ),
        size=table.get("size"),
        uploaded=uploaded,
    )


def reason_of(messages: str) -> str:
    """Return what the index client says is the cause, as one line."""
    after = messages.partition("cause:")[2] or messages.partition("error:")[2] or messages
    text = " ".join(after.partition("\nhint:")[0].split())
    return re.sub(r",? we can conclude that your requirements are unsatisfiable\.?$", "", text)


def _broken(answer: Answer) -> AsamanError:
    """Return the error for an index that could not be asked."""
    causes = [" ".join(cause.split()) for cause in answer.messages.split("cause:")[1:]]
    first = re.search(r"(?m)^error: (.*)", answer.messages)
    url = re.search(r"(?:https?|file)://[^\s`)]+", answer.messages)
    what = url[0] if url else "package index"
    why = causes[-1].partition(" hint:")[0] if causes else first[1] if first else "no answer"
    if url is None and first is not None and first[1] != why:
        return AsamanError("package index", f"{first[1]}: {why}", code=ExitCode.INPUT_OUTPUT)
    return AsamanError(
        what,
        why,
        hint="check the network and the URL of the index, or use cached files only with --offline",
        code=ExitCode.INPUT_OUTPUT,
    )


def make_folder(folder: Path) -> None:
    """Make *folder* (0700) and its parents.

    :raises AsamanError: it cannot be made (exit 5)
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AsamanError(str(folder), system_reason(error), code=ExitCode.INPUT_OUTPUT) from error


def _index_arguments(index: IndexOptions) -> list[str]:
    arguments = ["--no-index"] if index.no_index else []
    for host in index.trusted_hosts:
        arguments += ["--allow-insecure-host", host]
    return [*arguments, "--offline"] if index.offline else arguments


def _environment(index: IndexOptions) -> dict[str, str]:
    """Return the whole environment of the index client.

    URLs are in it, since others can read a command line, and URLs may hold credentials.
    """
    environment = {
        name: value
        for name, value in index.environment
        if name in _ACCESS_VARIABLES or _INDEX_VARIABLE.fullmatch(name)
    }
    if index.index_url is not None and not index.no_index:
        environment["UV_DEFAULT_INDEX"] = index.index_url
    if index.extra_index_urls and not index.no_index:
        environment["UV_INDEX"] = " ".join(index.extra_index_urls)
    if index.find_links:
        places = (
            place if access.is_url(place) else Path(place).absolute().as_uri()
            for place in index.find_links
        )
        environment["UV_FIND_LINKS"] = ",".join(place.replace(",", "%2C") for place in places)
    return environment


def find_uv() -> str:
    """Return the path of uv.

    :raises AsamanError: it is not installed (exit 4)
    """
    import uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise AsamanError(
            "uv", "not installed", hint="install it: pip install uv", code=ExitCode.NOT_AVAILABLE
        ) from error
