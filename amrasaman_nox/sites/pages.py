"""The pages of a site for people: one for each project, and one that lists them.

They are complete without a script; that of the first one filters and sorts.
"""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING, Final

from amrasaman_nox.agreement.votes import line
from amrasaman_nox.model import Verdict
from amrasaman_nox.reports.markup import (
    BADGES,
    badge,
    code,
    controls,
    data,
    escaped,
    items,
    page,
    pairs,
)
from amrasaman_nox.sites import layout
from amrasaman_nox.sites.recipe import recipe
from amrasaman_nox.verification.verdicts import worst_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amrasaman_nox.sites.entries import Entry, Project
    from amrasaman_nox.verification.verdicts import Found

_TITLE: Final = "Reproducible wheels"
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB")
#: What belongs to a wheel, by what is behind its name.
_FILES: Final = (
    ("", "wheel"),
    (layout.METADATA, "metadata"),
    (layout.RECORD, "record"),
    (layout.SIGNATURES, "signatures"),
    (layout.VERDICTS, "verdicts"),
)
_HEADS: Final = ("Project", "Version", "Wheels", "Signatures", "Verdict")


# --- all projects ------------------------------------------------------------------------------


def start(projects: tuple[Project, ...]) -> str:
    """Return the page that lists *projects*, with what filters them."""
    return page(_TITLE, _start(projects))


def _start(projects: tuple[Project, ...]) -> Iterator[str]:
    wheels = sum(len(each.entries) for each in projects)
    states = Counter(str(_verdict(each.entries)) for each in projects)
    yield f"<header><h1>{_TITLE}</h1>"
    yield '<ul class="counts">'
    for label, number in (("projects", len(projects)), ("wheels", wheels), *sorted(states.items())):
        yield f'<li class="badge {BADGES.get(label, "")}">{number} {label}</li>'
    yield "</ul>"
    yield from controls(sorted(states))
    yield "</header><main>"
    heads = "".join(f"<th>{head}</th>" for head in _HEADS)
    yield f"<table><thead><tr>{heads}</tr></thead><tbody data-list>"
    yield from map(_row, projects)
    yield "</tbody></table>"
    yield "<h2>Install</h2>"
    yield _install("requirements.txt")
    yield from _end()


def _row(project: Project) -> str:
    verdict = _verdict(project.entries)
    link = escaped(layout.link(layout.project_page(project.name), depth=0))
    cells = (
        f'<a href="{link}"><b>{escaped(project.name)}</b></a>'
        f'<br><span class="why">{escaped(project.summary)}</span>',
        _labelled("version", escaped(", ".join(project.versions))),
        _labelled("wheels", str(len(project.entries))),
        _labelled("signatures", _signatures(project.entries)),
        badge(verdict),
    )
    row = "".join(each if each.startswith("<td") else f"<td>{each}</td>" for each in cells)
    return f"<tr {data(project.name, verdict)}>{row}</tr>"


def _labelled(label: str, text: str) -> str:
    return f'<td data-label="{label}">{text}</td>'


def _install(file: str) -> str:
    return (
        "<p>The folder <code>simple</code> of this site is a package index. Take it as the only "
        "one:</p>"
        f'<pre tabindex="0">pip install --require-hashes --index-url SITE/simple/ -r {file}\n'
        f"uv pip install --require-hashes --default-index SITE/simple/ -r {file}</pre>"
    )


# --- one project -------------------------------------------------------------------------------


def project(one: Project) -> str:
    """Return the page of a project: verdict, signed records, recipes and wheels."""
    title = f"{escaped(one.name)}: {_TITLE.lower()}"
    return page(title, _project(one), scripted=False)


def _project(one: Project) -> Iterator[str]:
    up = layout.link(layout.PAGE, depth=1)
    yield f'<header><p><a href="{up}">All projects</a></p><h1>{escaped(one.name)}</h1>'
    if one.summary:
        yield f"<p>{escaped(one.summary)}</p>"
    yield f"<p>{badge(_verdict(one.entries))} {escaped(_sentence(one))}</p>"
    yield "</header><main>"
    for number, group in groupby(one.entries, key=lambda each: each.record.version):
        entries = tuple(group)
        yield f"<h2>{escaped(number)}</h2>"
        yield f'<pre tabindex="0">{_pin(entries)}</pre>'
        yield f'<section class="sources" aria-label="Wheels of {escaped(number)}">'
        for entry in entries:
            yield from _wheel(entry, opened=len(one.entries) == 1)
        yield "</section>"
    yield from _end()


