"""What a ``Cargo.toml`` and a ``rust-toolchain.toml`` ask for: crates, and a version of Rust.

The crates are a help for those who look them up, and no resolution: cargo itself does that. See
"Specifying Dependencies" and "The rust-version field" in the Cargo book.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import strict_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KINDS: Final = (
    *("dependencies", "build-dependencies", "dev-dependencies"),
    *("build_dependencies", "dev_dependencies"),
)
#: Where a dependency is taken from if not from the usual registry.
_ELSEWHERE: Final = ("path", "git", "registry", "registry-index")
_RUST: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,2}")
_CHANNEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_CHANNEL: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """A crate that is asked for: its name, requirement (``^1.2``, ``""`` for any), features.

    ``alias`` is what the one that asks calls it. One that is ``optional`` takes a feature.
    """

    name: str
    requirement: str = ""
    features: tuple[str, ...] = ()
    alias: str = ""
    optional: bool = False


def dependencies(content: bytes) -> tuple[Dependency, ...]:
    """Return what a manifest takes from the usual registry, for all kinds and platforms.

    A manifest that cannot be read has none: cargo says what is wrong with it.
    """
    return tuple(_all(_document(content)))


def rust_version(manifests: Mapping[tuple[str, ...], bytes], folder: tuple[str, ...]) -> str:
    """Return the oldest Rust that the manifest in *folder* allows, such as ``1.74``, or ``""``.

    :param manifests: the manifests of a source by their folders; one may take it from a workspace
    """
    own = _table(_document(manifests.get(folder, b"")), "package").get("rust-version")
    if isinstance(own, dict):
        above = (folder[:end] for end in range(len(folder), -1, -1))
        tables = (_table(_document(manifests.get(place, b"")), "workspace") for place in above)
        found = (_table(table, "package").get("rust-version") for table in tables)
        own = next((version for version in found if isinstance(version, str)), "")
    return own if isinstance(own, str) and _RUST.fullmatch(own) else ""


def channel(name: str, content: bytes) -> str:
    """Return the toolchain that a ``rust-toolchain`` file names, such as ``1.80``, or ``""``.

    The file without an ending may hold nothing but the name ("Overrides" in the rustup book).
    """
    found: object = _table(_document(content), "toolchain").get("channel")
    if found is None and not name.endswith(".toml"):
        found = content[:_LONGEST_CHANNEL].decode("utf-8", "replace").strip()
    return found if isinstance(found, str) and _CHANNEL.fullmatch(found) else ""


def _document(content: bytes) -> dict[str, Any]:
    try:
        return strict_toml.parse(content)
    except strict_toml.NotToml:
        return {}


def _all(document: dict[str, Any]) -> Iterator[Dependency]:
    platforms = _table(document, "target")
    tables = (
        document,
        _table(document, "workspace"),
        *(_table(platforms, key) for key in platforms),
    )
    for table in tables:
        for kind in _KINDS:
            for alias, value in _table(table, kind).items():
                found = _dependency(alias, value)
                if found is not None:
                    yield found


def _table(table: dict[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def _dependency(alias: str, value: object) -> Dependency | None:
    if isinstance(value, str):
        return Dependency(name=alias, requirement=value, alias=alias)
    if not isinstance(value, dict) or any(place in value for place in _ELSEWHERE):
        return None
    features = value.get("features")
    return Dependency(
        name=str(value.get("package", alias)),
        requirement=str(value.get("version", "")),
        features=tuple(map(str, features)) if isinstance(features, list) else (),
        alias=alias,
    )
