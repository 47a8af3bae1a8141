"""How a wheel was built, from its record, for people who want to build it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.model import utc
from amrasaman_nox.reports.markup import code, escaped, items, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import BuildRecord, Digest, Interpreter


def recipe(record: BuildRecord) -> Iterator[str]:
    """Yield the recipe of a wheel as HTML: what it was built from, with, and where."""
    source = record.source
    kind = "Published wheel" if record.as_published else "Source"
    yield from pairs(
        [
            (kind, _file(source.filename, source.digest)),
            ("Modified", escaped(str(source.modified or ""))),
            ("Published by", escaped(str(record.publisher or ""))),
            ("Uploaded", escaped(utc(source.uploaded)) if source.uploaded else ""),
            ("Interpreter", _interpreter(record.interpreter)),
            ("Rust", escaped(f"{record.rust.version}, {record.rust.host}") if record.rust else ""),
            ("Build backend", code(record.backend)),
            *_world(record),
            ("Isolation", escaped(record.isolation)),
            ("Canonical passes", escaped(", ".join(record.passes))),
        ]
    )
    for title, rows in _lists(record):
        yield from _folded(title, list(rows))


def _file(name: str, digest: Digest) -> str:
    return f"{code(name)}<br>{code(str(digest))}"


def _interpreter(one: Interpreter | None) -> str:
    if one is None:
        return ""
    return escaped(f"{one.implementation} {one.version}, {one.platform}")


def _world(record: BuildRecord) -> Iterator[tuple[str, str]]:
    """Yield what of the build's environment a rebuilder can set."""
    if record.environment is None:
        return
    epoch = record.environment.source_date_epoch
    yield "Source date epoch", "" if epoch is None else str(epoch)
    yield "Variables", items(code(f"{one}={text}") for one, text in record.environment.variables)
    yield "Settings", items(code(f"{one}={text}") for one, text in record.config_settings)


def _lists(record: BuildRecord) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield what there can be many of, with titles."""
    files = record.requirements
    yield "Build requirements", (_file(each.filename, each.digest) for each in files)
    crates = record.source.crates or ()
    yield "Crates", (_file(each.filename, each.digest) for each in crates)
    yield "Tools", (f"{code(each.name)} {escaped(each.version)}" for each in record.tools)
    packages = (f"{each.name or 'no package'} {each.version}" for each in record.system)
    yield f"Packages of {record.distribution}", map(escaped, packages)


def _folded(title: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield f'<details class="following"><summary>{escaped(title)}: {len(rows)}</summary>'
        yield items(rows)
        yield "</details>"
