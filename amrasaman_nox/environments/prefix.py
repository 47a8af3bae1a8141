"""The part of an interpreter's prefix that a build must see: Python, and nothing else in it.

A prefix may be a folder of the user's, such as ``~/.local``, with keyrings and credentials in it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.sandbox.view import is_of_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What every prefix holds, also one that has nothing but Python in it.
_ORDINARY: Final = frozenset(
    ("bin", "include", "lib", "lib64", "libexec", "sbin", "share", "pyvenv.cfg", "BUILD")
)
_ORDINARY_SHARED: Final = frozenset(("doc", "info", "locale", "man", "terminfo"))


def shown(paths: Mapping[str, str], minor: str) -> tuple[str, ...]:
    """Return the files and folders that the interpreter runs with, none below another one.

    They are its executable with the names that it is called by, the standard library, the shared
    libraries beside them, the headers, and what it says of itself to ``pkg-config``; without those
    that every sandbox shows as part of the system.

    :param paths: where they are, by the names of :mod:`sysconfig`, with ``executable``
    :param minor: the version without its patch, such as ``3.11``
    """
    folders = {paths[name] for name in ("stdlib", "platstdlib", "include", "platinclude")}
    found = {paths["executable"], *folders, *map(str, _files(paths, minor))}
    # A folder may be a link to another one, and be called by both names.
    found |= {os.path.realpath(path) for path in folders}
    return _outermost(path for path in found if not is_of_system(path) and Path(path).exists())


def _files(paths: Mapping[str, str], minor: str) -> Iterator[Path]:
    programs, libraries = Path(paths["executable"]).parent, Path(paths["libdir"])
    for name in ("python", "python3", f"python{minor}"):
        yield programs / name
        yield programs / f"{name}-config"
    for folder in (libraries, programs):
        yield from folder.glob("lib*.so*")
    yield from (libraries / "pkgconfig").glob("python*.pc")


def hidden(paths: Mapping[str, str], seen: Iterable[str]) -> tuple[str, ...]:
    """Return the folders of installed packages that lie in those that are *seen*."""
    below = tuple(f"{path}/" for path in seen)
    packages = {path for name in ("purelib", "platlib") for path in _both(paths[name])}
    return tuple(
        sorted(path for path in packages if path.startswith(below) and Path(path).is_dir())
    )


def _both(path: str) -> tuple[str, str]:
    return path, os.path.realpath(path)


def beside(prefix: str) -> tuple[str, ...]:
    """Return what lies in *prefix* beside Python: its entries, and those of ``share``.

    A prefix of the system, which every sandbox shows, has nothing to be named.
    """
    found: list[str] = []
    if is_of_system(prefix):
        return ()
    for folder, ordinary in (("", _ORDINARY), ("share", _ORDINARY_SHARED)):
        path = Path(prefix, folder)
        names = (one.name for one in (path.iterdir() if path.is_dir() else ()))
        found += [str(Path(folder, name)) for name in names if name not in ordinary]
    return tuple(sorted(found))


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Return *paths* without those that lie below another one of them."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(path == other or path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return tuple(kept)
