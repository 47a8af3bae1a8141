"""A requirements file whose hashes are those of somebody's own wheels, held against rebuilt ones.

Teams pin wheels that they built themselves. Which sdist each was made of is not in such a file: it
is one of a folder, or the one of the index, whose hash is what the index says.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs import readers
from amrasaman_nox.inputs.sdists import read_directory
from amrasaman_nox.model import (
    BuildFailure,
    BuildJob,
    BuildRecord,
    Comparison,
    Digest,
    Fault,
    LockedFile,
    Pin,
    Requirements,
    Verdict,
)
from amrasaman_nox.sources import download
from amrasaman_nox.sources.locate import released_sdists
from amrasaman_nox.sources.resolve import resolve
from amrasaman_nox.verification.originals import job_of_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.runs.run import Run


def read(path: Path, config: Config) -> tuple[Pin, ...]:
    """Return the pins of a requirements file or a lock, with all hashes that they have.

    :raises AsamanError: it cannot be read, or is not what it should be (exit 2)
    """
    found = readers.read_requirement(path, config)
    if found.kind == "pylock":
        # Hashes of wheels are read only where the wheel is wanted.
        names = tuple(pin.name for pin in found.pins)
        found = readers.read_requirement(path, dataclasses.replace(config, only_binary=names))
    return found.pins


def to_build(pins: Sequence[Pin], path: Path, run: Run) -> Requirements:
    """Return what *pins* of the file *path* are built from, each with the hash of its sdist.

    That is in the configured folder of sdists, or on the index. A pin without one has a fault.

    :raises AsamanError: an archive cannot be read (exit 2), or the index be asked (exit 5)
    """
    folder = run.config.sources
    if folder is not None:
        archives = read_directory(folder).pins
        found = {pin: one for pin in pins for one in archives if pin.is_of(one.name, one.version)}
        missing = f"{folder} has no sdist of it"
    else:
        found = released_sdists(
            pins,
            index=run.site.index,
            python=run.interpreters[0].executable,
            cache=run.site.index_cache,
        )
        missing = "the index has no sdist of it"
        run.site.say(f"{path} has no hashes of sdists: those of the index are built")
    built = tuple(
        dataclasses.replace(found[pin], marker=pin.marker, origin=pin.origin)
        if pin in found
        else dataclasses.replace(pin, fault=Fault(reason=missing))
        for pin in pins
    )
    return Requirements(kind="requirements", path=str(path), pins=built)


def compare(run: Run, record: BuildRecord, pins: Sequence[Pin]) -> Comparison:
    """Return whether the wheel of *record* has a pinned hash, else whether the backend's own has.

    Wheels that were built otherwise are not in canonical form: so the sdist is built again, and its
    wheel left as the build backend wrote it; then with the build requirements that *pins* have.
    """
    pinned = [
        digest for pin in pins if pin.is_of(record.name, record.version) for digest in pin.digests
    ]
    if not pinned:
        return _comparison(record, record.wheel.digest, Verdict.UNCHECKED, "no pin names it")
    if record.wheel.digest in pinned:
        return _comparison(record, record.wheel.digest, Verdict.IDENTICAL, "")
    job = dataclasses.replace(job_of_record(run, record), canonical=False)
    raw = run.build(job)
    if isinstance(raw, BuildFailure):
        raise AsamanError(str(record.source.pin), raw.reason, hint=raw.hint)
    if raw.wheel.digest in pinned:
        why = "as the build backend wrote it, not in canonical form"
        return _comparison(record, raw.wheel.digest, Verdict.IDENTICAL, why)
    files = _with_pinned_tools(run, job, pins)
    again = run.build(dataclasses.replace(job, requirements=files)) if files else raw
    if isinstance(again, BuildRecord) and again.wheel.digest in pinned:
        why = "as the build backend wrote it, with the build requirements that are pinned as well"
        return _comparison(record, again.wheel.digest, Verdict.IDENTICAL, why)
    why = (
        f"its sdist builds to {record.wheel.digest}, or to {raw.wheel.digest} if the wheel is left "
        "as the build backend wrote it"
    )
    return _comparison(record, raw.wheel.digest, Verdict.DIFFERENT, why, theirs=pinned[0])


def _with_pinned_tools(run: Run, job: BuildJob, pins: Sequence[Pin]) -> tuple[LockedFile, ...]:
    """Return the build requirements of *job* in the versions of *pins*, none if that is no change.

    Who pins the wheels of build backends as well, as for a bootstrap, builds with these.
    """
    locked = {}
    for file in job.requirements:
        name, version, _, _ = parse_wheel_filename(file.filename)
        locked[str(name)] = str(version)
    wanted = locked | {pin.name: pin.version for pin in pins if pin.name in locked}
    if wanted == locked:
        return ()
    try:
        resolution = resolve(
            [f"{name}=={version}" for name, version in sorted(wanted.items())],
            index=run.site.index,
            interpreter=job.interpreter,
            as_of=None,
            cache=run.site.index_cache,
        )
        download.fetch_all(resolution.files, run.site)
    except AsamanError:
        # They exclude each other, or are not on the index: then they were not used so.
        return ()
    return tuple(
        sorted(LockedFile(filename=file.filename, digest=file.digest) for file in resolution.files)
    )


def unbuilt(pins: Sequence[Pin], built: Iterable[tuple[str, str]]) -> tuple[Comparison, ...]:
    """Return a comparison for each of *pins* that none of *built* (name and version) is of."""
    return tuple(
        Comparison(
            name=pin.name,
            version=pin.version,
            wheel="",
            verdict=Verdict.UNCHECKED,
            reason="no sdist of it was given",
        )
        for pin in pins
        if not any(pin.is_of(*release) for release in built)
    )


def _comparison(
    record: BuildRecord,
    ours: Digest,
    verdict: Verdict,
    reason: str,
    theirs: Digest | None = None,
) -> Comparison:
    return Comparison(
        name=record.name,
        version=record.version,
        wheel=record.wheel.filename,
        verdict=verdict,
        against="pinned hashes",
        ours=ours,
        theirs=theirs if theirs is not None else ours,
        reason=reason,
    )
