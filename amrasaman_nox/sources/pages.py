"""All sdists of a release, from the pages of the indexes themselves.

The index client names one sdist of a version. Old releases have two, a ``.tar.gz`` and a ``.zip``,
and a version may be there with a local label as well; then the pinned hash decides.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import digest_of
from amrasaman_nox.model import Digest, is_release
from amrasaman_nox.sdists.names import name_and_version
from amrasaman_nox.sources import access, download
from amrasaman_nox.sources.uv import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import IndexOptions, Pin


def sdists_of(pin: Pin, index: IndexOptions) -> Iterator[tuple[str, Artifact]]:
    """Yield the sdists of the pinned release with their versions, which may have a local label.

    Indexes come first, then folders and pages of links. A place that does not answer has none.
    """
    for url in access.index_urls(index):
        yield from _of(pin, _page(f"{url.rstrip('/')}/{pin.name}/", index))
    for place in index.find_links:
        yield from _of(pin, _page(place, index) if access.is_url(place) else _folder(pin, place))


def _of(pin: Pin, files: Iterable[Artifact]) -> Iterator[tuple[str, Artifact]]:
    for file in files:
        version = _version_of(pin, file.filename)
        if version is not None:
            yield version, file


def _version_of(pin: Pin, filename: str) -> str | None:
    """Return the version of an sdist, or ``None`` if it is not one of the pinned release."""
    with contextlib.suppress(ValueError):
        name, version = name_and_version(filename)
        return str(version) if name == pin.name and is_release(pin.version, str(version)) else None
    return None


def _folder(pin: Pin, folder: str) -> Iterator[Artifact]:
    for path in sorted(Path(folder).iterdir()):
        if _version_of(pin, path.name) is not None and path.is_file():
            yield Artifact(
                filename=path.name,
                url=path.absolute().as_uri(),
                digests=(Digest(algorithm="sha256", value=digest_of(path)),),
                size=path.stat().st_size,
                uploaded=None,
            )


def _page(url: str, index: IndexOptions) -> tuple[Artifact, ...]:
    """Return the files that a page names, by the simple API (PEP 503, PEP 691)."""
    try:
        text = download.page(url, index).decode()
        return tuple(_json(url, text) if text.startswith("{") else _html(url, text))
    except (AsamanError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _json(url: str, text: str) -> Iterator[Artifact]:
    for file in json.loads(text)["files"]:
        uploaded = file.get("upload-time")
        moment = datetime.fromisoformat(uploaded) if uploaded else None
        yield Artifact(
            filename=str(file["filename"]),
            url=access.without_credentials(urljoin(url, file["url"])),
            digests=_digests(file.get("hashes", {}).items()),
            size=file.get("size"),
            uploaded=moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None,
        )


def _digests(hashes: Iterable[Any]) -> tuple[Digest, ...]:
    found = []
    for algorithm, value in hashes:
        with contextlib.suppress(AsamanError):
            found.append(Digest(algorithm=algorithm, value=value))
    return tuple(found)


def links(page: str) -> tuple[str, ...]:
    """Return where the links of an HTML page lead, as they are written."""
    found = _Links()
    found.feed(page)
    return tuple(found.found)


def _html(url: str, text: str) -> Iterator[Artifact]:
    for link in links(text):
        place, _, fragment = urljoin(url, link).partition("#")
        yield Artifact(
            filename=unquote(urlsplit(place).path).rpartition("/")[2],
            url=access.without_credentials(place),
            digests=_digests([fragment.split("=", 1)] if "=" in fragment else []),
            size=None,
            uploaded=None,
        )


@dataclass(eq=False)
class _Links(HTMLParser):
    """Collects where the links of a page lead."""

    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if (tag, name) == ("a", "href") and value]
