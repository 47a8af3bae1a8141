"""Where a wheel comes from: its sdist, what built it, what built that, down to published wheels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amrasaman_nox import record_files, records
from amrasaman_nox.config.variables import default_cache
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Branch, Digest, Origins, Report
from amrasaman_nox.runs.sourced import KEPT
from amrasaman_nox.runs.stages import PROVENANCE
from amrasaman_nox.sources import trusted
from amrasaman_nox.sources.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord, LockedFile, Notify


def show_tree(config: Config, *, notify: Notify | None = None) -> Report:
    """Follow the record of the configured wheel, and those of what built it, to their ends.

    :param notify: not used: nothing here takes long
    :raises AsamanError: the wheel has no record (exit 2), or a record is not the caller's (exit 4)
        or is missing (exit 5)
    """
    if config.wheel is None:
        raise AsamanError("no wheel", "missing argument WHEEL")
    file = record_files.read_file(record_files.beside(config.wheel))
    if file.wheel != config.wheel or not trusted.is_whole(file):
        raise AsamanError(str(config.wheel), "its record is of other bytes")
    trusted.check([file], config)
    walk = _Walk(find=_finder(config, file.wheel.parent))
    branches = tuple(walk.down(file.record, 0))
    published = tuple(dict.fromkeys(each for each in branches if each.what == "published"))
    return Report(command="tree", origins=Origins(branches=branches, published=_plain(published)))


def _plain(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """Return each file once, sorted by its name."""
    by_digest = {each.digest: each for each in branches}
    return tuple(sorted(by_digest.values(), key=lambda each: (each.name, each.digest)))


@dataclass(kw_only=True, slots=True)
class _Walk:
    """One way down; ``find`` returns a record by its digest. What was shown is not shown again."""

    find: Callable[[LockedFile], BuildRecord]
    seen: set[Digest] = field(default_factory=set)

    def down(self, record: BuildRecord, depth: int) -> Iterator[Branch]:
        """Yield the wheel of *record*, and below it what it was made of."""
        wheel, own = record.wheel, records.digest(record)
        what = "published" if record.as_published else "above" if own in self.seen else "built"
        yield Branch(depth=depth, what=what, name=wheel.filename, digest=wheel.digest)
        if what != "built":
            return
        self.seen.add(own)
        source = record.source
        kind = "sdist" if source.modified is None else "modified"
        yield Branch(depth=depth + 1, what=kind, name=source.filename, digest=source.digest)
        for file in record.requirements:
            if file.record is None:
                yield Branch(
                    depth=depth + 1, what="published", name=file.filename, digest=file.digest
                )
            else:
                yield from self.down(self.find(file), depth + 1)


def _finder(config: Config, folder: Path) -> Callable[[LockedFile], BuildRecord]:
    """Return what finds records by their digests: in the store, or among those that were kept."""
    store = Store.existing(config.cache_dir or default_cache())
    kept = {
        records.digest(file.record): file.record
        for file in record_files.read_folder(folder / KEPT).files
    }

    def find(file: LockedFile) -> BuildRecord:
        digest = file.record
        content = store.get_value(PROVENANCE, digest.value) if store and digest else None
        found = kept.get(digest) if digest else None
        if content is not None:
            found = records.parse(content, file.filename)
        # A record by another name would tell of another wheel.
        if found is None or records.digest(found) != digest:
            raise AsamanError(
                file.filename,
                f"its record, {digest}, is not in the store",
                hint="give the cache that it was built with: --cache-dir DIRECTORY",
                code=ExitCode.INPUT_OUTPUT,
            )
        return found

    return find
