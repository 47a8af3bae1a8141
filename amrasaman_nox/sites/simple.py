"""The pages of a site for installers, as HTML (PEP 503) and as JSON (PEP 691, PEP 700).

On ``file:`` URLs pip and uv read only the HTML, and a static server does not negotiate.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.reports.markup import escaped
from amrasaman_nox.sites import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amrasaman_nox.sites.entries import Entry, Project

#: The version of the interface that the pages follow (PEP 700, PEP 714, PEP 792).
API: Final = "1.4"


def list_html(projects: Iterable[Project]) -> str:
    """Return the page that lists all projects."""
    return _page("Projects", [_anchor(f"{each.name}/", each.name) for each in projects])


def list_json(projects: Iterable[Project]) -> str:
    """Return the list of all projects as JSON."""
    return _json({"projects": [{"name": each.name} for each in projects]})


def project_html(project: Project) -> str:
    """Return the page of *project*: an anchor for each wheel, with its sha256 and attributes."""
    return _page(f"Links for {project.name}", [_file_anchor(each) for each in project.entries])


def project_json(project: Project) -> str:
    """Return the page of *project* as JSON.

    Keys with an underscore are those that PEP 691 leaves to each index: where the record, the
    signatures and what ``verify`` found are.
    """
    return _json(
        {
            "name": project.name,
            "versions": sorted(project.versions),
            "files": [_file(each) for each in project.entries],
        }
    )


def _page(title: str, anchors: Sequence[str]) -> str:
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta name="pypi:repository-version" content="{API}">',
            f"<title>{title}</title>",
            "</head>",
            "<body>",
            f"<h1>{title}</h1>",
            *(f"{anchor}<br>" for anchor in anchors),
            "</body>",
            "</html>",
            "",
        ]
    )


def _anchor(url: str, text: str, **attributes: str) -> str:
    names = {f"data-{name.replace('_', '-')}": value for name, value in attributes.items()}
    pairs = {"href": url, **names}.items()
    given = " ".join(f'{name}="{escaped(value)}"' for name, value in pairs if value)
    return f"<a {given}>{escaped(text)}</a>"


def _file_anchor(entry: Entry) -> str:
    digest = entry.record.wheel.digest
    return _anchor(
        f"{_url(entry)}#{digest.algorithm}={digest.value}",
        entry.filename,
        requires_python=entry.requires_python,
        core_metadata=f"sha256={entry.metadata_digest.value}",
    )


def _url(entry: Entry, suffix: str = "") -> str:
    return layout.link(f"{layout.WHEELS}/{entry.filename}{suffix}", depth=2)


def _file(entry: Entry) -> dict[str, Any]:
    wheel = entry.record.wheel
    found: dict[str, Any] = {
        "filename": wheel.filename,
        "url": _url(entry),
        "hashes": {wheel.digest.algorithm: wheel.digest.value},
        "size": wheel.size,
        "core-metadata": {"sha256": entry.metadata_digest.value},
    }
    if entry.requires_python:
        found["requires-python"] = entry.requires_python
    return found | dict(_beside(entry))


def _beside(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "_record", _url(entry, layout.RECORD)
    if entry.signatures:
        yield "_signatures", _url(entry, layout.SIGNATURES)
    if entry.found:
        yield "_verdicts", _url(entry, layout.VERDICTS)


def _json(content: dict[str, Any]) -> str:
    return json.dumps({"meta": {"api-version": API}, **content}, indent=1) + "\n"
