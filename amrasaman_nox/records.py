"""Build records to and from their provenance files.

A provenance file is an in-toto Statement v1 with the SLSA provenance v1 predicate. It is
deterministic but for one section, ``runDetails.metadata``, which holds the clock.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import strict_json
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import (
    SCHEMA,
    BuildEnvironment,
    BuildRecord,
    Crate,
    Digest,
    Interpreter,
    LockedFile,
    Modified,
    Pin,
    Publisher,
    RustToolchain,
    Source,
    SystemPackage,
    Tool,
    Wheel,
    utc,
)
from amrasaman_nox.strict_json import Value

if TYPE_CHECKING:
    from datetime import datetime

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = f"urn:amrasaman-nox:wheel:v{SCHEMA}"
AS_PUBLISHED_TYPE: Final = f"urn:amrasaman-nox:taken:v{SCHEMA}"
SDIST_TYPE: Final = f"urn:amrasaman-nox:sdist:v{SCHEMA}"
BUILDER: Final = "urn:amrasaman-nox"
_CRATE: Final = "crate"
SUFFIX: Final = ".provenance.json"
_PLAIN_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLAIN_VERSION: Final = re.compile(r"[a-z0-9!.+]{1,200}")


def render(record: BuildRecord) -> str:
    """Return the text of the provenance file of *record* (in-toto Statement v1, SLSA v1)."""
    return json.dumps(statement(record), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_sdist(record: BuildRecord) -> str:
    """Return the provenance file of an sdist: the sdist takes the part of the wheel in *record*.

    Its dependencies are the build requirements; the working tree is not a file with a hash.
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
                "buildType": AS_PUBLISHED_TYPE if record.as_published else BUILD_TYPE,
                "externalParameters": _external(record),
                "internalParameters": _internal(record),
                "resolvedDependencies": _dependencies(record),
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": dict(record.versions)},
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


def digest(record: BuildRecord) -> Digest:
    """Return the sha256 of what *record* says, but for its clock."""
    text = json.dumps(comparable(statement(record)), sort_keys=True, ensure_ascii=False)
    return Digest.of(text.encode())


def parse(content: bytes, name: str) -> BuildRecord:
    """Return the record in *content*; *name* is what messages call it.

    Every value is checked for its type. What a later version adds to a record is ignored.

    :raises AsamanError: it is not a record, or has another schema
    """
    try:
        document = strict_json.parse(content)
        definition = document["predicate"]["buildDefinition"]
        build_type = definition["buildType"].text()
    except strict_json.Malformed as malformed:
        raise AsamanError(f"record {name}", f"not a provenance file: {malformed}") from None
    if build_type not in (BUILD_TYPE, AS_PUBLISHED_TYPE):
        raise AsamanError(
            f"record {name}",
            f"schema {build_type[:80]} is not supported (supported: {BUILD_TYPE})",
            hint="rebuild the wheel, or use the release that wrote the record",
        )
    try:
        return _parsed(document, definition, as_published=build_type == AS_PUBLISHED_TYPE)
    except strict_json.Malformed as malformed:
        raise AsamanError(f"record {name}", f"malformed or incomplete: {malformed}") from None


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
    facts: dict[str, Any] = {"key": record.key, "taken": record.as_published}
    if record.as_of is not None:
        facts["resolvedAsOf"] = utc(record.as_of)
    if record.as_published:
        facts["note"] = "published as is, not rebuilt"
    if record.environment is not None:
        world = record.environment.facts()
        facts["environment"] = {name: value for name, value in world.items() if name != "variables"}
    if record.interpreter is not None:
        facts["interpreter"] = _interpreter(record.interpreter)
    if record.rust is not None:
        rust = dataclasses.asdict(record.rust)
        facts["rust"] = {**rust, "digest": _digests(record.rust.digest)}
        if record.source.rust_channel:
            facts["rust"]["channel"] = record.source.rust_channel
    facts["isolation"] = _isolation(record)
    facts["backend"] = record.backend
    facts["tools"] = {tool.name: tool.version for tool in record.tools}
    if record.system:
        packages = [_system_package(package) for package in record.system]
        facts["system"] = {"distribution": record.distribution, "packages": packages}
    return facts


