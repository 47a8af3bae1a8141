"""The crates of a source without a ``Cargo.lock``: resolved as of a date, by cargo, in the sandbox.

cargo has no option for that, so it is shown a registry that ends at that date, without network.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import cargo_locks, hooks, rust
from amrasaman_nox.builds.folders import build_folders
from amrasaman_nox.errors import AsamanError, ExitCode, printable
from amrasaman_nox.files import remove_tree
from amrasaman_nox.model import utc
from amrasaman_nox.sandbox import normalise, process, view
from amrasaman_nox.sandbox.view import interpreter_folders
from amrasaman_nox.sdists.cargo_lock import is_default
from amrasaman_nox.sdists.cargo_manifest import Dependency, dependencies
from amrasaman_nox.sdists.rust import RustSource
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.sources.crate_index import PartialIndex
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from amrasaman_nox.builds.rust import RustFolders
    from amrasaman_nox.model import BuildEnvironment, BuildJob, Crate
    from amrasaman_nox.sandbox.process import Completed
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.crate_index import Lookup
    from amrasaman_nox.sources.store import Store

#: How often cargo may name a crate that it misses.
_ROUNDS: Final = 50
_MISSING: Final = re.compile(r"no matching package (?:named )?[`']([A-Za-z0-9_-]{1,64})[`'] found")
_LARGEST_MANIFEST: Final = 1 << 20
_MOST_NAMED: Final = 5


def resolve(
    job: BuildJob,
    lookup: Lookup,
    until: datetime,
    *,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
) -> tuple[tuple[Crate, ...], tuple[str, ...]]:
    """Return the crates that the source of *job* is built with, and notes on them.

    :param job: has a toolchain; its sdist is in *store*
    :param lookup: asks the index
    :param until: later releases are not taken
    :raises AsamanError: cargo finds no solution (exit 3), or the index cannot be asked (exit 5)
    """
    with build_folders(job, store, isolation, notify) as folder:
        source = _unpacked(job, store, folder / "source")
        index = PartialIndex(lookup=lookup, until=until)
        index.add(_wanted(folder / "source", source.manifests))
        found = _resolved(job, source, index, folder, isolation)
    crates = tuple(sorted(_plain(one) for one in found if one.digest.value not in source.brought))
    return crates, tuple(_notes(crates, index))


def _unpacked(job: BuildJob, store: Store, folder: Path) -> RustSource:
    with fetched(job.source.digest, job.source.filename, store) as file:
        mtime = job.environment.source_times
        info = unpack(file, job.source.filename, folder, mtime=mtime, owner=view.build_owner())
    return info.rust or RustSource()


def _wanted(source: Path, manifests: Sequence[str]) -> Iterator[Dependency]:
    """Yield what the manifests of the source, which nothing has run in yet, ask for."""
    for place in manifests:
        path = source / place / "Cargo.toml"
        if path.is_file():
            with path.open("rb") as file:
                yield from dependencies(file.read(_LARGEST_MANIFEST))


def _resolved(
    job: BuildJob, source: RustSource, index: PartialIndex, folder: Path, isolation: Isolation
) -> set[Crate]:
    """Let cargo make the locks, looking up what it misses; return the crates that they name."""
    for _ in range(_ROUNDS):
        place, done = _once(job, source, index, folder, isolation)
        if not done.code and not done.limit:
            locks = cargo_locks.found(place.folder / "locks", source.manifests)
            found = {crate for crates in locks.values() for crate in crates}
            if not index.complete(found):
                return found
            continue
        missing = _MISSING.search(done.tail)
        if missing is None or missing[1] in index.found:
            break
        index.add([Dependency(name=missing[1])])
    lines = [line for line in done.tail.splitlines() if line.startswith(("error", "  "))]
    said = done.limit or " ".join(" ".join(lines).removeprefix("error: ").split())
    raise AsamanError(
        str(job.source.pin),
        f"it has no Cargo.lock, and its crates cannot be resolved as of {utc(index.until)}: "
        f"{printable(said)[:300]}",
        hint=f"try another date with --as-of, or use the published wheel: "
        f"--only-binary {job.source.name}",
        code=ExitCode.BUILD_FAILED,
        origin=job.source.pin.origin,
    )


def _once(
    job: BuildJob, source: RustSource, index: PartialIndex, folder: Path, isolation: Isolation
) -> tuple[RustFolders, Completed]:
    registry, rusty = folder / "registry", folder / "rust"
    for former in (registry, rusty):
        remove_tree(former)
    (registry / "index").mkdir(parents=True)
    index.write(registry)
    world = hooks.world_of(job.environment, folder, isolation)
    if job.rust is None:
        raise AsamanError(str(job.source.pin), "no Rust toolchain", code=ExitCode.NOT_AVAILABLE)
    place = rust.prepare_resolution(
        job.rust, registry, rusty, world, source=source, isolation=isolation
    )
    return place, process.run(_command(job, place, world, folder), isolation)


def _command(
    job: BuildJob, place: RustFolders, world: BuildEnvironment, folder: Path
) -> view.ProcessSpec:
    roots = " ".join(shlex.quote(root or ".") for root in _roots(place.source.manifests))
    script = f'for root in {roots}; do (cd "$root" && cargo generate-lockfile) || exit; done'
    variables = {
        **normalise.variables(world),
        **rust.variables(place, world),
        # There is no network, and without it cargo would take only what was downloaded.
        "CARGO_NET_OFFLINE": "false",
    }
    return view.ProcessSpec(
        argv=("/bin/sh", "-c", script),
        directory=world.build_path,
        variables=variables,
        folders=(
            view.Folder(host=folder / "source", inside=world.build_path, writable=True),
            *rust.folders(place),
            *interpreter_folders(job.interpreter),
        ),
        environment=world,
        limits=job.limits,
        log=folder / "log",
        python=job.interpreter.executable,
    )


def _roots(manifests: Sequence[str]) -> list[str]:
    """Return the manifests that no other one is above: those below are of its workspace."""
    found = set(manifests)
    return [
        place
        for place in manifests
        if not any(str(above).removeprefix(".") in found for above in Path(place).parents)
        or not place
    ]


def _plain(crate: Crate) -> Crate:
    """Return *crate* without the name of the usual registry, which differs with the mirror."""
    return dataclasses.replace(crate, registry="") if is_default(crate.registry) else crate


def _notes(crates: Sequence[Crate], index: PartialIndex) -> Iterator[str]:
    yield f"it has no Cargo.lock: its crates are those of {utc(index.until)}"
    undated = [str(one) for one in crates if not index.is_dated(one.name, one.version)]
    if undated:
        more = len(undated) - _MOST_NAMED
        named = ", ".join(undated[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"the index does not say when these crates came out: {named}"
