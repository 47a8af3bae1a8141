"""The folders of one build on the host."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from amrasaman_nox import files
from amrasaman_nox.builds import hooks
from amrasaman_nox.environments import installed
from amrasaman_nox.files import remove_tree
from amrasaman_nox.sandbox import view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from amrasaman_nox.model import BuildJob
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store


#: The largest source, in bytes once it is unpacked, that is built in memory. How a folder is
#: listed is up to its file system: where a source is follows from the source, and not from the
#: machine.
LARGEST_IN_MEMORY: Final = 128 << 20
#: What must be free in memory, in bytes, to unpack a source there.
_ROOM: Final = 2 << 30
_NAMES: Final = ("source", "tree", "output", "control", "following", "home")


@contextlib.contextmanager
def source_in_memory(isolation: Isolation) -> Iterator[Path | None]:
    """Make a folder for a small source in memory, ``None`` if there is no room.

    Making files in memory is several times faster than on disk. No wheel depends on it, since the
    sandbox has a copy of its own; where there is no sandbox, there is none.
    """
    if not isolation.constant_paths:
        yield None
        return
    with files.folder_in_memory(_ROOM) as folder:
        if folder is None:
            yield None
            return
        _make(folder, ("source",), view.build_owner())
        yield folder / "source"


@contextlib.contextmanager
def build_folders(
    job: BuildJob,
    store: Store,
    isolation: Isolation,
    notify: Callable[[str], None] = lambda message: None,
) -> Iterator[Path]:
    """Make the folders of one build on disk: private, and on the rung ``none`` at a stable path.

    The log of its hooks outlives them, in the store's folder ``logs``.

    :param notify: is told if another run uses the path just now
    """
    with _folders(job, store, isolation, notify) as folder:
        try:
            yield folder
        except hooks.HookFailed as failed:
            failed.log_path = _keep_log(job, folder / "log", store)
            raise
        _keep_log(job, folder / "log", store)


def _keep_log(job: BuildJob, log: Path, store: Store) -> str | None:
    if not log.is_file():
        return None
    kept = store.root / "logs" / f"{job.source.name}-{job.source.version}-{job.key[:12]}.log"
    try:
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(log, kept)
    except OSError:
        # A log that cannot be kept must not hide what the build came to.
        return None
    return str(kept)


@contextlib.contextmanager
def _folders(
    job: BuildJob, store: Store, isolation: Isolation, notify: Callable[[str], None]
) -> Iterator[Path]:
    if isolation.constant_paths:
        with store.temporary("build-") as folder:
            _make(folder, _NAMES, view.build_owner())
            yield folder
        return
    text = f"{job.source.digest} {job.environment.build_path}"
    name = hashlib.sha256(text.encode()).hexdigest()[:24]
    folder = store.root / "none" / name
    with store.lock(f"none-{name}", timeout=installed.PATIENCE, notify=notify):
        remove_tree(folder)
        folder.mkdir(mode=0o700, parents=True)
        _make(folder, _NAMES, None)
        try:
            yield folder
        finally:
            remove_tree(folder)


def _make(folder: Path, names: Sequence[str], owner: int | None) -> None:
    """Create folders; what a build writes belongs to its user."""
    for name in names:
        path = folder / name
        path.mkdir(mode=0o700)
        if owner is not None:
            os.chown(path, owner, owner)
