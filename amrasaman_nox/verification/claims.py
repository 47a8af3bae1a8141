"""What a record may claim: builds of this tool have nothing else, and nothing of it is trusted."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from amrasaman_nox.errors import AsamanError, shown
from amrasaman_nox.model import EARLIEST_EPOCH, LATEST_EPOCH, BuildEnvironment, BuildJob
from amrasaman_nox.sdists import names
from amrasaman_nox.sources.fit import name_and_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.model import BuildRecord
    from amrasaman_nox.record_files import RecordFile

#: More build requirements than any source has.
_MOST_REQUIREMENTS: Final = 2000
_MOST_PROCESSORS: Final = 4096
_RUST_VERSION: Final = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}(-[a-z0-9.]{1,20})?")
#: What a user can set of the constant world; all else is the same in every build.
_SETTABLE: Final = frozenset(
    {
        "source_date_epoch", "source_times", "processors", "keep_debug_info", "temporary_names",
        "embedded_sbom",
    }
)  # fmt: skip


def check(file: RecordFile) -> None:
    """Check that the record in *file* tells of a build that there can be.

    :raises AsamanError: its parts are of different releases, or it has a world that no build has
        (exit 2)
    """
    record = file.record
    problem = next(filter(None, (claim(record) for claim in _CLAIMS)), "")
    if problem:
        raise AsamanError(f"record {file.path}", problem)


def key_is_of_inputs(record: BuildRecord) -> bool:
    """Tell whether the key in *record* is that of the inputs in it, as this version makes keys."""
    if record.interpreter is None or record.environment is None:
        return False
    job = BuildJob(
        source=record.source,
        requirements=record.requirements,
        interpreter=record.interpreter,
        environment=record.environment,
        isolation=record.isolation,
        config_settings=record.config_settings,
        rust=record.rust,
    )
    return job.key == record.key


def _wheel(record: BuildRecord) -> str:
    return _of_release(record, record.wheel.filename, name_and_version)


def _source(record: BuildRecord) -> str:
    named = name_and_version if record.as_published else names.name_and_version
    return _of_release(record, record.source.filename, named)


def _of_release(
    record: BuildRecord, filename: str, named: Callable[[str], tuple[str, object]]
) -> str:
    """Return what is wrong with *filename* as a file of the release that *record* names."""
    try:
        name, version = named(filename)
        same = name == canonicalize_name(record.name) and Version(str(version)) == Version(
            record.version
        )
    except (AsamanError, ValueError):
        same = False
    return "" if same else f"{shown(filename, 100)} is not of {record.name} {record.version}"


def _built(record: BuildRecord) -> str:
    if record.as_published or (record.environment and record.interpreter):
        return ""
    return "it does not say by which interpreter and in which environment"


def _requirements(record: BuildRecord) -> str:
    if len(record.requirements) > _MOST_REQUIREMENTS:
        return f"more than {_MOST_REQUIREMENTS} build requirements"
    found = set()
    for file in record.requirements:
        try:
            name, _ = name_and_version(file.filename)
        except AsamanError:
            return f"{shown(file.filename, 100)} is not a build requirement: not a wheel"
        if name in found:
            return f"two build requirements are {name}"
        found.add(name)
    return ""


def _rust(record: BuildRecord) -> str:
    """Return what is wrong with the version of the toolchain: it chooses an installed one."""
    if record.rust is None or _RUST_VERSION.fullmatch(record.rust.version):
        return ""
    return f"invalid Rust version {shown(record.rust.version, 40)}"


def _world(record: BuildRecord) -> str:
    """Return what of the environment no build has; paths of it must never be a record's choice."""
    world, constant = record.environment, BuildEnvironment()
    if world is None:
        return ""
    for field in dataclasses.fields(world):
        if field.name in _SETTABLE or field.name == "variables":
            continue
        if getattr(world, field.name) != getattr(constant, field.name):
            value = shown(str(getattr(world, field.name)), 100)
            return f"no build has {field.name.replace('_', ' ')} {value}"
    return _values(world)


def _values(world: BuildEnvironment) -> str:
    epoch = world.source_date_epoch
    if epoch is None or not EARLIEST_EPOCH <= epoch <= LATEST_EPOCH:
        return f"invalid source date epoch {shown(str(epoch), 40)}"
    if world.source_times != epoch:
        return "its source times are not its source date epoch"
    if not 1 <= world.processors <= _MOST_PROCESSORS:
        return f"invalid number of processors {shown(str(world.processors), 40)}"
    if world.temporary_names not in ("random", "constant"):
        return f"invalid temporary names {shown(world.temporary_names, 40)}"
    if any("\0" in text or "=" in name or not name for name, text in world.variables):
        return "a variable that no program can be given"
    return ""


_CLAIMS: Final[tuple[Callable[[BuildRecord], str], ...]] = (
    _wheel, _source, _built, _requirements, _rust, _world,
)  # fmt: skip
