"""Which wheels of a folder are trusted; anybody can have written the record beside a wheel.

Either our own store has the wheel's hash under the record's key; or, for what was made elsewhere,
nobody but us can have written the folder, the wheel and the record.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox import records
from amrasaman_nox.config.variables import default_cache
from amrasaman_nox.errors import AsamanError, all_of
from amrasaman_nox.files import digest_of
from amrasaman_nox.ownership import why_not_ours
from amrasaman_nox.sources.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildRecord
    from amrasaman_nox.record_files import RecordFile


def is_whole(file: RecordFile) -> bool:
    """Tell whether the wheel beside a record has the bytes that the record names.

    :raises OSError: the disk is at fault
    """
    digest = file.record.wheel.digest
    return digest_of(file.wheel, digest.algorithm) == digest.value


def record_in(store: Store, key: str) -> BuildRecord | None:
    """Return the record of the build with *key* in *store*, ``None`` where it has none."""
    content = store.get_value("records", key)
    if content is None:
        return None
    try:
        return records.parse(content, key)
    except AsamanError:
        return None


def is_of_store(store: Store, record: BuildRecord) -> bool:
    """Tell whether *record* is the one in *store*, but for its dates.

    The upload and the resolution are of the lock, and not of the build.
    """
    own = record_in(store, record.key)
    return own is not None and _timeless(own) == _timeless(record)


def _timeless(record: BuildRecord) -> BuildRecord:
    source = dataclasses.replace(record.source, uploaded=None)
    return dataclasses.replace(record, source=source, as_of=None, started=None, finished=None)


def strangers(
    files: Iterable[RecordFile], store: Store | None, trusted: tuple[int, ...]
) -> list[AsamanError]:
    """Return a fault for each of *files* that neither *store* nor its owner allows to trust.

    :param trusted: UIDs of users that are trusted as the caller is
    """
    unknown = [file for file in files if store is None or not is_of_store(store, file.record)]
    # Who may write to the folder can put any file there: it is enough to name the folder.
    folders = {
        folder: why_not_ours(folder, trusted)
        for folder in dict.fromkeys(file.path.parent for file in unknown)
    }
    own = [file for file in unknown if folders[file.path.parent] is None]
    found = (why_not_ours(path, trusted) for file in own for path in (file.wheel, file.path))
    return [fault for fault in (*folders.values(), *found) if fault is not None]


def check(files: Iterable[RecordFile], config: Config) -> None:
    """Check that each of *files* can be trusted, in a command that builds nothing.

    :raises AsamanError: folder, wheel or record is another user's, or others may write to it
        (exit 4; all are named)
    """
    store = Store.existing(config.cache_dir or default_cache())
    found = strangers(files, store, config.trust_owner)
    if found:
        raise all_of(found)
