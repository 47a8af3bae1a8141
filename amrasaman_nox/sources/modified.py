"""Sources that a user changes: another archive in the place of the pinned sdist, and patches.

What is built then is a canonical sdist of its own, made here from verified bytes, with a hash of
its own; the record names the pinned sdist, and what was changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from amrasaman_nox.config.packages import applying
from amrasaman_nox.errors import AsamanError, ExitCode, Kind, system_reason
from amrasaman_nox.files import chunks, open_regular
from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH, Digest, Modified, Source
from amrasaman_nox.sdists.canonical import write_sdist
from amrasaman_nox.sdists.names import SUFFIXES, local_name, suffix_of
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.sources import git
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from amrasaman_nox.config.packages import Archive, Package
    from amrasaman_nox.model import Pin
    from amrasaman_nox.sources.store import Store

#: More bytes than any patch that a person wrote.
_LONGEST_PATCH: Final = 16 << 20
# Not even the user's own git may change how a patch is read, nor a repository around the folder.
_STRICT: Final = (
    *("--git-dir=/nonexistent", "-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null"),
    *("-c", "apply.whitespace=nowarn", "-c", "apply.ignoreWhitespace=no"),
)


def wanted(
    packages: Iterable[Package], name: str, version: str, pinned: Digest | None
) -> Modified | None:
    """Return how the source of a release is to be changed, ``None`` for not at all.

    :param packages: what the user set for single projects
    :param pinned: the digest of the sdist that its pin names, ``None`` where there is none
    """
    own = applying(packages, name, version)
    archives = [each.source for each in own if each.source is not None]
    patches = tuple(patch for each in own for patch in each.patches)
    if not archives and not patches:
        return None
    return Modified(
        pinned=pinned,
        archive="#sha256=".join(archives[-1]) if archives else "",
        patches=tuple((Path(patch.place).name, _digest(patch)) for patch in patches),
    )


def of_pin(packages: Iterable[Package], pin: Pin, source: Source) -> bool:
    """Return whether *source* is that of *pin*, changed as *packages* say and not otherwise."""
    named = source.pinned is None or source.pinned in pin.digests
    change = wanted(packages, source.name, source.version, source.pinned)
    return named and source.modified == change


def replaced(
    packages: Iterable[Package], pin: Pin, located: Source | AsamanError
) -> Source | AsamanError:
    """Return *located*, or the archive that the user named in the place of it."""
    own = applying(packages, pin.name, pin.version)
    archives = [each.source for each in own if each.source is not None]
    unreachable = isinstance(located, AsamanError) and located.code is ExitCode.INPUT_OUTPUT
    if not archives or unreachable:
        return located
    found = located if isinstance(located, Source) and not located.as_published else None
    path = PurePosixPath(urlsplit(archives[-1].place).path)
    suffix = suffix_of(path.name)
    if not suffix:
        why = f"{path.name} does not end in {', '.join(SUFFIXES)}"
        return AsamanError(str(pin), f"source: {why}", origin=pin.origin)
    return Source(
        pin=pin,
        filename=local_name(pin.name, pin.version, suffix),
        digest=_digest(archives[-1]),
        url=archives[-1].place,
        uploaded=found.uploaded if found is not None else None,
        modified=Modified(
            pinned=found.digest if found is not None else None,
            archive="#sha256=".join(archives[-1]),
        ),
    )


def patched(packages: Sequence[Package], source: Source, store: Store) -> Source:
    """Return *source*, whose bytes are in *store*, with the user's patches applied.

    A patch must fit to the letter: ``git apply`` knows no fuzz.

    :raises AsamanError: a patch cannot be read, has another hash or does not apply (exit 2), or git
        is missing (exit 2)
    """
    change = wanted(packages, source.name, source.version, source.pinned)
    if change is None or change == source.modified:
        return source
    own = applying(packages, source.name, source.version)
    with store.temporary("patched-") as work:
        tree = work / "tree"
        tree.mkdir()
        with fetched(source.digest, source.filename, store) as file:
            info = unpack(file, source.filename, tree, mtime=DEFAULT_SOURCE_DATE_EPOCH)
        for patch in (one for each in own for one in each.patches):
            _apply(patch, tree, source.pin)
        digest = _add(tree, info.top, work / "sdist", store, source)
    filename = source.filename.removesuffix(suffix_of(source.filename)) + ".tar.gz"
    return dataclasses.replace(
        source, filename=filename, digest=digest, url=None, size=None, modified=change
    )


def _digest(file: Archive) -> Digest:
    return Digest(algorithm="sha256", value=file.sha256)


def _apply(patch: Archive, tree: Path, pin: Pin) -> None:
    name = Path(patch.place).name
    content = _read(patch)
    if shutil.which("git") is None:
        raise AsamanError(f"patch {name}", "git is not installed", hint="install the package git")
    done = git.run(tree, *_STRICT, "apply", "-p1", "-", given=content)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = lines[0].removeprefix("error: ") if lines else f"exit status {done.returncode}"
        raise AsamanError(
            str(pin),
            f"patch {name} does not apply: {why}",
            hint=f'make one for this version, or limit it: packages."{pin.name}==VERSION"',
            origin=pin.origin,
        )


def _read(patch: Archive) -> bytes:
    """Return the bytes of a patch file.

    :raises AsamanError: it cannot be read, or has another hash (exit 2)
    """
    try:
        with open_regular(Path(patch.place)) as file:
            content = file.read(_LONGEST_PATCH + 1)
    except OSError as error:
        why = system_reason(error)
        raise AsamanError(f"patch {patch.place}", why, kind=Kind.OTHER_HASH) from None
    found = hashlib.sha256(content).hexdigest()
    if found != patch.sha256 or len(content) > _LONGEST_PATCH:
        raise AsamanError(
            f"patch {patch.place}",
            f"its sha256 is {found}, not {patch.sha256}",
            hint="read the patch, and write its sha256 into [tool.amrasaman.packages]",
            kind=Kind.OTHER_HASH,
        )
    return content


def _add(tree: Path, top: str, path: Path, store: Store, source: Source) -> Digest:
    """Put *tree* into *store* as a canonical sdist, and return its digest."""
    with path.open("w+b") as file:
        write_sdist(tree, top, file, DEFAULT_SOURCE_DATE_EPOCH)
        file.seek(0)
        digest = Digest(algorithm="sha256", value=hashlib.file_digest(file, "sha256").hexdigest())
        file.seek(0)
        store.add(chunks(file), digest, name=source.filename)
    return digest
