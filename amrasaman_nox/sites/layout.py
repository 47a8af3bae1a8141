"""Where the files of a site are, and how pages link to them.

``simple/`` is what installers read (PEP 503, PEP 691), ``wheels/`` has the wheels with what belongs
to each, ``projects/`` has a page for people for each project, and ``index.html`` lists these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from amrasaman_nox import records
from amrasaman_nox.agreement import envelopes
from amrasaman_nox.verification import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The folders of a site.
SIMPLE, WHEELS, PROJECTS = "simple", "wheels", "projects"
#: The page of a folder for a server that is asked for the folder.
PAGE: Final = "index.html"
#: The same as JSON (PEP 691); a static server does not negotiate, so it has a name of its own.
JSON: Final = "index.json"
#: What is beside a wheel, by what follows its name: its METADATA (PEP 658), its record, the signed
#: records, and what ``verify`` found.
METADATA, RECORD = ".metadata", records.SUFFIX
SIGNATURES, VERDICTS = envelopes.SUFFIX, verdicts.SUFFIX


def simple_page(project: str, name: str = PAGE) -> str:
    """Return where a page of *project* (normalised) for installers is in the site."""
    return f"{SIMPLE}/{project}/{name}"


def project_page(project: str) -> str:
    """Return where the page of *project* (normalised) for people is in the site."""
    return f"{PROJECTS}/{project}.html"


def link(path: str, depth: int) -> str:
    """Return the relative URL of *path* in a page that is *depth* folders below the site.

    What is special in a URL is percent-encoded: a local version has a plus sign, and some servers
    read it as a blank.
    """
    return "../" * depth + quote(path)


def own_files(site: Path) -> Iterator[Path]:
    """Yield what a former run wrote into *site* for its wheels: pages first, no wheels."""
    for pattern in (f"{SIMPLE}/*/{PAGE}", f"{SIMPLE}/*/{JSON}", f"{PROJECTS}/*.html"):
        yield from sorted(site.glob(pattern))
    for suffix in (METADATA, RECORD, SIGNATURES, VERDICTS):
        yield from sorted((site / WHEELS).glob(f"*.whl{suffix}"))
