"""What a build sees of Rust: a toolchain, the crates of its lock, and the same paths for anyone.

Nothing replaces a flag of the project's own: ``RUSTFLAGS`` would exclude those that it has in its
configuration, so flags are added by a wrapper around rustc ("build.rustc-wrapper" in the Cargo
book).
"""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import cargo_locks
from amrasaman_nox.environments import crates as environments
from amrasaman_nox.environments.toolchains import INSIDE, SYSTEM
from amrasaman_nox.sandbox.normalise import NATIVE_CPU, SYSTEM_PATH, passed
from amrasaman_nox.sandbox.view import Folder, build_owner
from amrasaman_nox.sdists import cargo_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from amrasaman_nox.model import BuildEnvironment, Crate, RustToolchain, Source
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sdists.rust import RustSource
    from amrasaman_nox.sources.store import Store

#: Where a build sees them; what differs on a host is mapped to these paths.
_CRATES: Final = "/build/crates"
_CARGO: Final = "/build/cargo"
_TARGET: Final = "/build/target"
_LOCKS: Final = "/build/locks"
_WRAPPER: Final = "/build/frontend/rustc"
_BIN: Final = "/build/frontend/bin"
_SOURCE: Final = "/build/source"
#: Kinds of sources that replace a registry ("Source Replacement" in the Cargo book).
_DIRECTORY: Final = "directory"
_LOCAL_REGISTRY: Final = "local-registry"


@dataclass(frozen=True, kw_only=True, slots=True)
class RustFolders:
    """The folders of one build on the host: crates (read-only), and what cargo writes.

    ``folder`` holds the rest: ``cargo`` (its home), ``target``, the wrapper ``rustc``, ``bin``
    with what is started by that name, and ``locks`` with copies of the locks that cargo left.
    ``source`` is what the sdist says of its Rust. ``cargo`` is where the build sees cargo's home:
    beside its own home folder, wherever that is.
    """

    toolchain: RustToolchain
    crates: Path
    folder: Path
    constant_paths: bool
    source: RustSource
    cargo: str

    @property
    def sysroot(self) -> str:
        """Where the build sees the toolchain."""
        host = self.toolchain.sysroot
        return host if host == SYSTEM else self.seen(Path(host), INSIDE)

    def seen(self, host: Path, inside: str) -> str:
        """Return how the build sees a path."""
        return inside if self.constant_paths else str(host)


def prepare(
    toolchain: RustToolchain,
    crates: Sequence[Crate],
    folder: Path,
    world: BuildEnvironment,
    *,
    source: RustSource,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
) -> RustFolders:
    """Return what a build of Rust sees, its folders made below *folder*, a new one.

    :param crates: their files are in *store*
    :param source: what the sdist says of its Rust
    :raises AsamanError: a crate is not in the store (exit 5), or is refused (exit 2)
    """
    place = RustFolders(
        toolchain=toolchain,
        crates=environments.prepare(crates, store=store, notify=notify),
        folder=folder,
        constant_paths=isolation.constant_paths,
        source=source,
        cargo=_cargo_home(folder, world, isolation),
    )
    registries = sorted({crate.registry for crate in crates})
    _make(place, world, _configuration(registries, _DIRECTORY, place.seen(place.crates, _CRATES)))
    return place


def prepare_resolution(
    toolchain: RustToolchain,
    index: Path,
    folder: Path,
    world: BuildEnvironment,
    *,
    source: RustSource,
    isolation: Isolation,
) -> RustFolders:
    """Return what cargo sees where it resolves the crates of a source, as :func:`prepare` does.

    :param index: the folder of a local registry without the crates themselves
    """
    place = RustFolders(
        toolchain=toolchain,
        crates=index,
        folder=folder,
        constant_paths=isolation.constant_paths,
        source=source,
        cargo=_cargo_home(folder, world, isolation),
    )
    _make(place, world, _configuration((), _LOCAL_REGISTRY, place.seen(index, _CRATES)))
    return place


def _make(place: RustFolders, world: BuildEnvironment, configuration: Iterable[str]) -> None:
    """Make the folders and programs of *place*."""
    folder = place.folder
    owner = build_owner() if place.constant_paths else None
    folder.mkdir(mode=0o755)
    for name in ("cargo", "target", "locks"):
        (folder / name).mkdir(mode=0o700)
        if owner is not None:
            os.chown(folder / name, owner, owner)
    config = folder / "cargo/config.toml"
    config.write_text("".join(configuration))
    config.chmod(0o644)
    (folder / "bin").mkdir()
    _write_program(folder / "rustc", _wrapper(place, world))
    _write_program(folder / "bin/rustc", _rustc(place))
    _write_program(folder / "bin/cargo", _cargo(place, world))


