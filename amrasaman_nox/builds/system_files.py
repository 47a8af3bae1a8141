"""Which files of the system a build read: headers, by what compilers say, and linked libraries.

gcc adds the files that it reads to a list where a variable asks for it ("Environment Variables
Affecting GCC"), with no change of its flags or its output; for a compilation that is told to make
such a list itself (``-MD``) it does not. rustc leaves lists of its own, and a library names those
that it needs.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from amrasaman_nox.builds import distribution, tools
from amrasaman_nox.comparison import elf
from amrasaman_nox.files import open_regular
from amrasaman_nox.model import Digest, SystemPackage
from amrasaman_nox.sandbox.normalise import SYSTEM_PATH
from amrasaman_nox.sandbox.view import is_of_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from amrasaman_nox.sources.store import Store

#: The file of a build's folder that gcc adds to, and the name of the target in it.
LIST: Final = "system-files"
_TARGET: Final = "system"
_LARGEST_LIST: Final = 64 << 20
_MOST_FILES: Final = 20_000
_MOST_LISTS: Final = 20_000
_LARGEST_LIBRARY: Final = 512 << 20
_LARGEST_NOTE: Final = 1 << 20
_PURE: Final = "-none-any.whl"


def variables(folder: str) -> dict[str, str]:
    """Return the variables that make gcc list what it reads, in a *folder* of the build."""
    return {"SUNPRO_DEPENDENCIES": f"{folder}/{LIST} {_TARGET}"}


def read(
    listed: Path, target: Path | None, wheel: BinaryIO, filename: str, store: Store
) -> tuple[SystemPackage, ...]:
    """Return the files of the system that a build read, by their packages.

    What lists them was written by the build: only what is a file of the system counts.

    :param listed: the list of gcc, which may be missing
    :param target: cargo's target folder, if there is one
    :param wheel: the wheel, which was read strictly
    """
    found = set(_listed(listed, _LARGEST_LIST))
    if target is not None:
        found.update(_of_rustc(target))
    if not filename.endswith(_PURE):
        found.update(_libraries(wheel))
    return _packages(found, store)


def present(paths: Iterable[str], store: Store) -> tuple[SystemPackage, ...]:
    """Return those of *paths* that are files of this system, by their packages.

    Paths of a record are anybody's: only what is a file of the system is looked at.
    """
    return _packages({path for path in paths if _may_be_of_system(path)}, store)


def _may_be_of_system(path: str) -> bool:
    return path.startswith(("/usr/", "/lib")) and "\0" not in path


def _listed(path: Path, largest: int) -> Iterator[str]:
    """Yield the paths of the system in a list of dependencies as make reads it."""
    try:
        with open_regular(path) as file:
            content = file.read(largest)
    except OSError:
        return
    for word in set(content.split()):
        if word.startswith((b"/usr/", b"/lib")) and b"\0" not in word:
            yield os.path.normpath(os.fsdecode(word))


def _of_rustc(target: Path) -> Iterator[str]:
    for number, path in enumerate(target.rglob("*.d")):
        if number == _MOST_LISTS:
            return
        yield from _listed(path, _LARGEST_NOTE)


def _libraries(wheel: BinaryIO) -> Iterator[str]:
    """Yield where the libraries are that those in *wheel* need."""
    known = _linker_cache()
    wheel.seek(0)
    with zipfile.ZipFile(wheel) as opened:
        for member in opened.infolist():
            if ".so" not in member.filename or member.file_size > _LARGEST_LIBRARY:
                continue
            for name in elf.needed(opened.read(member)):
                if name in known:
                    yield known[name]


@functools.cache
def _linker_cache() -> Mapping[str, str]:
    """Return the libraries that the dynamic linker finds, by name, the first of each."""
    program = shutil.which("ldconfig", path=f"{SYSTEM_PATH}:/usr/sbin:/sbin")
    if program is None:
        return {}
    done = tools.answer([program, "-p"], seconds=20)
    found: dict[str, str] = {}
    for line in done.stdout.splitlines() if done is not None else ():
        name, separator, path = line.strip().partition(" => ")
        if separator:
            found.setdefault(name.partition(" ")[0], path)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What is known of a file as long as it and the installed packages stay the same."""

    stamp: str
    sha256: str
    owner: distribution.Owner | None


def _packages(paths: Iterable[str], store: Store) -> tuple[SystemPackage, ...]:
    """Return *paths* with their hashes, by package; what is no file of the system is left out."""
    real = {os.path.realpath(path) for path in paths}
    stamps = {path: stamp for path in sorted(real) if (stamp := _stamp(path))}
    wanted = dict(list(stamps.items())[:_MOST_FILES])
    if not wanted:
        return ()
    key = hashlib.sha256(f"1 {distribution.state()}".encode()).hexdigest()
    known = _remembered(store, key)
    new = [path for path, stamp in wanted.items() if _is_new(known.get(path), stamp)]
    if new:
        owners = distribution.owners(new)
        for path in new:
            digest = _sha256(path)
            if digest:
                known[path] = _Known(stamp=wanted[path], sha256=digest, owner=owners.get(path))
        _remember(store, key, known)
    return _grouped({path: known[path] for path in wanted if path in known})


def _stamp(path: str) -> str:
    if not is_of_system(path):
        return ""
    try:
        facts = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ino}"


def _is_new(known: _Known | None, stamp: str) -> bool:
    return known is None or known.stamp != stamp


def _sha256(path: str) -> str:
    try:
        with open_regular(Path(path)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _remembered(store: Store, key: str) -> dict[str, _Known]:
    content = store.get_value("system", key)
    rows = json.loads(content) if content is not None else {}
    found = {}
    for path, (stamp, sha256, names) in rows.items():
        owner = distribution.Owner(*names) if names else None
        found[path] = _Known(stamp=stamp, sha256=sha256, owner=owner)
    return found


def _remember(store: Store, key: str, known: Mapping[str, _Known]) -> None:
    rows = {path: (one.stamp, one.sha256, one.owner) for path, one in known.items()}
    store.put_value("system", key, json.dumps(rows).encode())


def _grouped(found: Mapping[str, _Known]) -> tuple[SystemPackage, ...]:
    by_owner: dict[distribution.Owner, list[tuple[str, Digest]]] = {}
    for path, one in sorted(found.items()):
        owner = one.owner or distribution.Owner("", "", "", "")
        digest = Digest(algorithm="sha256", value=one.sha256)
        by_owner.setdefault(owner, []).append((path, digest))
    return tuple(
        SystemPackage(
            kind=owner.kind,
            name=owner.name,
            version=owner.version,
            architecture=owner.architecture,
            files=tuple(files),
        )
        for owner, files in sorted(by_owner.items())
    )
