"""Whether the build lock is that of its input: nothing is resolved, and nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.build_lock.file import lock_of, read_lock
from amrasaman_nox.environments import interpreters
from amrasaman_nox.inputs import readers, workspace
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import Finding
from amrasaman_nox.runs import project, pythons
from amrasaman_nox.sources import modified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import LockEntry, Pin


def outdated(config: Config) -> Iterator[Finding]:
    """Yield what a run would add to the build lock, or take out of it; the index is not asked.

    :raises AsamanError: the input or the lock cannot be read (exit 2), or an interpreter is missing
        (exit 4)
    """
    path = lock_of(config)
    requirements = readers.read_input(config)
    lock = read_lock(path)
    found = {interpreters.inspect(request) for request in config.python or ("",)}
    fix = "asaman lock"
    if requirements is None:
        # The sdist of a project is another one after each change.
        used = {one.sdist for one in lock.entries}
        folders = workspace.projects_of(config)
        missing = [each.name for each in folders if project.tree_digest(each) not in used]
    else:
        used = {digest for pin in requirements.pins for digest in pin.digests}
        own = pythons.named(config.packages)
        by_key = {
            one.key: [entry for entry in lock.entries if entry.interpreter == one.key]
            for one in (*found, *own.values())
        }
        missing = [
            str(pin)
            for interpreter in found
            for pin in select(requirements, dict(interpreter.markers))[0]
            for python in [pythons.of_pin(pin, interpreter, config.packages, own)]
            if pin.fault is None
            and pin.name not in config.only_binary
            and not any(_is_of(pin, one, config) for one in by_key[python.key])
        ]
    if missing:
        what = f"{path} lacks the build requirements of {', '.join(dict.fromkeys(missing))}"
        yield Finding(check="check", what=what, fix=fix)
    if unused := [
        one.name for one in lock.entries if one.pinned is not None and one.pinned not in used
    ]:
        what = f"{path} has build requirements that no pin needs: {', '.join(sorted(unused))}"
        yield Finding(check="check", what=what, fix=fix)


def _is_of(pin: Pin, entry: LockEntry, config: Config) -> bool:
    """Return whether *entry* is that of *pin*, whose source is changed as *config* says."""
    named = entry.name == pin.name and (entry.pinned is None or entry.pinned in pin.digests)
    change = modified.wanted(config.packages, entry.name, entry.version, entry.pinned)
    return named and entry.modified == change
