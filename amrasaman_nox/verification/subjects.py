"""What can be rebuilt: a wheel by its record, and a project's own sdist by its tree."""

from __future__ import annotations

import dataclasses
import hashlib
import stat
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from amrasaman_nox.comparison import wheels
from amrasaman_nox.comparison.contents import LARGEST_MEMBER, Pair, compare
from amrasaman_nox.environments.installed import fetched
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure, BuildJob, Difference, Member
from amrasaman_nox.runs import executors, project
from amrasaman_nox.verification.rebuild import Artefact, Subject
from amrasaman_nox.wheels.reader import read_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import BuildEnvironment, BuildRecord, Digest, Interpreter, Source
    from amrasaman_nox.runs.workshop import Workshop
    from amrasaman_nox.sources.store import Store

_CHUNK: Final = 1 << 20


def wheel_subject(shop: Workshop, record: BuildRecord, wheel: Path) -> Subject:
    """Return the build that *record* tells of as one that can be repeated.

    The sdist and the build requirements must be in the store.

    :param wheel: the file that the first build gave
    :raises AsamanError: the interpreter is not at hand (exit 4), or the wheel cannot be read or is
        not the record's (exit 5)
    """
    if record.environment is None:
        raise AsamanError(str(record.source.pin), "its record has no environment")
    job = BuildJob(
        source=record.source,
        requirements=record.requirements,
        interpreter=_interpreter(shop, record),
        environment=record.environment,
        isolation=shop.isolation.rung,
        config_settings=record.config_settings,
        limits=shop.config.limits,
    )

    def build(environment: BuildEnvironment) -> Artefact | BuildFailure:
        result = executors.build(shop, dataclasses.replace(job, environment=environment))
        return result if isinstance(result, BuildFailure) else _artefact(result, shop.store)

    def compared(ours: Artefact, theirs: Artefact) -> tuple[Difference, ...]:
        with (
            fetched(ours.digest, ours.filename, shop.store) as left,
            fetched(theirs.digest, theirs.filename, shop.store) as right,
        ):
            return wheels.compare_wheels(left, right, filename=ours.filename)

    return Subject(
        name=record.name,
        version=record.version,
        first=_first(record, wheel, shop.store),
        environment=record.environment,
        started=record.started,
        finished=record.finished,
        build=build,
        compare=compared,
    )


def _interpreter(shop: Workshop, record: BuildRecord) -> Interpreter:
    for interpreter in shop.interpreters:
        if record.interpreter is not None and interpreter.digest == record.interpreter.digest:
            return interpreter
    raise AsamanError(
        str(record.source.pin),
        "the interpreter that built it is not at hand",
        hint="name it with --python",
        code=ExitCode.NOT_AVAILABLE,
    )


def _artefact(record: BuildRecord, store: Store) -> Artefact:
    wheel, members = record.wheel, record.wheel.members
    if not members:
        # A record that came from another machine has the digests only.
        with fetched(wheel.digest, wheel.filename, store) as file:
            members = read_wheel(file, wheel.filename).members
    return Artefact(filename=wheel.filename, digest=wheel.digest, members=members)


def _first(record: BuildRecord, path: Path, store: Store) -> Artefact:
    """Read the first wheel anew: what is compared is what stands there, not what is said of it."""
    try:
        with path.open("rb") as file:
            content = read_wheel(file, record.wheel.filename, code=ExitCode.INPUT_OUTPUT)
            if content.digest != record.wheel.digest:
                raise AsamanError(
                    str(path), "not the wheel of its record", code=ExitCode.INPUT_OUTPUT
                )
            file.seek(0)
            if not store.has(content.digest):
                store.add(iter(lambda: file.read(_CHUNK), b""), content.digest, name=path.name)
    except OSError as error:
        raise AsamanError(
            str(path), error.strerror or str(error), code=ExitCode.INPUT_OUTPUT
        ) from None
    return Artefact(filename=record.wheel.filename, digest=content.digest, members=content.members)


# --- the project's own sdist -----------------------------------------------------------------


def sdist_subject(shop: Workshop, folder: Path, first: Source, started: datetime) -> Subject:
    """Return the sdist that was built from the project in *folder* as one that can be repeated.

    :param first: the sdist; its bytes are in the store
    :param started: when its build began
    """

    def build(environment: BuildEnvironment) -> Artefact | BuildFailure:
        try:
            made = project.build_sdist(shop, folder, environment=environment)
        except AsamanError as error:
            return BuildFailure(
                name=first.name,
                version=first.version,
                stage="build_sdist",
                reason=error.why,
                hint=error.hint,
                code=error.code,
            )
        return _unpacked(made.filename, made.digest, shop.store)

    def compared(ours: Artefact, theirs: Artefact) -> tuple[Difference, ...]:
        return compare_sdists(ours, theirs, shop.store)

    return Subject(
        name=first.name,
        version=first.version,
        first=_unpacked(first.filename, first.digest, shop.store),
        environment=shop.environment(),
        started=started,
        finished=datetime.now(UTC),
        build=build,
        compare=compared,
    )


def _unpacked(filename: str, digest: Digest, store: Store) -> Artefact:
    """Return an sdist with its members, their names without the folder that holds them all."""
    members = []
    with (
        fetched(digest, filename, store) as file,
        tarfile.open(fileobj=file, mode="r:gz") as archive,
    ):
        for info in archive:
            content = archive.extractfile(info) if info.isreg() else None
            found = hashlib.sha256(info.linkname.encode() if content is None else b"")
            while content is not None and (chunk := content.read(_CHUNK)):
                found.update(chunk)
            members.append(
                Member(
                    name=info.name.partition("/")[2],
                    sha256=found.hexdigest(),
                    size=info.size,
                    executable=bool(info.mode & stat.S_IXUSR),
                )
            )
    return Artefact(filename=filename, digest=digest, members=tuple(members))


def compare_sdists(ours: Artefact, theirs: Artefact, store: Store) -> tuple[Difference, ...]:
    """Return in what two canonical sdists differ, member by member."""
    left, right = ({member.name: member for member in side.members} for side in (ours, theirs))
    found = []
    for name in sorted({*left, *right}):
        if name not in left or name not in right:
            kind = "member-added" if name not in left else "member-missing"
            found.append(Difference(kind=kind, member=name, detail="of the sdist"))
        elif left[name].sha256 != right[name].sha256:
            found.append(_changed(name, ours, theirs, store))
        elif left[name].executable != right[name].executable:
            found.append(Difference(kind="executable-bit", member=name, detail="of the sdist"))
    if not found and ours.filename != theirs.filename:
        detail = f"file name {ours.filename} → {theirs.filename}"
        found.append(Difference(kind="metadata", detail=detail))
    return tuple(found)


def _changed(name: str, ours: Artefact, theirs: Artefact, store: Store) -> Difference:
    bodies = [_body(side, name, store) for side in (ours, theirs)]
    if max(map(len, bodies)) > LARGEST_MEMBER:
        return Difference(kind="bytes", member=name, detail="too large to be looked into")
    return compare(Pair(name=name, ours=bodies[0], theirs=bodies[1]))


def _body(side: Artefact, name: str, store: Store) -> bytes:
    with (
        fetched(side.digest, side.filename, store) as file,
        tarfile.open(fileobj=file, mode="r:gz") as archive,
    ):
        for info in archive:
            if info.name.partition("/")[2] == name:
                content = archive.extractfile(info) if info.isreg() else None
                return content.read(LARGEST_MEMBER + 1) if content else info.linkname.encode()
    return b""
