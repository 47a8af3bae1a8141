"""Strict reading of ``Cargo.lock``: which crates a Rust source is built with, each by its hash.

Formats 1 to 4 are read, as data: cargo does not run. See "Cargo.lock" in the Cargo book, and
``cargo::core::resolver::encode`` for how the formats differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import strict_toml
from amrasaman_nox.archives.names import quoted
from amrasaman_nox.errors import AsamanError, printable
from amrasaman_nox.model import Crate, Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The largest lock that is read, in bytes; those with 600 crates have 160,000.
LARGEST: Final = 4 << 20
_FORMATS: Final = (1, 2, 3, 4)
_FORMAT: Final = re.compile(rb"^version\s*=\s*([0-9]{1,3})\s*$", re.MULTILINE)
#: The releases of Rust that first read formats ("Cargo.lock" in the changelog of cargo).
_OLDEST: Final = {3: "1.53", 4: "1.78"}
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_VERSION: Final = re.compile(
    r"(?:0|[1-9][0-9]{0,18})(?:\.(?:0|[1-9][0-9]{0,18})){2}(?:[-+][A-Za-z0-9.+-]{1,200})?"
)
_REGISTRIES: Final = ("registry+", "sparse+")
#: How a lock names the registry that cargo calls ``crates-io``, whatever the host.
_DEFAULT_INDEX: Final = "/rust-lang/crates.io-index"


def read_lock(content: bytes, name: str) -> tuple[Crate, ...]:
    """Return the crates that the lock in *content* names, in its order, without duplicates.

    Packages of the source itself are left out; they have no ``source``.

    :param name: what messages call the lock
    :raises AsamanError: the lock is malformed, or a crate in it cannot be held to a hash (exit 2)
    """
    document = _document(content, name)
    packages = document.get("package", [])
    if not isinstance(packages, list) or not all(isinstance(item, dict) for item in packages):
        raise AsamanError(name, "malformed: [[package]] is not a list of tables")
    checksums = _first_format(document, name)
    return tuple(_crates(packages, checksums, name))


def oldest_rust(content: bytes) -> str:
    """Return the oldest Rust whose cargo reads the lock in *content*, or ``""`` for any."""
    found = _FORMAT.search(content)
    return _OLDEST.get(int(found[1]), "") if found is not None else ""


def is_crate_name(name: str) -> bool:
    """Return whether *name* can be that of a crate; it becomes part of paths and URLs."""
    return _NAME.fullmatch(name) is not None


def is_version(version: str) -> bool:
    """Return whether *version* is that of a release (Semantic Versioning 2)."""
    return _VERSION.fullmatch(version) is not None


def is_default(registry: str) -> bool:
    """Return whether *registry* is the one that cargo takes crates from by default."""
    return not registry or registry.endswith(_DEFAULT_INDEX)


def _document(content: bytes, name: str) -> dict[str, Any]:
    if len(content) > LARGEST:
        raise AsamanError(name, f"larger than {LARGEST >> 20} MiB")
    try:
        document = strict_toml.parse(content)
    except strict_toml.NotToml as error:
        raise AsamanError(name, f"malformed: {printable(str(error))[:200]}") from None
    if document.get("version", 1) not in _FORMATS:
        shown = quoted(str(document["version"]))
        raise AsamanError(name, f"unknown lock format {shown}; formats 1 to 4 are supported")
    return document


def _first_format(document: dict[str, Any], name: str) -> dict[str, str]:
    """Return the checksums as format 1 has them: ``checksum NAME VERSION (SOURCE)``."""
    metadata = document.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise AsamanError(name, "malformed: [metadata] is not a table of strings")
    return metadata


def _crates(
    packages: Iterable[dict[str, Any]], checksums: dict[str, str], name: str
) -> Iterator[Crate]:
    seen = set()
    for package in packages:
        crate, version, source = (
            _text(package, key, name) for key in ("name", "version", "source")
        )
        if not is_crate_name(crate) or not is_version(version):
            shown = quoted(f"{crate} {version}")
            raise AsamanError(name, f"malformed: {shown} is not the name and version of a crate")
        if (crate, version, source) in seen:
            raise AsamanError(name, f"crate {crate} {version} is listed twice")
        seen.add((crate, version, source))
        if not source:
            continue
        checksum = _text(package, "checksum", name)
        checksum = checksum or checksums.get(f"checksum {crate} {version} ({source})", "")
        yield _crate(crate, version, source, checksum, name)


def _text(package: dict[str, Any], key: str, name: str) -> str:
    value = package.get(key, "")
    if not isinstance(value, str):
        raise AsamanError(name, f"malformed: {key} of a package is not a string")
    return value


def _crate(crate: str, version: str, source: str, checksum: str, name: str) -> Crate:
    if not source.startswith(_REGISTRIES):
        kind = "a git repository" if source.startswith("git+") else "an unknown kind of source"
        why = f"crate {crate} {version} comes from {kind} without a hash: {_shown(source)}"
        raise AsamanError(name, why)
    if not checksum:
        raise AsamanError(name, f"crate {crate} {version} has no checksum: {_shown(source)}")
    try:
        digest = Digest(algorithm="sha256", value=checksum)
    except AsamanError:
        shown = quoted(checksum)
        raise AsamanError(name, f"crate {crate} {version}: malformed checksum {shown}") from None
    return Crate(name=crate, version=version, digest=digest, registry=source)


def _shown(source: str) -> str:
    """Return the source for a message, without what could be a credential."""
    return quoted(re.sub(r"://[^/]*@", "://", source.partition("?")[0]))
