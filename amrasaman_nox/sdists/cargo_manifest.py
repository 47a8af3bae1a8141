"""Which crates a ``Cargo.toml`` asks for ("Specifying Dependencies" in the Cargo book).

This is a help for those who look crates up, and no resolution: cargo itself does that.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Final = (
    *("dependencies", "build-dependencies", "dev-dependencies"),
    *("build_dependencies", "dev_dependencies"),
)
#: Where a dependency is taken from if not from the usual registry.
_ELSEWHERE: Final = ("path", "git", "registry", "registry-index")


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
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return ()
    return tuple(_all(document))


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
