"""Directory sources of crates, which cargo uses instead of a registry; shared read-only.

A directory source has a folder for each crate with a file ``.cargo-checksum.json`` in it ("Source
Replacement" in the Cargo book). Cargo itself checks nothing that counts: each crate was held
against the sha256 in ``Cargo.lock`` when it was fetched, and is again when it is unpacked here.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from amrasaman_nox.environments import complete
from amrasaman_nox.environments.installed import PATIENCE
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import remove_tree
from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH
from amrasaman_nox.sdists.unpack import unpack_crate
from amrasaman_nox.sources.store import fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from amrasaman_nox.model import Crate
    from amrasaman_nox.sources.store import Store

_CHECKSUM: Final = ".cargo-checksum.json"


def prepare(
    crates: Sequence[Crate],
    *,
    store: Store,
    notify: Callable[[str], None] = lambda message: None,
) -> Path:
    """Return the folder that holds *crates* and nothing else, made if there is none yet.

    :param crates: their files are in *store*
    :raises AsamanError: one is not in the store (exit 5), or is refused (exit 2)
    """
    lines = sorted(f"{crate.filename} {crate.digest}" for crate in crates)
    key = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
    folder = store.root / "crates" / key
    if complete.is_whole(folder):
        return folder
    with store.lock(f"crates-{key}", timeout=PATIENCE, notify=notify):
        if not complete.is_whole(folder):
            remove_tree(folder)
            try:
                folder.mkdir(parents=True)
                for crate in crates:
                    _add(crate, folder, store)
                complete.note(folder)
            except AsamanError:
                remove_tree(folder)
                raise
            except OSError as error:
                remove_tree(folder)
                why = system_reason(error)
                raise AsamanError("crates", why, code=ExitCode.INPUT_OUTPUT) from None
    return folder


def _add(crate: Crate, folder: Path, store: Store) -> None:
    place = folder / f"{crate.name}-{crate.version}"
    if place.exists():
        raise AsamanError(f"crate {crate}", "two registries have it with different content")
    place.mkdir()
    with fetched(crate.digest, crate.filename, store) as file:
        unpack_crate(file, crate, place, mtime=DEFAULT_SOURCE_DATE_EPOCH)
    # The hash that the lock has; cargo compares the two, and an empty list of files is accepted.
    (place / _CHECKSUM).unlink(missing_ok=True)
    (place / _CHECKSUM).write_text(json.dumps({"package": crate.digest.value, "files": {}}))
