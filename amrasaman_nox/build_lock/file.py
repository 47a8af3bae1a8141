"""The build lock: the hashed set of build requirements of every source, as a TOML file.

It names files and hashes and no URLs, so that any index or mirror can serve it. It is keyed by the
sdist's hash and the interpreter, so that one lock can hold several interpreters and platforms.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from amrasaman_nox import files, strict_toml
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.inputs.texts import read_text
from amrasaman_nox.model import BuildLock, Crate, Digest, LockedFile, LockEntry, Modified
from amrasaman_nox.sdists.cargo_lock import is_crate_name, is_version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from amrasaman_nox.config.config import Config

VERSION: Final = 1
_HEADER: Final = (
    "# The build requirements of each source, by hash. Written by asaman; keep it under version\n"
    "# control, so that every rebuild uses the same build environments.\n"
)


def lock_path(requirement: Path) -> Path:
    """Return the path of the build lock of a requirements file or a pylock: beside it."""
    return requirement.with_name(
        f"{requirement.name.removesuffix(requirement.suffix)}.build-lock.toml"
    )


def read_lock(path: Path) -> BuildLock:
    """Return the build lock at *path*, an empty one where there is no file.

    :raises AsamanError: it cannot be read, or is not a whole build lock (exit 2)
    """
    content = read_document(path, "build-lock-version")
    with whole(path):
        return BuildLock(entries=tuple(entry_of(item) for item in content.get("sources", ())))


def read_document(path: Path, version_key: str) -> dict[str, Any]:
    """Return the tables of the lock at *path*, none where there is no file.

    :param version_key: the key that holds the version of its format
    :raises AsamanError: it cannot be read, is not TOML, or is of another version (exit 2)
    """
    if not path.exists():
        return {}
    text, _ = read_text(str(path))
    what = version_key.removesuffix("-version").replace("-", " ")
    try:
        content = strict_toml.parse(text)
    except strict_toml.NotToml as error:
        raise AsamanError(f"{what} {path}", f"not TOML: {error}") from None
    version = content.get(version_key)
    if version != VERSION:
        raise AsamanError(
            f"{what} {path}",
            f"version {version} is not supported (supported: {VERSION})",
            hint="resolve again with --relock, or use the release that wrote it",
        )
    return content


@contextlib.contextmanager
def whole(path: Path, what: str = "build lock") -> Iterator[None]:
    """Turn what is missing or of another type in the tables of a lock into one line.

    :raises AsamanError: something is (exit 2)
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, InvalidWheelFilename) as error:
        raise AsamanError(
            f"{what} {path}",
            f"malformed or incomplete: {error}",
            hint="resolve again with --relock",
        ) from None


def render_lock(lock: BuildLock) -> str:
    """Return the text of *lock*, its entries sorted."""
    import tomli_w

    entries = sorted(lock.entries, key=lambda entry: (entry.name, entry.version, entry.interpreter))
    content = {"build-lock-version": VERSION, "sources": [entry_table(entry) for entry in entries]}
    return _HEADER + tomli_w.dumps(content, multiline_strings=False)


def write_lock(path: Path, lock: BuildLock) -> None:
    """Put *lock* in place at *path* by one rename; a file of the same text is left alone.

    :raises AsamanError: it cannot be written (exit 5)
    """
    write_text(path, render_lock(lock))


def write_text(path: Path, text: str, what: str = "build lock") -> None:
    """Put the *text* of a lock in place at *path*; a file of the same text is left alone.

    :raises AsamanError: it cannot be written (exit 5)
    """
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        files.put_in_place(path, text.encode())
    except OSError as error:
        raise AsamanError(
            f"{what} {path}", system_reason(error), code=ExitCode.INPUT_OUTPUT
        ) from None


def check_writable(path: Path) -> None:
    """Check that a build lock can be put in place at *path*; nothing is made.

    :raises AsamanError: it cannot be written (exit 5)
    """
    hint = "choose another file with --lock FILE, or use the lock unchanged with --locked"
    files.check_writable(path, f"build lock {path}", hint=hint)


def merged(
    former: BuildLock, entries: Iterable[LockEntry], *, sdists: Collection[Digest]
) -> BuildLock:
    """Return *former* with *entries* added or replaced, and without sdists no longer in use.

    :param sdists: those that pins name, or that are made from them
    """
    kept = {(entry.sdist, entry.interpreter): entry for entry in former.entries}
    kept.update({(entry.sdist, entry.interpreter): entry for entry in entries})
    used = (one for one in kept.values() if one.sdist in sdists or one.pinned in {None, *sdists})
    return BuildLock(entries=tuple(used))


