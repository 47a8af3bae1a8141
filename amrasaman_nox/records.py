"""Build records to and from their provenance files.

A provenance file is an in-toto Statement v1 with the SLSA provenance v1 predicate. It is
deterministic but for one section, ``runDetails.metadata``, which holds the clock.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import AsamanError, ExitCode, code_of, system_reason
from amrasaman_nox.model import (
    SCHEMA,
    BuildEnvironment,
    BuildRecord,
    Digest,
    Interpreter,
    LockedFile,
    Pin,
    Source,
    Tool,
    Wheel,
    utc,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = f"urn:amrasaman-nox:wheel:v{SCHEMA}"
TAKEN_TYPE: Final = f"urn:amrasaman-nox:taken:v{SCHEMA}"
SDIST_TYPE: Final = f"urn:amrasaman-nox:sdist:v{SCHEMA}"
BUILDER: Final = "urn:amrasaman-nox"
SUFFIX: Final = ".provenance.json"
_LARGEST: Final = 4 << 20


def render(record: BuildRecord) -> str:
    """Return the text of the provenance file of *record* (in-toto Statement v1, SLSA v1)."""
    return json.dumps(statement(record), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_sdist(record: BuildRecord) -> str:
    """Return the provenance file of an sdist: what stands for the wheel in *record* is the sdist.

    Its dependencies are the build requirements; the working tree is no file with a hash.
    """
    content = statement(record)
    definition = content["predicate"]["buildDefinition"]
    definition["buildType"] = SDIST_TYPE
    del definition["resolvedDependencies"][0]
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def statement(record: BuildRecord) -> dict[str, Any]:
    """Return *record* as an in-toto Statement v1 with the SLSA provenance v1 predicate."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": record.wheel.filename, "digest": _digests(record.wheel.digest)}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": TAKEN_TYPE if record.taken else BUILD_TYPE,
                "externalParameters": _external(record),
                "internalParameters": _internal(record),
                "resolvedDependencies": _dependencies(record),
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": _versions()},
                "metadata": _clock(record),
                "byproducts": [
                    {
                        "name": "content",
                        "digest": _digests(record.wheel.content_digest),
                        "annotations": {
                            "passes": list(record.passes),
                            "size": record.wheel.size,
                        },
                    }
                ],
            },
        },
    }


def comparable(content: dict[str, Any]) -> dict[str, Any]:
    """Return a statement without its clock, so that two rebuilders' can be compared."""
    kept: dict[str, Any] = json.loads(json.dumps(content))
    kept["predicate"]["runDetails"].pop("metadata", None)
    return kept


def read_record(path: Path) -> BuildRecord:
    """Return the record that the provenance file at *path* holds.

    :raises AsamanError: it cannot be read, is no record of ours or is of another schema
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        why = system_reason(error)
        raise AsamanError(f"record {path}", why, code=code_of(error)) from None
    if len(content) > _LARGEST:
        raise AsamanError(f"record {path}", f"longer than {_LARGEST} bytes")
    return parse(content, str(path))


def parse(content: bytes, name: str) -> BuildRecord:
    """Return the record in *content*; *name* is what messages call it.

    :raises AsamanError: it is no record of ours, or one of another schema
    """
    try:
        document = json.loads(content)
        definition = document["predicate"]["buildDefinition"]
        build_type = definition["buildType"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise AsamanError(f"record {name}", "not a provenance file") from None
    if build_type not in (BUILD_TYPE, TAKEN_TYPE):
        raise AsamanError(
            f"record {name}",
            f"its schema is {build_type}, and this version reads {BUILD_TYPE}",
            hint="rebuild the wheel, or use the version that wrote the record",
        )
    try:
        return _parsed(document, definition)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise AsamanError(f"record {name}", f"not a whole record: {error!r}") from None


def vouched_wheels(folder: Path) -> Iterator[tuple[BuildRecord, Path]]:
    """Yield each record in *folder* with the path of its wheel, in order of the file names.

    Records that cannot be read, or are of another schema, are passed over: their wheels are not
    vouched for. The wheel's bytes are not looked at.

    :raises AsamanError: the disk is at fault (exit 5)
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.glob(f"*.whl{SUFFIX}")):
        try:
            record = read_record(path)
        except AsamanError as error:
            if error.code is ExitCode.INPUT_OUTPUT:
                raise
            continue
        if path.name == record.wheel.filename + SUFFIX:
            yield record, folder / record.wheel.filename


def unreadable(folder: Path) -> Iterator[AsamanError]:
    """Yield why each record in *folder* that :func:`vouched_wheels` passes over cannot be read."""
    for path in sorted(folder.glob(f"*.whl{SUFFIX}")):
        try:
            read_record(path)
        except AsamanError as error:
            yield error


def _digests(digest: Digest) -> dict[str, str]:
    return {digest.algorithm: digest.value}


def _external(record: BuildRecord) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": record.name, "version": record.version}
    if record.environment is not None:
        facts["sourceDateEpoch"] = record.environment.source_date_epoch
        facts["variables"] = dict(record.environment.variables)
        facts["configSettings"] = [list(pair) for pair in record.config_settings]
    return facts


