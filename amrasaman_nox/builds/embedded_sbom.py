"""The SBOM that a wheel can carry (PEP 770): CycloneDX 1.6, of what all rebuilders of it share.

It has the source, the crates and the build requirements, by hash: what pins and build lock say.
Nothing of the machine is in it, nor of this version, so that others get the same wheel; and nothing
of the wheel's own hash, which depends on it. It is written without a library, whose next release
would write other bytes.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from packaging.utils import parse_wheel_filename

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildJob, Crate, Digest, LockedFile, Source

#: The namespace of serial numbers that follow from the content (RFC 9562, version 5).
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:amrasaman-nox:embedded-sbom")
_HASHES: Final = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_OURS: Final = "amrasaman-nox"

_Object = dict[str, Any]


def added(job: BuildJob, filename: str) -> bytes:
    """Return the SBOM to put into the wheel *filename* of *job*, ``b""`` if it is to have none."""
    if not job.environment.embedded_sbom:
        return b""
    document = _document(job, filename)
    serial = uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))
    text = json.dumps({**document, "serialNumber": serial.urn}, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def _document(job: BuildJob, filename: str) -> _Object:
    subject = _component(_pypi(job.source.name, job.source.version, filename), job.source.name)
    subject["version"] = job.source.version
    parts = [
        _source(job.source),
        *map(_crate, sorted(set(job.source.crates or ()))),
        *map(_requirement, sorted(set(job.requirements))),
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": _moment(job.environment.source_date_epoch or 0),
            "tools": {"components": [{"type": "application", "name": _OURS}]},
            "component": subject,
        },
        "components": parts,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": sorted(one["bom-ref"] for one in parts)}
        ],
    }


def _source(source: Source) -> _Object:
    purl = _pypi(source.name, source.version, source.filename)
    return _part(purl, source.name, source.version, source.digest, "sdist")


def _crate(crate: Crate) -> _Object:
    purl = f"pkg:cargo/{_quoted(crate.name)}@{_quoted(crate.version)}"
    return _part(purl, crate.name, crate.version, crate.digest, "crate")


def _requirement(file: LockedFile) -> _Object:
    """Return a build requirement: it is not in the wheel."""
    name, version, _, _ = parse_wheel_filename(file.filename)
    purl = _pypi(name, str(version), file.filename)
    part = _part(purl, name, str(version), file.digest, "build requirement")
    return {**part, "scope": "excluded"}


def _part(purl: str, name: str, version: str, digest: Digest, kind: str) -> _Object:
    return {
        **_component(purl, name),
        "bom-ref": str(digest),
        "version": version,
        "hashes": [{"alg": _HASHES[digest.algorithm], "content": digest.value}],
        "properties": [{"name": f"{_OURS}:kind", "value": kind}],
    }


def _component(purl: str, name: str) -> _Object:
    return {"type": "library", "bom-ref": purl, "name": name, "purl": purl}


def _pypi(name: str, version: str, filename: str) -> str:
    return f"pkg:pypi/{_quoted(name)}@{_quoted(version)}?file_name={_quoted(filename)}"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _moment(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()