def entry_table(entry: LockEntry) -> dict[str, Any]:
    """Return *entry* as the table of a lock."""
    table: dict[str, Any] = {
        "name": entry.name,
        "version": entry.version,
        "sdist": str(entry.sdist),
        "interpreter": entry.interpreter,
    }
    if entry.modified is not None:
        table["modified"] = _modified_table(entry.modified)
    if entry.as_of is not None:
        table["as-of"] = entry.as_of
    if entry.as_of_reason:
        table["as-of-reason"] = entry.as_of_reason
    if entry.notes:
        table["notes"] = list(entry.notes)
    table["static"] = list(entry.static)
    table["dynamic"] = list(entry.dynamic)
    table["files"] = [file_table(file) for file in sorted(entry.files)]
    if entry.crates is not None:
        table["crates"] = [_crate_table(crate) for crate in sorted(entry.crates)]
    return table


def _modified_table(modified: Modified) -> dict[str, Any]:
    table: dict[str, Any] = {}
    if modified.pinned is not None:
        table["pinned"] = str(modified.pinned)
    if modified.archive:
        table["archive"] = modified.archive
    table["patches"] = [{"name": name, "hash": str(digest)} for name, digest in modified.patches]
    return table


def _modified(table: dict[str, Any]) -> Modified:
    patches = ((_text(each["name"]), Digest.parse(each["hash"])) for each in table["patches"])
    return Modified(
        pinned=Digest.parse(table["pinned"]) if "pinned" in table else None,
        archive=_text(table.get("archive", "")),
        patches=tuple(patches),
    )


def _crate_table(crate: Crate) -> dict[str, str]:
    table = {"name": crate.name, "version": crate.version, "hash": str(crate.digest)}
    return {**table, "registry": crate.registry} if crate.registry else table


def entry_of(table: dict[str, Any]) -> LockEntry:
    """Return the entry that a table of a lock holds.

    :raises KeyError, TypeError, ValueError: it is not whole
    """
    as_of = table.get("as-of")
    if as_of is not None and not isinstance(as_of, datetime):
        raise ValueError("as-of is not a date and time")
    return LockEntry(
        name=table["name"],
        version=table["version"],
        sdist=Digest.parse(table["sdist"]),
        interpreter=table["interpreter"],
        files=tuple(file_of(item) for item in table["files"]),
        static=tuple(table["static"]),
        dynamic=tuple(table["dynamic"]),
        as_of=as_of.astimezone(UTC) if as_of is not None else None,
        as_of_reason=_text(table.get("as-of-reason", "")),
        notes=tuple(table.get("notes", ())),
        crates=tuple(map(_crate, table["crates"])) if "crates" in table else None,
        modified=_modified(table["modified"]) if "modified" in table else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def file_table(file: LockedFile) -> dict[str, str]:
    """Return *file* as the table of a lock."""
    return {"name": file.filename, "hash": str(file.digest)}


def file_of(item: dict[str, Any]) -> LockedFile:
    """Return the file that a table of a lock holds.

    :raises KeyError, TypeError, ValueError: it is not whole, or no wheel
    """
    parse_wheel_filename(item["name"])
    return LockedFile(filename=item["name"], digest=Digest.parse(item["hash"]))


def _crate(item: dict[str, Any]) -> Crate:
    name, version = item["name"], item["version"]
    if not (is_crate_name(name) and is_version(version)):
        raise ValueError(f"{name!r} {version!r} is not the name and version of a crate")
    digest, registry = Digest.parse(item["hash"]), item.get("registry", "")
    if digest.algorithm != "sha256" or not isinstance(registry, str):
        raise ValueError(f"crate {name} {version} has no sha256, or its registry is not a string")
    return Crate(name=name, version=version, digest=digest, registry=registry)


def lock_of(config: Config) -> Path:
    """Return the path of the build lock of the configured input."""
    if config.lock is not None:
        return config.lock
    if config.requirement is not None:
        return lock_path(config.requirement)
    return config.output / "build-lock.toml"


def written_lock(config: Config) -> Path:
    """Return where the build lock of this run is written to; a part's goes with its wheels."""
    return lock_of(config) if config.shard is None else config.output / "build-lock.toml"
