"""A project's tree against its release on an index: the same sdist, and what is built from that."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from amrasaman_nox import files
from amrasaman_nox.comparison.sdists import compare_sdists, read_members
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Comparison, Pin, Requirements, Verdict, utc
from amrasaman_nox.runs import project
from amrasaman_nox.sources.locate import released_sdists
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Difference, Source
    from amrasaman_nox.runs.project import Sdist
    from amrasaman_nox.runs.run import Run


class Tree(NamedTuple):
    """A project: its sdist, and the folder of its tree."""

    made: Sdist
    folder: Path


def build_all(run: Run, folders: Iterable[Path], config: Config) -> dict[str, Tree]:
    """Build the sdists of the projects in *folders*, by name.

    Nothing is put into the output folder but a lock.

    :raises AsamanError: one cannot be built (exit 3)
    """
    trees = (Tree(_build(run, folder, config), folder) for folder in folders)
    return {tree.made.name: tree for tree in trees}


def _build(run: Run, folder: Path, config: Config) -> Sdist:
    files.make_results(config.output)
    return project.build_sdist(
        folder, run.interpreters[0], config=config, site=run.site, isolation=run.isolation
    )


def on_index(run: Run, trees: Mapping[str, Tree]) -> Requirements:
    """Return the pins of the releases of which *trees* have the sdists.

    :raises AsamanError: the index has no sdist of one (exit 2), or cannot be asked (exit 5)
    """
    pins = [Pin(name=tree.made.name, version=tree.made.version) for tree in trees.values()]
    found = released_sdists(
        pins,
        index=run.site.index,
        python=run.interpreters[0].executable,
        cache=run.site.index_cache,
    )
    for pin in pins:
        if pin not in found:
            raise AsamanError(
                str(pin),
                "the index has no sdist of it",
                hint="check out the tag of a release that is published, such as: "
                "git switch -d v1.0",
            )
    folder = next(iter(trees.values())).folder
    return Requirements(kind="project", path=str(folder), pins=tuple(found[pin] for pin in pins))


def compare(run: Run, tree: Tree, source: Source) -> Comparison:
    """Compare the sdist of *tree* with the published one, *source*, in the store.

    Where they differ, it is built again with build requirements as of the upload.

    :raises AsamanError: one of them cannot be read or built
    """
    store, made = run.site.store, tree.made
    with fetched(source.digest, source.filename, store) as raw:
        theirs = project.keep_canonical(raw, source.filename, store, run.config.epoch)
    found = _differences(run, made, theirs)
    if found and source.uploaded is not None:
        again = _as_of(run, tree.folder, utc(source.uploaded))
        found_again = _differences(run, again, theirs)
        if len(found_again) < len(found):
            made, found = again, found_again
    same = made.digest == source.digest
    verdict = Verdict.IDENTICAL if same else Verdict.EQUIVALENT
    return Comparison(
        name=made.name,
        version=made.version,
        wheel=source.filename,
        verdict=Verdict.DIFFERENT if found else verdict,
        against="published",
        ours=made.digest,
        theirs=source.digest,
        normalisations=() if found or same else theirs.passes,
        differences=found,
        reason=_reason(found),
    )


def _as_of(run: Run, folder: Path, date: str) -> Sdist:
    """Build the sdist with build requirements as of *date*; the lock is not changed."""
    with files.folder() as temporary:
        config = dataclasses.replace(
            run.config, as_of=date, relock=False, locked=False, lock=temporary / "lock.toml"
        )
        return _build(run, folder, config)


def _reason(found: tuple[Difference, ...]) -> str:
    if not found:
        return ""
    more = f" and {len(found) - 1} more files differ" if len(found) > 1 else " differs"
    return f"{found[0].member}{more}"


def _differences(run: Run, made: Sdist, theirs: Sdist) -> tuple[Difference, ...]:
    store = run.site.store
    with (
        fetched(made.digest, made.filename, store) as left,
        fetched(theirs.digest, theirs.filename, store) as right,
    ):
        return compare_sdists(
            read_members(left, made.filename, made.digest),
            read_members(right, theirs.filename, theirs.digest),
            left,
            right,
        )
