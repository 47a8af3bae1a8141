"""The canonical form of an SBOM that a Rust build puts into its wheel (PEP 770, CycloneDX).

What cargo-cyclonedx writes names the folder of the build, may have a random serial number, and may
have the time. All else in it follows from the source and its lock.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Final

#: The largest SBOM that is read, in bytes; with 600 crates one has 600,000.
LARGEST: Final = 16 << 20
#: The folder that replaces the build's own.
SOURCE: Final = "/build/source"
#: The name of our own in ``.dist-info``: other tools use theirs in the same way.
OWN: Final = "sboms/amrasaman-nox.cdx.json"
_NAME: Final = re.compile(r"[^/]+\.dist-info/sboms/[^/]+\.cyclonedx\.json")
#: The namespace of serial numbers that follow from the content (RFC 9562, version 5).
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:amrasaman-nox:sbom")


def is_sbom(name: str) -> bool:
    """Return whether the member of that name is such an SBOM."""
    return _NAME.fullmatch(name) is not None


def canonical_sbom(content: bytes, build_path: str) -> bytes:
    """Return *content* with a constant folder, no time, and a serial number of its content.

    :param build_path: the folder in which the source was built
    :returns: *content* itself where it is not a CycloneDX document or nothing of that is in it
    """
    place = f"path+file://{SOURCE}"
    moved = re.sub(
        re.escape(f"path+file://{build_path}").encode() + rb"(?=[/#\"\\?])", place.encode(), content
    )
    try:
        document = json.loads(moved)
    except (ValueError, RecursionError):
        return content
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        return content
    if not _settle(document):
        return moved
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _settle(document: dict[str, Any]) -> bool:
    """Set what is chosen freely in *document*; return whether that was otherwise."""
    metadata = document.get("metadata")
    timed = isinstance(metadata, dict) and metadata.pop("timestamp", None) is not None
    if "serialNumber" not in document:
        return timed
    rest = {key: value for key, value in document.items() if key != "serialNumber"}
    serial = uuid.uuid5(_NAMESPACE, json.dumps(rest, sort_keys=True)).urn
    changed = document["serialNumber"] != serial
    document["serialNumber"] = serial
    return timed or changed
