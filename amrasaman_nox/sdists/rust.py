"""What of an sdist is Rust: its manifests, its locks, and the crates that it brings itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import strict_toml
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Crate, Digest
from amrasaman_nox.sdists import cargo_lock, cargo_manifest
from amrasaman_nox.sdists.rust_versions import newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Crates that are shipped in a source have this file (``cargo vendor``).
_VENDORED: Final = ".cargo-checksum.json"
_MANIFEST: Final = "Cargo.toml"
_LOCK: Final = "Cargo.lock"
#: What chooses a toolchain, the one that counts first.
_TOOLCHAINS: Final = ("rust-toolchain", "rust-toolchain.toml")
_LARGEST_MANIFEST: Final = 1 << 20
#: Folders at the top of a source whose locks are of no build of the source itself.
_ASIDE: Final = frozenset({"doc", "docs", "example", "examples", "test", "tests", "benches"})
_LARGEST_VENDORED: Final = 4 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RustSource:
    """What a build of a Rust source needs.

    ``crates`` are those that its locks name and that the source does not bring itself, ``brought``
    the sha256 (hexadecimal) of those that it does. ``manifests`` are the folders that cargo may
    leave a lock in (POSIX, ``""`` for the top). ``fault`` is why a lock cannot be used, or ``""``;
    ``locked`` whether there is a lock at all. ``channel`` is the toolchain that its
    ``rust-toolchain`` file names, ``rust_version`` the oldest Rust that its manifest allows and
    that reads its locks, or ``""``.
    """

    crates: tuple[Crate, ...] = ()
    brought: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    locked: bool = True
    fault: str = ""
    channel: str = ""
    rust_version: str = ""

    def facts(self) -> dict[str, Any]:
        """Return this as values of JSON."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> RustSource:
        """Return what :meth:`facts` was made of."""
        texts = {name: tuple(facts[name]) for name in ("brought", "manifests")}
        return cls(**{**facts, **texts, "crates": crates_of(facts["crates"])})


def crates_of(facts: Iterable[dict[str, Any]]) -> tuple[Crate, ...]:
    """Return the crates that ``dataclasses.asdict`` made *facts* of."""
    return tuple(Crate(**{**crate, "digest": Digest(**crate["digest"])}) for crate in facts)


@dataclass(slots=True)
class RustFiles:
    """Collects the files of an sdist by which cargo builds it, while the sdist is read.

    Paths are tuples of components below the top folder.
    """

    manifests: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    locks: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    vendored: dict[tuple[str, ...], str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)

    def add(self, parts: tuple[str, ...], size: int, content: Iterator[bytes]) -> Iterator[bytes]:
        """Look at one file; return its content for whoever writes it."""
        *folder, name = parts
        if name in (_MANIFEST, *_TOOLCHAINS) and size <= _LARGEST_MANIFEST:
            data = b"".join(content)
            self._add_manifest(tuple(folder), name, data)
            return iter([data])
        if name == _MANIFEST:
            self.manifests[tuple(folder)] = b""
        elif name == _LOCK and size <= cargo_lock.LARGEST:
            data = b"".join(content)
            self.locks[tuple(folder)] = data
            return iter([data])
        elif name == _LOCK:
            self.locks[tuple(folder)] = b"#" * (cargo_lock.LARGEST + 1)
        elif name == _VENDORED and size <= _LARGEST_VENDORED:
            data = b"".join(content)
            self.vendored[tuple(folder)] = _package_sum(data)
            return iter([data])
        return content

    def _add_manifest(self, folder: tuple[str, ...], name: str, data: bytes) -> None:
        if name == _MANIFEST:
            self.manifests[folder] = data
        elif not folder:
            self.channels[name] = cargo_manifest.channel(name, data)

    def source(self, filename: str, pyproject: bytes | None) -> RustSource | None:
        """Return what a build needs of Rust, ``None`` if there is nothing of Rust to build.

        A lock counts where the manifest that is built is: that of ``tool.maturin.manifest-path``,
        with the folders above it (a workspace), else any that is not of tests or examples.
        """
        manifests = [folder for folder in self.manifests if self._is_own(folder)]
        if not manifests:
            return None
        manifest = manifest_folder(pyproject)
        locks = self._chosen(manifest)
        crates: dict[Crate, None] = {}
        try:
            for folder in locks:
                name = f"{filename}: {'/'.join((*folder, _LOCK))}"
                crates.update(dict.fromkeys(cargo_lock.read_lock(self.locks[folder], name)))
        except AsamanError as error:
            return RustSource(fault=str(error))
        brought = set(self.vendored.values()) - {""}
        return RustSource(
            crates=tuple(sorted(one for one in crates if one.digest.value not in brought)),
            brought=tuple(sorted(brought)),
            manifests=tuple(sorted("/".join(folder) for folder in {*manifests, *locks})),
            locked=bool(locks),
            channel=next(filter(None, map(self.channels.get, _TOOLCHAINS)), ""),
            rust_version=newest(
                cargo_manifest.rust_version(self.manifests, manifest or min(manifests)),
                *(cargo_lock.oldest_rust(self.locks[folder]) for folder in locks),
            ),
        )

    def _is_own(self, folder: tuple[str, ...]) -> bool:
        within = (folder[:end] for end in range(len(folder) + 1))
        return (folder[:1] or ("",))[0] not in _ASIDE and not any(
            part in self.vendored for part in within
        )

    def _chosen(self, manifest: tuple[str, ...] | None) -> list[tuple[str, ...]]:
        if manifest is not None:
            above = (manifest[:end] for end in range(len(manifest), -1, -1))
            return [folder for folder in above if folder in self.locks][:1]
        return sorted(folder for folder in self.locks if self._is_own(folder))


def _package_sum(content: bytes) -> str:
    try:
        found = json.loads(content)["package"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def manifest_folder(pyproject: bytes | None) -> tuple[str, ...] | None:
    """Return the folder of the manifest that ``pyproject.toml`` names for maturin, if it does."""
    try:
        tools = strict_toml.parse(pyproject or b"").get("tool", {})
        path = tools["maturin"]["manifest-path"]
    except (strict_toml.NotToml, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(path, str):
        return None
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    return parts[:-1]
