"""Write a static package index of wheels: one folder that pip and uv install from, and people read.

The site is what its wheels say and nothing else, so that the same wheels give the same bytes. Each
file is put in place by one rename: wheels first, then what links to them, so that a reader never
finds a link without its file. A later run adds wheels, and does not touch what stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.files import put_in_place
from amrasaman_nox.model import BuildOutcome, Report
from amrasaman_nox.runs import merge
from amrasaman_nox.sites import admission, layout, pages, simple
from amrasaman_nox.sites.entries import projects_of, read_entry
from amrasaman_nox.sites.signatures import signed_at
from amrasaman_nox.verification import verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from amrasaman_nox.agreement.votes import Tally
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Event
    from amrasaman_nox.record_files import RecordFile
    from amrasaman_nox.sites.entries import Entry, Project
    from amrasaman_nox.verification.verdicts import Found


def make_index(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    """Write the site of the wheels in the folders of *config*, and of those that it has.

    :param notify: not used: nothing here takes long
    :raises AsamanError: a folder is missing, a wheel contradicts its record, or two wheels of one
        name differ (exit 2; all are named); other users can have written a wheel that our store
        does not know (exit 4); the policy lets no wheel through (exit 1); or something cannot be
        written (exit 5)
    """
    if config.site is None:
        raise AsamanError("no site", "missing argument SITE")
    inside = config.site / layout.WHEELS
    folders = [*config.folders, *([inside] if inside.is_dir() else [])]
    notes: list[str] = []
    files, problems = merge.collected(folders, config, notes)
    problems += merge.in_the_way(inside, files.values())
    if not files and not problems:
        problems.append(_no_wheels(config))
    if problems:
        raise all_of(problems)
    votes = admission.tallies(config, files, folders)
    admission.check_some(votes)
    notes += admission.notes(votes)
    files = {name: file for name, file in files.items() if admission.lets(votes.get(name))}
    given = _Given(folders, verdicts.read_reports(config.reports), votes)
    entries = list(_entries(files, given, problems, notes))
    if problems:
        raise all_of(problems)
    _write(config.site, files, projects_of(entries), refused=votes.keys() - files.keys())
    return Report(
        command="package_index",
        build=BuildOutcome(
            records=tuple(each.record for each in entries),
            notes=(*dict.fromkeys(notes), _usage(config.site)),
            listed=True,
        ),
        output=str(config.site),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """What there is of wheels besides their records: folders, reports, and votes by file name."""

    folders: Sequence[Path]
    reports: verdicts.Reports
    votes: Mapping[str, Tally]


def _usage(site: Path) -> str:
    url = f"{(site / layout.SIMPLE).as_uri()}/"
    return f"pip takes it with --index-url {url}, uv with --default-index {url}"


def _no_wheels(config: Config) -> AsamanError:
    return AsamanError(
        ", ".join(map(str, config.folders)),
        "no wheel with a provenance record",
        hint="build wheels with: asaman -r requirements.txt",
    )


def _entries(
    files: Mapping[str, RecordFile],
    given: _Given,
    problems: list[AsamanError],
    notes: list[str],
) -> Iterator[Entry]:
    """Yield an entry for each of *files*, by name; what is wrong is added to *problems*."""
    for name, file in sorted(files.items()):
        places = [folder / name for folder in given.folders]
        try:
            signed = tuple(signed_at(places, notes))
            found = _found(file, places, given.reports)
            yield read_entry(file, signed, found, given.votes.get(name))
        except AsamanError as error:
            problems.append(error)


def _found(
    file: RecordFile, places: Iterable[Path], reports: verdicts.Reports
) -> tuple[Found, ...]:
    """Return what ``verify`` came to: what is kept beside the wheel, and what *reports* say."""
    digest = file.record.wheel.digest
    found: tuple[Found, ...] = ()
    for place in places:
        kept = verdicts.read_beside(verdicts.beside(place), digest)
        found = verdicts.merged(found, kept)
    return verdicts.merged(found, reports.get((file.wheel.name, digest), ()))


def _write(
    site: Path,
    files: Mapping[str, RecordFile],
    projects: tuple[Project, ...],
    refused: Collection[str],
) -> None:
    try:
        merge.write_wheels(site / layout.WHEELS, files.values())
        written = dict(_files(projects))
        for path, content in written.items():
            _put(site / path, content)
        _drop_others(site, {*written, *_wheels(projects)})
        for name in refused:
            (site / layout.WHEELS / name).unlink(missing_ok=True)
    except OSError as error:
        what = str(error.filename or site)
        raise AsamanError(what, system_reason(error), code=ExitCode.INPUT_OUTPUT) from None


def _files(projects: tuple[Project, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield the paths and contents of all files but wheels and records; links come last."""
    for project in projects:
        for entry in project.entries:
            yield from _beside(entry)
    for project in projects:
        yield layout.simple_page(project.name), simple.project_html(project).encode()
        yield layout.simple_page(project.name, layout.JSON), simple.project_json(project).encode()
        yield layout.project_page(project.name), pages.project(project).encode()
    yield f"{layout.SIMPLE}/{layout.PAGE}", simple.list_html(projects).encode()
    yield f"{layout.SIMPLE}/{layout.JSON}", simple.list_json(projects).encode()
    yield layout.PAGE, pages.start(projects).encode()


def _beside(entry: Entry) -> Iterator[tuple[str, bytes]]:
    place = f"{layout.WHEELS}/{entry.filename}"
    yield place + layout.METADATA, entry.metadata
    if entry.signatures:
        yield place + layout.SIGNATURES, b"\n".join(entry.signatures) + b"\n"
    if entry.found:
        text = verdicts.render(entry.record.wheel.digest, entry.found)
        yield place + layout.VERDICTS, text.encode()


def _wheels(projects: tuple[Project, ...]) -> Iterator[str]:
    for project in projects:
        for entry in project.entries:
            place = f"{layout.WHEELS}/{entry.filename}"
            yield from (place, place + layout.RECORD)


def _drop_others(site: Path, kept: Collection[str]) -> None:
    """Remove what belongs to wheels that are no longer there: pages, then what was beside them."""
    for path in layout.own_files(site):
        if path.relative_to(site).as_posix() not in kept:
            path.unlink()
            if path.parent.parent.name == layout.SIMPLE and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _put(path: Path, content: bytes) -> None:
    """Put *content* at *path*, unless it is there: a server need not send it again."""
    if not path.is_symlink() and path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    put_in_place(path, content)