def _isolation(record: BuildRecord) -> dict[str, Any]:
    facts: dict[str, Any] = {"rung": record.isolation, "reasons": list(record.isolation_reasons)}
    if record.filtered is not None:
        facts["filtered"] = record.filtered
    if record.source_on_disk:
        facts["sourceOnDisk"] = record.source_on_disk
    if record.fixed_addresses is not None:
        facts["fixedAddresses"] = record.fixed_addresses
    return facts


def _system_package(package: SystemPackage) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": package.name,
        "version": package.version,
        "architecture": package.architecture,
        "kind": package.kind,
        "files": {path: _digests(digest) for path, digest in package.files},
    }
    return facts


def _interpreter(interpreter: Interpreter) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "executable": interpreter.executable,
        "implementation": interpreter.implementation,
        "version": interpreter.version,
        "platform": interpreter.platform,
        "digest": _digests(interpreter.digest),
        "compileFlags": interpreter.compile_flags,
    }
    if interpreter.free_threaded:
        facts["freeThreaded"] = True
    return facts


def _dependencies(record: BuildRecord) -> list[dict[str, Any]]:
    source = record.source
    kind = "wheel" if record.as_published else "sdist"
    found = [
        {
            "name": source.filename,
            "uri": f"pkg:pypi/{source.name}@{source.version}?file_name={source.filename}",
            "digest": _digests(source.digest),
            "annotations": {
                "kind": kind,
                "uploaded": utc(source.uploaded) if source.uploaded else None,
                **_published_by(record),
                **_modified(source.modified),
            },
        }
    ]
    found += [
        {
            "name": file.filename,
            "digest": _digests(file.digest),
            "annotations": {"kind": "build requirement", **_built_from_source(file)},
        }
        for file in record.requirements
    ]
    found += [
        {
            "name": crate.filename,
            "uri": f"pkg:cargo/{crate.name}@{crate.version}",
            "digest": _digests(crate.digest),
            "annotations": {
                "kind": _CRATE,
                "name": crate.name,
                "version": crate.version,
                "registry": crate.registry,
            },
        }
        for crate in source.crates or ()
    ]
    return found


def _published_by(record: BuildRecord) -> dict[str, Any]:
    return {} if record.publisher is None else {"publisher": dataclasses.asdict(record.publisher)}


def _modified(modified: Modified | None) -> dict[str, Any]:
    """Return how the source differs from the pinned sdist, and nothing where it is that one."""
    if modified is None:
        return {}
    facts = {
        "pinned": _digests(modified.pinned) if modified.pinned is not None else None,
        "archive": modified.archive,
        "patches": [
            {"name": name, "digest": _digests(digest)} for name, digest in modified.patches
        ],
    }
    return {"modified": facts}


def _built_from_source(file: LockedFile) -> dict[str, Any]:
    return {} if file.record is None else {"record": _digests(file.record)}


