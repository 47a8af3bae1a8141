"""The folders of one build on the host."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from amrasaman_nox.builds import hooks
from amrasaman_nox.environments import installed
from amrasaman_nox.files import remove_tree
from amrasaman_nox.sandbox import view

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import BuildJob
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store


#: The largest sdist, in bytes, that is unpacked and built in memory.
_LARGEST_IN_MEMORY: Final = 16 << 20


@contextlib.contextmanager
def build_folders(job: BuildJob, store: Store, isolation: Isolation) -> Iterator[Path]:
    """Make the folders of one build: private, and on the rung ``none`` at a stable path.

    The log of its hooks outlives them, in the store's folder ``logs``.
    """
    with _folders(job, store, isolation) as folder:
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
def _folders(job: BuildJob, store: Store, isolation: Isolation) -> Iterator[Path]:
    if isolation.constant_paths:
        # Making files in memory is several times faster, and folders list in one constant order.
        small = (job.source.size or 0) <= _LARGEST_IN_MEMORY
        with store.temporary("build-", in_memory=small) as folder:
            _make(folder, view.build_owner())
            yield folder
        return
    text = f"{job.source.digest} {job.environment.build_path}"
    name = hashlib.sha256(text.encode()).hexdigest()[:24]
    folder = store.root / "none" / name
    with store.lock(f"none-{name}", timeout=installed.PATIENCE):
        remove_tree(folder)
        folder.mkdir(mode=0o700, parents=True)
        _make(folder, None)
        try:
            yield folder
        finally:
            remove_tree(folder)


def _make(folder: Path, owner: int | None) -> None:
    """Create the folders of a build in *folder*; they belong to the user who builds."""
    for name in ("source", "output", "control", "following", "home"):
        path = folder / name
        path.mkdir(mode=0o700)
        if owner is not None:
            os.chown(path, owner, owner)
