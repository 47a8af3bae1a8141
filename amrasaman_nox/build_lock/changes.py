"""How what wheels are built from differs between two states of an input: pins and build lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import parse_wheel_filename

from amrasaman_nox.build_lock.file import lock_path, read_lock
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs import readers
from amrasaman_nox.inputs.texts import read_text
from amrasaman_nox.model import PinChange, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Digest, Notify


class _Built(NamedTuple):
    """What the wheels of a project are built from: pins, and build requirements by name.

    ``locked`` tells whether the build lock has it.
    """

    versions: frozenset[str]
    digests: frozenset[Digest]
    requirements: Mapping[str, str]
    locked: bool


def changes(config: Config, *, notify: Notify) -> Report:
    """Compare a former state of an input, and its build lock beside it, with the present one.

    ``config.before`` is the former file; a missing one pins nothing. ``config.verdicts`` is the
    JSON report of ``asaman verify`` whose verdicts are shown, if any.

    :param notify: not used: nothing here takes long
    :raises AsamanError: a file cannot be read, or is not what it should be (exit 2)
    """
    del notify
    if config.before is None or config.requirement is None:
        raise AsamanError("changes", "two files are required: BEFORE and AFTER")
    before = _built(config.before, config) if config.before.exists() else {}
    after = _built(config.requirement, config)
    verdicts = _verdicts(config.verdicts) if config.verdicts else {}
    found = (
        _change(name, before.get(name), after.get(name), verdicts)
        for name in sorted({*before, *after})
    )
    return Report(command="show_changes", changes=tuple(one for one in found if one.why))


def _built(path: Path, config: Config) -> dict[str, _Built]:
    pins = readers.read_requirement(path, config).pins
    lock = read_lock(lock_path(path))
    found: dict[str, _Built] = {}
    for name in dict.fromkeys(pin.name for pin in pins):
        own = [pin for pin in pins if pin.name == name]
        digests = frozenset(digest for pin in own for digest in pin.digests)
        entries = [one for one in lock.entries if one.pinned in digests]
        files = (file for one in entries for file in one.files)
        tools = (parse_wheel_filename(file.filename)[:2] for file in files)
        found[name] = _Built(
            versions=frozenset(pin.version for pin in own),
            digests=digests,
            requirements={str(tool): str(version) for tool, version in sorted(tools)},
            locked=bool(entries),
        )
    return found


def _change(
    name: str, before: _Built | None, after: _Built | None, verdicts: Mapping[tuple[str, str], str]
) -> PinChange:
    versions = [", ".join(sorted(one.versions)) if one else "" for one in (before, after)]
    found = {verdicts.get((name, version), "") for version in (after.versions if after else ())}
    return PinChange(
        name=name,
        before=versions[0],
        after=versions[1],
        why=tuple(_why(before, after)),
        verdict=", ".join(sorted(filter(None, found))),
    )


def _why(before: _Built | None, after: _Built | None) -> Iterator[str]:
    """Yield what is different; nothing if the wheels are built from the same."""
    if before is None or after is None:
        yield "no longer pinned" if after is None else "not pinned before"
        return
    if before.versions != after.versions:
        yield "another release"
    elif before.digests != after.digests:
        yield "the same release with other hashes"
    if not before.locked or not after.locked:
        return
    for tool in sorted({*before.requirements, *after.requirements}):
        old, new = before.requirements.get(tool), after.requirements.get(tool)
        if old != new and old and new:
            yield f"built with {tool} {new} (before: {old})"
        elif old != new:
            yield f"built with {tool} {new}" if new else f"built without {tool} {old}"


def _verdicts(path: Path) -> dict[tuple[str, str], str]:
    """Return the verdicts of a JSON report by name and version of what was compared."""
    text, _ = read_text(str(path))
    try:
        found = [
            ((str(one["name"]), str(one["version"])), str(one["verdict"]))
            for one in json.loads(text).get("comparisons", ())
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise AsamanError(str(path), "not a JSON report of asaman verify") from None
    verdicts: dict[tuple[str, str], str] = {}
    for key, verdict in found:
        same = {verdict, verdicts.get(key, verdict)}
        verdicts[key] = ", ".join(sorted(same))
    return verdicts
