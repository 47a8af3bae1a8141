"""What an index of crates has: releases, when they came out, and what they need.

Each crate has a file with one line of JSON for each release ("Index Format" in the Cargo book).
Its ``pubtime`` says when a release came out; many old ones have none. Whether a release was yanked
is known for today only.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import AsamanError, ExitCode, Kind
from amrasaman_nox.sdists.cargo_lock import is_crate_name
from amrasaman_nox.sdists.cargo_manifest import Dependency
from amrasaman_nox.sources import access, cargo, download
from amrasaman_nox.sources.crates import prefix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from amrasaman_nox.model import Crate
    from amrasaman_nox.sources.site import Site

    #: Returns the files of crates, by name; those that the index does not have are left out.
    Lookup = Callable[[Sequence[str]], Mapping[str, bytes]]

_FETCHERS: Final = 8
_LARGEST: Final = 16 << 20
#: More crates than any source needs.
_MOST_CRATES: Final = 3000
_NUMBERS: Final = re.compile(r"[\^~=\s]*(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_Bucket = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One release of a crate: its line of the index, and what is read from it.

    ``published`` is in UTC, ``None`` where the index does not say. ``features`` maps each feature
    to what it turns on.
    """

    version: str
    line: bytes
    published: datetime | None = None
    dependencies: tuple[Dependency, ...] = ()
    features: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Major, minor and patch number."""
        return _numbers(self.version)

    def needed(self, features: Iterable[str]) -> Iterator[Dependency]:
        """Yield what is needed with *features* and the default ones."""
        on = self._turned_on(features)
        for one in self.dependencies:
            if not one.optional or one.alias in on:
                yield one

    def _turned_on(self, features: Iterable[str]) -> set[str]:
        todo, seen = ["default", *features], set[str]()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += [_feature(item) for item in self.features.get(name, ())]
        return seen


def _feature(item: str) -> str:
    return item.removeprefix("dep:").partition("/")[0].rstrip("?")


def lookup_of(site: Site) -> Lookup:
    """Return what looks crates up where the user takes them from.

    :raises AsamanError: there is no toolchain (exit 4), or that place is no index (exit 2)
    """
    rust = site.rust
    if rust is None:
        raise AsamanError("crates", "no crate index is known")
    place = rust.crate_index
    if place and not access.is_url(place):
        raise AsamanError(
            "--crate-index",
            f"{place} is a folder of files, but a source without a Cargo.lock requires an index",
            hint="name the URL of a sparse index",
        )
    if place:
        return lambda names: _fetched(place, names, site)
    program, variables = rust.toolchain("").cargo_program, dict(rust.variables)
    return lambda names: cargo.index_files(program, variables, site.store, names)


def _fetched(place: str, names: Sequence[str], site: Site) -> dict[str, bytes]:
    base = place.removeprefix("sparse+").rstrip("/")

    def fetch(name: str) -> bytes | None:
        lower = name.lower()
        url = f"{base}/{prefix_of(lower)}/{lower}"
        try:
            return download.page(url, site.index, accept="text/plain", largest=_LARGEST)
        except AsamanError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    with ThreadPoolExecutor(_FETCHERS) as pool:
        found = dict(zip(names, pool.map(fetch, names), strict=True))
    return {name: content for name, content in found.items() if content is not None}


def releases(content: bytes, until: datetime) -> tuple[Release, ...]:
    """Return the releases in a file of the index that came out by *until*, oldest first.

    Those of which the index does not say when they came out are among them, yanked ones are not.
    """
    found = (_release(line) for line in content.splitlines() if line.strip())
    kept = (one for one in found if one is not None and (one.published or until) <= until)
    return tuple(sorted(kept, key=lambda one: one.numbers))


def _release(line: bytes) -> Release | None:
    """Return what *line* says; cargo ignores a line that it does not understand."""
    try:
        facts = json.loads(line)
        if facts.get("yanked"):
            return None
        return Release(
            version=facts["vers"],
            line=line,
            published=_moment(facts.get("pubtime")),
            dependencies=tuple(map(_dependency, filter(_is_needed, facts["deps"]))),
            features={**facts.get("features", {}), **(facts.get("features2") or {})},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None


def _is_needed(facts: dict[str, Any]) -> bool:
    return facts.get("kind") != "dev" and not facts.get("registry")


def _dependency(facts: dict[str, Any]) -> Dependency:
    return Dependency(
        name=facts.get("package") or facts["name"],
        requirement=facts["req"],
        features=tuple(facts.get("features", ())),
        alias=facts["name"],
        optional=bool(facts.get("optional")),
    )


@dataclass(kw_only=True, slots=True)
class PartialIndex:
    """The part of an index that a resolution needs, as of a date; it grows as crates are found.

    What is needed is estimated: of each crate the newest release that fits is looked into. Where
    cargo takes an older one, since something is missing or does not fit, :meth:`complete` looks
    into those that it left out.
    """

    lookup: Lookup
    until: datetime
    found: dict[str, tuple[Release, ...]] = field(default_factory=dict)
    _features: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _buckets: dict[str, set[_Bucket | None]] = field(default_factory=lambda: defaultdict(set))
    _followed: set[tuple[str, _Bucket, frozenset[str]]] = field(default_factory=set)

    def add(self, wanted: Iterable[Dependency]) -> None:
        """Look up *wanted* and what they need.

        :raises AsamanError: the index cannot be asked (exit 5), or there are too many (exit 3)
        """
        todo = [one for one in wanted if is_crate_name(one.name)]
        while todo:
            unknown = sorted({one.name for one in todo} - self.found.keys())
            if len(self.found) + len(unknown) > _MOST_CRATES:
                raise AsamanError(
                    "crates", f"more than {_MOST_CRATES:,} are needed", code=ExitCode.BUILD_FAILED
                )
            pages = self.lookup(unknown) if unknown else {}
            for name in unknown:
                self.found[name] = releases(pages.get(name, b""), self.until)
            todo = [new for one in todo for new in self._next(one) if is_crate_name(new.name)]

    def complete(self, chosen: Iterable[Crate]) -> bool:
        """Look up what releases need that could have been *chosen*; return whether that was new."""
        before = len(self.found)
        for crate in chosen:
            lowest, buckets = _numbers(crate.version), self._buckets[crate.name]
            for release in self.found.get(crate.name, ()):
                fits = None in buckets or _bucket(release.numbers) in buckets
                if fits and release.numbers >= lowest:
                    self.add(release.needed(self._features[crate.name]))
        return len(self.found) > before

    def _next(self, wanted: Dependency) -> tuple[Dependency, ...]:
        self._features[wanted.name].update(wanted.features)
        self._buckets[wanted.name].add(_bucket_of(wanted.requirement))
        release = _newest(self.found[wanted.name], wanted.requirement)
        if release is None:
            return ()
        key = (wanted.name, release.numbers, frozenset(wanted.features))
        if key in self._followed:
            return ()
        self._followed.add(key)
        return tuple(release.needed(wanted.features))

    def write(self, folder: Path) -> None:
        """Write a local registry without the crates themselves ("Local Registry Sources")."""
        for name, found in self.found.items():
            lower = name.lower()
            path = folder / "index" / prefix_of(lower) / lower
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(one.line + b"\n" for one in found))

    def is_dated(self, name: str, version: str) -> bool:
        """Return whether the index says when a release came out."""
        return any(
            one.version == version and one.published is not None for one in self.found.get(name, ())
        )


def _numbers(version: str) -> tuple[int, int, int]:
    found = _NUMBERS.match(version)
    major, minor, patch = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return major, minor, patch


def _newest(found: Sequence[Release], requirement: str) -> Release | None:
    """Return the newest release that *requirement* may mean; final ones come first."""
    bucket = _bucket_of(requirement)
    fitting = [one for one in found if bucket is None or _bucket(one.numbers) == bucket]
    final = [one for one in fitting if "-" not in one.version]
    return next(reversed(final or fitting), None)


def _bucket(numbers: tuple[int, ...]) -> _Bucket:
    """Return the numbers that compatible releases share ("Version requirement syntax")."""
    first = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    return numbers[: first + 1]


def _bucket_of(requirement: str) -> _Bucket | None:
    found = _NUMBERS.match(requirement)
    if found is None:
        return None
    given = tuple(int(part) for part in found.groups() if part is not None)
    # Without a second number, 0 means all releases below 1.
    return None if not any(given) and len(given) < 3 else _bucket(given)
