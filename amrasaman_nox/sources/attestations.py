"""What an index has to say of who published a file: its provenance object (PEP 740).

It is fetched and not judged here; ``agreement/publishers.py`` verifies it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox import strict_json
from amrasaman_nox.errors import AsamanError, ExitCode, Kind
from amrasaman_nox.sources import access, download
from amrasaman_nox.sources.uv import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Source
    from amrasaman_nox.sources.site import Site
    from amrasaman_nox.strict_json import Value

#: The pages that have the key ``provenance``, and the objects that it leads to.
_PAGE: Final = "application/vnd.pypi.simple.v1+json"
_PROVENANCE: Final = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
#: The largest provenance object that is read, in bytes; one has about ten thousand.
_LARGEST: Final = 4 << 20


def provenance_of(source: Source, site: Site, python: str) -> bytes | None:
    """Return the provenance object of the file of *source*, ``None`` where no index has one.

    It costs a request for the page of the project, and one for the object.

    :param python: the path of an interpreter, for the index client
    :raises AsamanError: an index cannot be asked (exit 5), or answers with something else (exit 2)
    """
    for index in _indexes(site, python):
        url = _link(f"{index.rstrip('/')}/{source.name}/", source, site)
        if url is not None:
            return download.page(url, site.index, accept=_PROVENANCE, largest=_LARGEST)
    return None


def _indexes(site: Site, python: str) -> Iterator[str]:
    """Yield the URLs of the indexes that have pages over HTTP."""
    index = site.index
    if index.no_index or index.offline:
        return
    if index.index_url is None:
        yield Client(index=index, python=python, cache=site.index_cache).default_index()
    yield from (url for url in access.index_urls(index) if not url.startswith("file:"))


def _link(page: str, source: Source, site: Site) -> str | None:
    """Return where the provenance object of *source* is by *page*, ``None`` where it has none."""
    try:
        content = download.page(page, site.index, accept=_PAGE)
    except AsamanError as error:
        if error.kind is Kind.NOT_FOUND:
            return None
        raise
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        return _in_page(strict_json.parse(content), source)
    except strict_json.Malformed as malformed:
        raise AsamanError(page, f"malformed: {malformed}", code=ExitCode.INPUT_OUTPUT) from None


def _in_page(document: Value, source: Source) -> str | None:
    for file in document["files"].items():
        digest = file["hashes"].get(source.digest.algorithm)
        if digest is not None and digest.text() == source.digest.value:
            found = file.get("provenance")
            return None if found is None else found.text()
    return None