def _internal(record: BuildRecord) -> dict[str, Any]:
    facts: dict[str, Any] = {"key": record.key, "taken": record.taken}
    if record.taken:
        facts["note"] = "taken, not rebuilt"
    if record.environment is not None:
        world = dataclasses.asdict(record.environment)
        facts["environment"] = {name: value for name, value in world.items() if name != "variables"}
    if record.interpreter is not None:
        facts["interpreter"] = _interpreter(record.interpreter)
    facts["isolation"] = {"rung": record.isolation, "reasons": list(record.isolation_reasons)}
    if record.filtered is not None:
        facts["isolation"]["filtered"] = record.filtered
    facts["backend"] = record.backend
    facts["tools"] = {tool.name: tool.version for tool in record.tools}
    return facts


def _interpreter(interpreter: Interpreter) -> dict[str, Any]:
    return {
        "executable": interpreter.executable,
        "implementation": interpreter.implementation,
        "version": interpreter.version,
        "platform": interpreter.platform,
        "digest": _digests(interpreter.digest),
        "compileFlags": interpreter.compile_flags,
    }


def _dependencies(record: BuildRecord) -> list[dict[str, Any]]:
    source = record.source
    kind = "wheel" if record.taken else "sdist"
    found = [
        {
            "name": source.filename,
            "uri": f"pkg:pypi/{source.name}@{source.version}?file_name={source.filename}",
            "digest": _digests(source.digest),
            "annotations": {
                "kind": kind,
                "uploaded": utc(source.uploaded) if source.uploaded else None,
            },
        }
    ]
    found += [
        {
            "name": file.filename,
            "digest": _digests(file.digest),
            "annotations": {"kind": "build requirement"},
        }
        for file in record.requirements
    ]
    return found


@functools.cache
def _versions() -> dict[str, str]:
    names = ("amrasaman-nox", "build", "pyproject-hooks", "uv", "virtualenv")
    return {name: importlib.metadata.version(name) for name in names}


def _clock(record: BuildRecord) -> dict[str, str]:
    moments = {"startedOn": record.started, "finishedOn": record.finished}
    return {name: utc(moment) for name, moment in moments.items() if moment is not None}


def _parsed(document: dict[str, Any], definition: dict[str, Any]) -> BuildRecord:
    external, internal = definition["externalParameters"], definition["internalParameters"]
    details = document["predicate"]["runDetails"]
    first, *others = definition["resolvedDependencies"]
    name, version = external["name"], external["version"]
    clock = details.get("metadata", {})
    return BuildRecord(
        name=name,
        version=version,
        wheel=_wheel(document["subject"], details["byproducts"][0]),
        source=_source(first, name, version, taken=internal["taken"]),
        key=internal["key"],
        requirements=tuple(
            LockedFile(filename=other["name"], digest=_digest(other["digest"])) for other in others
        ),
        interpreter=_read_interpreter(internal.get("interpreter")),
        environment=_read_environment(internal.get("environment"), external),
        isolation=internal["isolation"]["rung"],
        isolation_reasons=tuple(internal["isolation"]["reasons"]),
        filtered=internal["isolation"].get("filtered"),
        config_settings=tuple((key, value) for key, value in external.get("configSettings", ())),
        backend=internal["backend"],
        passes=tuple(details["byproducts"][0]["annotations"]["passes"]),
        tools=tuple(Tool(name=key, version=text) for key, text in internal["tools"].items()),
        taken=internal["taken"],
        started=_moment(clock.get("startedOn")),
        finished=_moment(clock.get("finishedOn")),
    )


def _digest(content: dict[str, str]) -> Digest:
    ((algorithm, value),) = content.items()
    return Digest(algorithm=algorithm, value=value)


def _wheel(subject: list[dict[str, Any]], content: dict[str, Any]) -> Wheel:
    (only,) = subject
    if "/" in only["name"]:
        raise ValueError(only["name"])
    return Wheel(
        filename=only["name"],
        digest=_digest(only["digest"]),
        content_digest=_digest(content["digest"]),
        size=content["annotations"]["size"],
    )


def _source(content: dict[str, Any], name: str, version: str, *, taken: bool) -> Source:
    digest = _digest(content["digest"])
    return Source(
        pin=Pin(name=name, version=version, digests=(digest,)),
        filename=content["name"],
        digest=digest,
        uploaded=_moment(content["annotations"]["uploaded"]),
        taken=taken,
    )


def _read_interpreter(content: dict[str, Any] | None) -> Interpreter | None:
    if content is None:
        return None
    return Interpreter(
        executable=content["executable"],
        implementation=content["implementation"],
        version=content["version"],
        platform=content["platform"],
        prefixes=(),
        markers=(),
        tags=(),
        digest=_digest(content["digest"]),
        compile_flags=content["compileFlags"],
    )


def _read_environment(
    content: dict[str, Any] | None, external: dict[str, Any]
) -> BuildEnvironment | None:
    if content is None:
        return None
    return BuildEnvironment(**content, variables=tuple(sorted(external["variables"].items())))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
