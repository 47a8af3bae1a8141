"""The bootstrap lock: everything that pins are built with, as sources, and what came of it.

It holds the build requirements of the pins and of these requirements' own sdists, and the sha256
of the wheel that the fixed point gave for each of them. It is a file of its own, since wheels that
are built with published build requirements may differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.build_lock.file import (
    VERSION,
    entry_of,
    entry_table,
    file_of,
    file_table,
    read_document,
    whole,
    write_text,
)
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildLock, Digest, LockedFile, Pin
from amrasaman_nox.sources.fit import name_and_version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import LockEntry

#: The name and the version of a project.
Release = tuple[str, str]
_WHAT: Final = "bootstrap lock"
_VERSION_KEY: Final = "bootstrap-lock-version"
_HEADER: Final = (
    "# The build requirements of each source, and theirs, as sources; `wheel` is what each of\n"
    "# them gives in the end. Written by asaman bootstrap; keep it under version control.\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """The wheel that the fixed point gave for a build requirement.

    ``python`` and ``compiler`` are what a compiled wheel was built by, ``""`` for a pure one: only
    under the same two can another machine be expected to give the same bytes.
    """

    sdist: Digest
    interpreter: str
    wheel: LockedFile
    python: str = ""
    compiler: str = ""

    @property
    def pure(self) -> bool:
        """Whether it is the same on every machine."""
        return self.wheel.filename.endswith("-any.whl")


@dataclass(frozen=True, kw_only=True, slots=True)
class BootstrapLock:
    """The sources of a bootstrap.

    ``sources`` has an entry for each pin and each build requirement; the files of an entry are the
    published wheels of stage 0. ``fixed`` are the wheels of the fixed point. ``seeds`` are
    published wheels, each with an interpreter, that are trusted and not built.
    """

    sources: BuildLock = field(default_factory=BuildLock)
    fixed: tuple[Fixed, ...] = ()
    seeds: tuple[tuple[str, LockedFile], ...] = ()
    _wheels: dict[tuple[Digest, str], Fixed] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_source = {(each.sdist, each.interpreter): each for each in self.fixed}
        object.__setattr__(self, "_wheels", by_source)

    def wheel_of(self, sdist: Digest, interpreter: str) -> Fixed | None:
        """Return what the fixed point gave for *sdist*, or ``None``."""
        return self._wheels.get((sdist, interpreter))

    def releases(self, interpreter: str) -> dict[Release, LockEntry]:
        """Return the entries of an interpreter by name and version."""
        return {
            (each.name, each.version): each
            for each in self.sources.entries
            if each.interpreter == interpreter
        }

    def seeds_of(self, interpreter: str) -> frozenset[Release]:
        """Return the names and versions of the trusted published wheels of an interpreter."""
        return frozenset(release_of(file) for key, file in self.seeds if key == interpreter)

    def needed_by(
        self, entries: Iterable[LockEntry], interpreter: str
    ) -> tuple[tuple[LockEntry, ...], tuple[LockedFile, ...]]:
        """Return the entries of what *entries* need to be built, in turn, and the trusted wheels.

        :raises AsamanError: it lacks a build requirement (exit 2)
        """
        releases, trusted = self.releases(interpreter), self.seeds_of(interpreter)
        needed: dict[Release, LockEntry] = {}
        seeds: dict[Release, LockedFile] = {}
        waiting = list(entries)
        while waiting:
            for file in waiting.pop().files:
                release = release_of(file)
                if release in trusted:
                    seeds[release] = file
                elif release not in releases:
                    raise not_locked(Pin(name=release[0], version=release[1]), interpreter)
                elif release not in needed:
                    needed[release] = releases[release]
                    waiting.append(releases[release])
        return tuple(needed.values()), tuple(seeds.values())


def release_of(file: LockedFile) -> Release:
    """Return the name and the version of a wheel."""
    return name_and_version(file.filename)


def pin_of(entry: LockEntry) -> Pin:
    """Return the pin of a build requirement by its lock entry."""
    return Pin(name=entry.name, version=entry.version, digests=(entry.sdist,))


def not_locked(pin: Pin, interpreter: str) -> AsamanError:
    """Return the error for a source that the bootstrap lock does not have."""
    return AsamanError(
        str(pin),
        f"its build requirements are not in the bootstrap lock for {interpreter}",
        hint="add them with: asaman bootstrap",
        origin=pin.origin,
    )


def bootstrap_lock_of(config: Config) -> Path:
    """Return where the bootstrap lock of the configured input is."""
    if config.lock is not None:
        return config.lock
    if config.requirement is not None:
        stem = config.requirement.name.removesuffix(config.requirement.suffix)
        return config.requirement.with_name(f"{stem}.bootstrap-lock.toml")
    return config.output / "bootstrap-lock.toml"


def read_bootstrap_lock(path: Path) -> BootstrapLock:
    """Return the bootstrap lock at *path*, an empty one where there is no file.

    :raises AsamanError: it cannot be read, or is not a whole bootstrap lock (exit 2)
    """
    content = read_document(path, _VERSION_KEY)
    with whole(path, _WHAT):
        tables = content.get("sources", ())
        return BootstrapLock(
            sources=BuildLock(entries=tuple(map(entry_of, tables))),
            fixed=tuple(_fixed(table) for table in tables if "wheel" in table),
            seeds=tuple(
                (_text(table["interpreter"]), file_of(table["wheel"]))
                for table in content.get("seeds", ())
            ),
        )


def render_bootstrap_lock(lock: BootstrapLock) -> str:
    """Return the text of *lock*, its tables sorted."""
    import tomli_w

    entries = sorted(lock.sources.entries, key=lambda each: (each.name, each.version, str(each)))
    content: dict[str, Any] = {
        _VERSION_KEY: VERSION,
        "sources": [{**entry_table(entry), **_wheel(lock, entry)} for entry in entries],
    }
    if lock.seeds:
        content["seeds"] = [
            {"interpreter": key, "wheel": file_table(file)} for key, file in sorted(lock.seeds)
        ]
    return _HEADER + tomli_w.dumps(content, multiline_strings=False)


def write_bootstrap_lock(path: Path, lock: BootstrapLock) -> None:
    """Put *lock* in place at *path* by one rename; a file of the same text is left alone.

    :raises AsamanError: it cannot be written (exit 5)
    """
    write_text(path, render_bootstrap_lock(lock), _WHAT)


def with_interpreter(
    former: BootstrapLock,
    key: str,
    entries: Iterable[LockEntry],
    fixed: Iterable[Fixed],
    seeds: Iterable[LockedFile],
) -> BootstrapLock:
    """Return *former* with all that it has for the interpreter *key* replaced."""
    others = (each for each in former.sources.entries if each.interpreter != key)
    return BootstrapLock(
        sources=BuildLock(entries=(*others, *entries)),
        fixed=(*(each for each in former.fixed if each.interpreter != key), *fixed),
        seeds=(
            *(each for each in former.seeds if each[0] != key),
            *((key, file) for file in seeds),
        ),
    )


def _wheel(lock: BootstrapLock, entry: LockEntry) -> dict[str, Any]:
    fixed = lock.wheel_of(entry.sdist, entry.interpreter)
    if fixed is None:
        return {}
    built_by = {"python": fixed.python, "compiler": fixed.compiler}
    said = {name: value for name, value in built_by.items() if value}
    return {"wheel": {**file_table(fixed.wheel), **said}}


def _fixed(table: dict[str, Any]) -> Fixed:
    wheel = table["wheel"]
    return Fixed(
        sdist=Digest.parse(table["sdist"]),
        interpreter=_text(table["interpreter"]),
        wheel=file_of(wheel),
        python=_text(wheel.get("python", "")),
        compiler=_text(wheel.get("compiler", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is required")
    return value