@functools.cache
def own_versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of this package and of the parts that matter, by name.

    The zlib at hand compresses wheels, and others compress otherwise.
    """
    names = ("amrasaman-nox", "build", "pyproject-hooks", "uv", "virtualenv")
    found = {name: importlib.metadata.version(name) for name in names}
    return tuple(sorted({**found, "zlib": zlib.ZLIB_RUNTIME_VERSION}.items()))


def _clock(record: BuildRecord) -> dict[str, str]:
    moments = {"startedOn": record.started, "finishedOn": record.finished}
    return {name: utc(moment) for name, moment in moments.items() if moment is not None}


def _parsed(document: Value, definition: Value, *, as_published: bool) -> BuildRecord:
    external, internal = definition["externalParameters"], definition["internalParameters"]
    details = document["predicate"]["runDetails"]
    content, isolation = _only(details["byproducts"]), internal["isolation"]
    first, *others = _at_least_one(definition["resolvedDependencies"])
    crates = [other for other in others if _is_crate(other)]
    rust = _read_toolchain(internal.get("rust"))
    name, version = _name(external["name"]), _version(external["version"])
    _check_says(document["_type"], STATEMENT_TYPE)
    _check_says(document["predicateType"], PREDICATE_TYPE)
    _check_says(internal["taken"], as_published)
    environment = _read_environment(internal.get("environment"), external)
    if environment is not None and environment.source_date_epoch is not None:
        _check_says(external["sourceDateEpoch"], environment.source_date_epoch)
    clock = details.get("metadata") or Value({})
    settings, filtered = external.get("configSettings"), isolation.get("filtered")
    on_disk = isolation.get("sourceOnDisk")
    fixed = isolation.get("fixedAddresses")
    builder = details.get("builder") or Value({})
    versions = builder.get("version") or Value({})
    return BuildRecord(
        name=name,
        version=version,
        wheel=_wheel(_only(document["subject"]), content),
        source=dataclasses.replace(
            _source(first, name, version, as_published=as_published),
            crates=tuple(map(_read_crate, crates)) if rust is not None else None,
            rust_channel=_channel(internal.get("rust")),
        ),
        key=internal["key"].text(),
        requirements=tuple(_read_requirement(other) for other in others if not _is_crate(other)),
        interpreter=_read_interpreter(internal.get("interpreter")),
        environment=environment,
        rust=rust,
        isolation=isolation["rung"].text(),
        isolation_reasons=isolation["reasons"].texts(),
        filtered=filtered.flag() if filtered is not None else None,
        source_on_disk=on_disk.text() if on_disk is not None else "",
        fixed_addresses=fixed.flag() if fixed is not None else None,
        config_settings=tuple(map(_pair, settings.items())) if settings is not None else (),
        backend=internal["backend"].text(),
        passes=content["annotations"]["passes"].texts(),
        distribution=_distribution(internal.get("system")),
        system=_read_system(internal.get("system")),
        tools=tuple(
            Tool(name=key, version=value.text()) for key, value in internal["tools"].members()
        ),
        versions=tuple((key, value.text()) for key, value in versions.members()),
        as_of=_moment(internal.get("resolvedAsOf")),
        as_published=as_published,
        publisher=_read_publisher(first["annotations"].get("publisher")),
        started=_moment(clock.get("startedOn")),
        finished=_moment(clock.get("finishedOn")),
    )


def _check_says(value: Value, wanted: object) -> None:
    if type(value.raw) is not type(wanted) or value.raw != wanted:
        raise value.malformed(f"{wanted!r} is required")


def _at_least_one(value: Value) -> tuple[Value, ...]:
    items = value.items()
    if not items:
        raise value.malformed("the source is missing")
    return items


def _only(value: Value) -> Value:
    items = value.items()
    if len(items) != 1:
        raise value.malformed(f"one item is required, not {len(items)}")
    return items[0]


def _pair(value: Value) -> tuple[str, str]:
    texts = value.texts()
    if len(texts) != 2:
        raise value.malformed("a name and a value are required")
    return texts[0], texts[1]


def _digest(value: Value) -> Digest:
    members = [(algorithm, digest.text()) for algorithm, digest in value.members()]
    if len(members) != 1:
        raise value.malformed(f"one hash is required, not {len(members)}")
    try:
        return Digest(algorithm=members[0][0], value=members[0][1])
    except AsamanError as error:
        raise value.malformed(str(error)) from None


def _file_name(value: Value) -> str:
    """Return a plain name: it becomes part of a path."""
    name = value.text()
    if not name.isprintable() or "/" in name or name in {"", ".", ".."} or len(name) > 255:
        raise value.malformed("not a file name")
    return name


def _name(value: Value) -> str:
    name = value.text()
    if not _PLAIN_NAME.fullmatch(name):
        raise value.malformed("not a normalized project name")
    return name


def _version(value: Value) -> str:
    version = value.text()
    if not _PLAIN_VERSION.fullmatch(version):
        raise value.malformed("not a version")
    return version


def _wheel(subject: Value, content: Value) -> Wheel:
    return Wheel(
        filename=_file_name(subject["name"]),
        digest=_digest(subject["digest"]),
        content_digest=_digest(content["digest"]),
        size=content["annotations"]["size"].whole(),
    )


def _source(content: Value, name: str, version: str, *, as_published: bool) -> Source:
    digest = _digest(content["digest"])
    modified = _read_modified(content["annotations"].get("modified"))
    pinned = digest if modified is None else modified.pinned
    return Source(
        pin=Pin(name=name, version=version, digests=(pinned,) if pinned is not None else ()),
        modified=modified,
        filename=_file_name(content["name"]),
        digest=digest,
        uploaded=_moment(content["annotations"].get("uploaded")),
        as_published=as_published,
    )


def _read_publisher(content: Value | None) -> Publisher | None:
    if content is None:
        return None
    names = ("kind", "repository", "workflow", "commit")
    return Publisher(**{name: content[name].text() for name in names})


def _read_modified(content: Value | None) -> Modified | None:
    if content is None:
        return None
    pinned = content["pinned"]
    return Modified(
        pinned=_digest(pinned) if pinned.raw is not None else None,
        archive=content["archive"].text(),
        patches=tuple(
            (_file_name(each["name"]), _digest(each["digest"]))
            for each in content["patches"].items()
        ),
    )


def _read_interpreter(content: Value | None) -> Interpreter | None:
    if content is None:
        return None
    free_threaded = content.get("freeThreaded")
    return Interpreter(
        executable=content["executable"].text(),
        implementation=content["implementation"].text(),
        version=content["version"].text(),
        platform=content["platform"].text(),
        prefix="",
        shown=(),
        hidden=(),
        markers=(),
        tags=(),
        digest=_digest(content["digest"]),
        compile_flags=content["compileFlags"].text(),
        free_threaded=free_threaded is not None and free_threaded.flag(),
    )


def _read_requirement(content: Value) -> LockedFile:
    record = (content.get("annotations") or Value({})).get("record")
    return LockedFile(
        filename=_file_name(content["name"]),
        digest=_digest(content["digest"]),
        record=_digest(record) if record is not None else None,
    )


def _is_crate(dependency: Value) -> bool:
    kind = (dependency.get("annotations") or Value({})).get("kind")
    return kind is not None and kind.raw == _CRATE


def _read_crate(content: Value) -> Crate:
    facts = content["annotations"]
    crate = Crate(
        name=_file_name(facts["name"]),
        version=_file_name(facts["version"]),
        digest=_digest(content["digest"]),
        registry=facts["registry"].text(),
    )
    _check_says(content["name"], crate.filename)
    return crate


def _channel(rust: Value | None) -> str:
    channel = rust.get("channel") if rust is not None else None
    return channel.text() if channel is not None else ""


def _read_toolchain(content: Value | None) -> RustToolchain | None:
    if content is None:
        return None
    texts = {
        name: content[name].text() for name in ("sysroot", "version", "commit", "host", "cargo")
    }
    return RustToolchain(**texts, digest=_digest(content["digest"]))


def _distribution(system: Value | None) -> str:
    return system["distribution"].text() if system is not None else ""


def _read_system(system: Value | None) -> tuple[SystemPackage, ...]:
    packages = system["packages"].items() if system is not None else ()
    return tuple(map(_read_system_package, packages))


def _read_system_package(content: Value) -> SystemPackage:
    texts = {name: content[name].text() for name in ("kind", "name", "version", "architecture")}
    files = tuple((path, _digest(digest)) for path, digest in content["files"].members())
    return SystemPackage(**texts, files=files)


def _read_environment(content: Value | None, external: Value) -> BuildEnvironment | None:
    if content is None:
        return None
    kinds = {each.name: str(each.type) for each in dataclasses.fields(BuildEnvironment)}
    values = {key: _typed(value, kinds.get(key, "")) for key, value in content.members()}
    variables = ((key, value.text()) for key, value in external["variables"].members())
    return BuildEnvironment(**values, variables=tuple(sorted(variables)))


def _typed(value: Value, kind: str) -> Any:
    """Return a value of the environment, whose fields are annotated such as ``int | None``."""
    plain, _, other = kind.partition(" | ")
    if value.raw is None and other == "None":
        return None
    read = {"int": value.whole, "str": value.text, "bool": value.flag}.get(plain)
    if read is None:
        raise value.malformed("unknown to this version")
    return read()


def _moment(value: Value | None) -> datetime | None:
    return value.moment() if value is not None else None
