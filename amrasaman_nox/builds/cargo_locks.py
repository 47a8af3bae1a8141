"""The ``Cargo.lock`` files that cargo left, compared with those of the source.

cargo drops entries that a source does not use, as those cut out of a workspace have, and is not
kept from that (``--locked`` would refuse such a source). All else in a lock has to stay. Cargo can
take nothing but crates that were held against a hash, so this finds mistakes, and no attacks: a
build could write to what is read here.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.files import open_regular
from amrasaman_nox.sdists import cargo_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from amrasaman_nox.model import Crate

_LOCK: Final = "Cargo.lock"
_MOST_NAMED: Final = 3


def keeping(cargo: str, source: str, manifests: Sequence[str], folder: str) -> str:
    """Return a shell script that runs *cargo*, then copies the locks of a source to a folder.

    :param source: the folder of the source
    :param manifests: the folders in it that may have a lock
    :param folder: the folder to copy to; a lock is named by the position of its folder
    """
    lines = [f'{shlex.quote(cargo)} "$@"', "code=$?"]
    for number, place in enumerate(manifests):
        lock = shlex.quote("/".join(filter(None, (source, place, _LOCK))))
        lines.append(f"[ -f {lock} ] && cp {lock} {shlex.quote(f'{folder}/{number}')}")
    return "\n".join((*lines, "exit $code"))


def found(folder: Path, manifests: Sequence[str]) -> dict[str, tuple[Crate, ...]]:
    """Return the crates of each lock that was copied to *folder*, by the path of the lock.

    :raises AsamanError: one is not a lock (exit 3)
    """
    locks = {}
    for number, place in enumerate(manifests):
        name = "/".join(filter(None, (place, _LOCK)))
        try:
            with open_regular(folder / str(number)) as file:
                content = file.read(cargo_lock.LARGEST + 1)
        except OSError:
            continue
        try:
            locks[name] = cargo_lock.read_lock(content, name)
        except AsamanError as error:
            raise AsamanError(name, error.why, code=ExitCode.BUILD_FAILED) from None
    return locks


def check(
    folder: Path,
    manifests: Sequence[str],
    crates: Collection[Crate],
    brought: Collection[str],
    name: str,
) -> None:
    """Check that the locks that cargo left have nothing but *crates* and what the source brings.

    :param brought: the sha256 (hexadecimal) of crates that are part of the source
    :param name: the project, for the hint
    :raises AsamanError: a lock has another crate, or another version or hash of one (exit 3)
    """
    known = {(crate.name, crate.version, crate.digest) for crate in crates}
    for path, left in found(folder, manifests).items():
        others = [
            str(one)
            for one in left
            if (one.name, one.version, one.digest) not in known and one.digest.value not in brought
        ]
        if others:
            raise AsamanError(
                path,
                f"cargo added what is not in the Cargo.lock of the source: {_listed(others)}",
                hint=f"report this to the project; use the published wheel: --only-binary {name}",
                code=ExitCode.BUILD_FAILED,
            )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