def _cargo_home(folder: Path, world: BuildEnvironment, isolation: Isolation) -> str:
    host = folder / "cargo"
    return str(Path(world.home).with_name("cargo") if isolation.constant_paths else host)


def _write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _configuration(registries: Sequence[str], kind: str, crates: str) -> Iterator[str]:
    """Yield the lines of a ``config.toml``: every registry is replaced by the folder of crates.

    It is in cargo's home, where it counts least: a source that brings its crates keeps them.
    """
    yield f"[source.amrasaman]\n{kind} = {json.dumps(crates)}\n"
    yield '[source.crates-io]\nreplace-with = "amrasaman"\n'
    others = [name for name in registries if not cargo_lock.is_default(name)]
    for number, name in enumerate(others):
        url = json.dumps(name.removeprefix("registry+"))
        yield f'[source.other-{number}]\nregistry = {url}\nreplace-with = "amrasaman"\n'
    if kind == _DIRECTORY:
        yield "[net]\noffline = true\n"


def _wrapper(place: RustFolders, world: BuildEnvironment) -> str:
    flags = [
        f"--remap-path-prefix={place.sysroot}/lib/rustlib/src/rust=/rustc/{place.toolchain.commit}"
    ]
    maps = {
        world.build_path: _SOURCE,
        place.seen(place.crates, _CRATES): _CRATES,
        place.cargo: _CARGO,
        place.seen(place.folder / "target", _TARGET): _TARGET,
    }
    flags += [f"--remap-path-prefix={host}={seen}" for host, seen in maps.items() if host != seen]
    if not world.keep_debug_info:
        flags.append("-Cstrip=symbols")
    return f'{_on_another_processor(world)}exec "$@" {shlex.join(flags)}'


def _on_another_processor(world: BuildEnvironment) -> str:
    """Return what puts a named model of processor in the place of the machine's own, if asked."""
    model = dict(world.variables).get(NATIVE_CPU)
    if model is None:
        return ""
    named = shlex.quote(f"target-cpu={model}")
    return f"""\
for argument; do
    shift
    case $argument in
        target-cpu=native) argument={named} ;;
        -Ctarget-cpu=native) argument=-C{named} ;;
    esac
    set -- "$@" "$argument"
done
"""


def _rustc(place: RustFolders) -> str:
    """Return what is run by the name ``rustc``: the compiler, without the library of the clock.

    With that, the allocator of the official releases waits for itself for ever when it starts.
    """
    return f'unset LD_PRELOAD\nexec {shlex.quote(f"{place.sysroot}/bin/rustc")} "$@"'


def _cargo(place: RustFolders, world: BuildEnvironment) -> str:
    """Return what is run by the name ``cargo``: cargo, whose locks are looked at later."""
    locks = place.seen(place.folder / "locks", _LOCKS)
    return cargo_locks.keeping(
        f"{place.sysroot}/bin/cargo", world.build_path, place.source.manifests, locks
    )


def check_locks(place: RustFolders, source: Source) -> None:
    """Check that cargo left the locks of *source* as they were, but for entries without use.

    :raises AsamanError: it did not (exit 3)
    """
    cargo_locks.check(
        place.folder / "locks",
        place.source.manifests,
        source.crates or (),
        place.source.brought,
        source.name,
    )


def folders(place: RustFolders) -> Iterator[Folder]:
    """Yield what the build is shown besides its own folders."""
    if place.toolchain.sysroot != SYSTEM:
        yield Folder(host=Path(place.toolchain.sysroot), inside=INSIDE)
    yield Folder(host=place.crates, inside=_CRATES)
    yield Folder(host=place.folder / "cargo", inside=place.cargo, writable=True)
    yield Folder(host=place.folder / "target", inside=_TARGET, writable=True)
    yield Folder(host=place.folder / "locks", inside=_LOCKS, writable=True)
    yield Folder(host=place.folder / "rustc", inside=_WRAPPER)
    yield Folder(host=place.folder / "bin", inside=_BIN)


def variables(place: RustFolders, world: BuildEnvironment) -> dict[str, str]:
    """Return the variables of cargo, maturin and setuptools-rust, and the search path."""
    own = place.seen(place.folder / "bin", _BIN)
    bins = "" if place.sysroot == SYSTEM else f"{place.sysroot}/bin:"
    return {
        "PATH": f"{world.environment_path}/bin:{own}:{bins}{SYSTEM_PATH}",
        "CARGO_HOME": place.cargo,
        "CARGO_TARGET_DIR": place.seen(place.folder / "target", _TARGET),
        "CARGO_NET_OFFLINE": "true",
        "CARGO_INCREMENTAL": "0",
        "CARGO_TERM_COLOR": "never",
        "RUSTC_WRAPPER": place.seen(place.folder / "rustc", _WRAPPER),
        # What a build requires must not depend on the machine.
        "MATURIN_NO_INSTALL_RUST": "1",
        **passed(world),
    }