def _sentence(one: Project) -> str:
    """Return what a reader must know before all else."""
    total = len(one.entries)
    checked = sum(each.verdict is not Verdict.UNCHECKED for each in one.entries)
    signed = sum(bool(each.signatures) for each in one.entries)
    return f"{checked} of {total} wheels verified, {signed} of {total} with signed records."


def _pin(entries: Iterable[Entry]) -> str:
    """Return the requirement with the hashes of all wheels of a release, escaped."""
    records = [each.record for each in entries]
    hashes = sorted({str(record.wheel.digest) for record in records})
    parts = [f"{records[0].name}=={records[0].version}", *(f"--hash={each}" for each in hashes)]
    parts = list(map(escaped, parts))
    return " \\\n    ".join(parts)


def _wheel(entry: Entry, *, opened: bool) -> Iterator[str]:
    wheel, verdict = entry.record.wheel, entry.verdict
    yield f"<details{' open' if opened else ''}>"
    yield (
        f"<summary><b>{escaped(_tags(wheel.filename))}</b><span>{badge(verdict)}</span>"
        f'<span class="why">{escaped(_signatures([entry]))}</span></summary>'
    )
    yield '<div class="body">'
    yield from pairs(
        [
            ("Wheel", code(wheel.filename)),
            ("Hash", code(str(wheel.digest))),
            ("Hash of the content", code(str(wheel.content_digest))),
            ("Size", _size(wheel.size)),
            ("Requires Python", code(entry.requires_python)),
            ("Files", " · ".join(_links(entry))),
            ("Verdict", items(map(_comparison, entry.found)) or badge(verdict)),
            ("Votes", items(map(escaped, _votes(entry)))),
        ]
    )
    yield "<h3>Recipe</h3>"
    yield from recipe(entry.record)
    yield "</div></details>"


def _signatures(entries: Sequence[Entry]) -> str:
    """Return how many votes each of *entries* has at least, or how many records are signed."""
    voted = [each.tally for each in entries if each.tally is not None and not each.tally.exempt]
    if voted:
        return f"{min(len(each.groups) for each in voted)} of {voted[0].needed} votes"
    signed = sum(len(each.signatures) for each in entries)
    return f"{signed or 'no'} signed record{'s' * (signed != 1)}"


def _votes(entry: Entry) -> Iterator[str]:
    """Yield what each rebuilder of the policy says of a wheel."""
    if entry.tally is not None:
        yield from filter(None, [entry.tally.exempt])
        yield from map(line, entry.tally.votes)


def _tags(filename: str) -> str:
    return "-".join(filename.removesuffix(".whl").split("-")[2:])


def _links(entry: Entry) -> Iterator[str]:
    there = {layout.SIGNATURES: entry.signatures, layout.VERDICTS: entry.found}
    for suffix, label in _FILES:
        if there.get(suffix, True):
            url = layout.link(f"{layout.WHEELS}/{entry.filename}{suffix}", depth=1)
            yield f'<a href="{escaped(url)}">{label}</a>'


def _comparison(found: Found) -> str:
    """Return one line: what the wheel was compared with, and what came of it."""
    varied = f"varied: {', '.join(found.varied)}" if found.varied else ""
    about = [escaped(text) for text in (found.proof, found.reason, varied) if text]
    line = f"{badge(found.verdict)} {escaped(found.against)}"
    return "; ".join([line, *about])


# --- both --------------------------------------------------------------------------------------


def _verdict(entries: Iterable[Entry]) -> Verdict:
    """Return the verdict that says most against *entries*; each of them counts."""
    return worst_of(entry.verdict for entry in entries)


def _size(count: int) -> str:
    """Return a number of bytes for people."""
    number, unit = float(count), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{count} {_UNITS[0]}"


def _end() -> Iterator[str]:
    yield "</main><footer>"
    yield f"<p>Written by amrasaman-nox {version('amrasaman-nox')}</p>"
    yield "</footer>"
