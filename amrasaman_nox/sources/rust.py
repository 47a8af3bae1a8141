"""From a Rust source that was read to its crates in the store."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sdists.rust import crates_of
from amrasaman_nox.sdists.rust_versions import install_command, is_of, is_older
from amrasaman_nox.sources import cargo
from amrasaman_nox.sources.crates import fetch_crates
from amrasaman_nox.sources.instead import with_wheel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import BuildSystem, Crate, Pin, RustToolchain
    from amrasaman_nox.sdists.reader import SdistInfo
    from amrasaman_nox.sdists.rust import RustSource
    from amrasaman_nox.sources.site import RustSite, Site

#: Build requirements that cannot do without a toolchain.
_BUILDERS: Final = frozenset({"maturin", "setuptools-rust"})


def prepare(site: Site, pin: Pin, info: SdistInfo, system: BuildSystem) -> tuple[Crate, ...] | None:
    """Bring the crates of a source into the store, and return them; ``None`` if it is not Rust.

    A source whose Rust is optional is built without it where there is no toolchain.

    :raises AsamanError: there is no toolchain (exit 3); the lock cannot be used, or a crate is not
        what the lock names (exit 2); or a crate cannot be fetched (exit 5)
    """
    if info.rust is None or site.rust is None:
        return None
    needed = any(canonicalize_name(Requirement(text).name) in _BUILDERS for text in system.requires)
    try:
        toolchain = site.rust.toolchain(info.rust.channel)
    except AsamanError as error:
        if not needed:
            return None
        why = f"needs Rust, but no toolchain was found: {error}"
        raise _failure(pin, why, error.hint or "install Rust", ExitCode.BUILD_FAILED) from None
    if info.rust.fault:
        why = f"its crates cannot be verified by hash: {info.rust.fault}"
        if not needed:
            site.say(f"{pin}: built without Rust: {why}")
            return None
        raise _failure(pin, why, "", ExitCode.BAD_INPUT)
    if needed:
        _check_version(pin, info.rust, toolchain)
    if info.rust.channel and not is_of(info.rust.channel, toolchain.version):
        site.say(_other_channel(pin, info.rust.channel, toolchain))
    fetch(site, site.rust, pin, info.rust.crates)
    return info.rust.crates


def _check_version(pin: Pin, source: RustSource, toolchain: RustToolchain) -> None:
    """Check that the toolchain is not older than the manifest allows (cargo would say the same)."""
    wanted = source.rust_version
    if wanted and is_older(toolchain.version, wanted):
        why = f"needs Rust {wanted} or newer, but the toolchain is {toolchain.version}"
        hint = f"{install_command(wanted)}, then run again with --rust {wanted}"
        raise _failure(pin, why, hint, ExitCode.BUILD_FAILED)


def _other_channel(pin: Pin, channel: str, toolchain: RustToolchain) -> str:
    return (
        f"{pin}: its rust-toolchain file names {channel}, and it is built with "
        f"{toolchain.version}; to install that one: {install_command(channel)}"
    )


def fetch(site: Site, rust: RustSite, pin: Pin, crates: Sequence[Crate]) -> None:
    """Bring the *crates* of *pin* into the store, from where the user takes them.

    :raises AsamanError: one is not what its lock names (exit 2), or cannot be fetched (exit 5);
        one error, however many crates there are
    """
    try:
        fetch_crates(
            crates,
            site,
            place=rust.crate_index,
            default=lambda: cargo.ask(
                rust.toolchain("").cargo_program, dict(rust.variables), site.store
            ),
        )
    except AsamanError as error:
        count = 1 + len(error.others)
        which = f"{count} of its crates cannot be fetched, such as " if error.others else ""
        why = f"{which}{error}"
        raise AsamanError(
            str(pin), why, hint=error.hint, code=error.code, origin=pin.origin
        ) from None


def _failure(pin: Pin, why: str, hint: str, code: ExitCode) -> AsamanError:
    return with_wheel(AsamanError(str(pin), why, hint=hint, code=code, origin=pin.origin), pin)


def facts(crates: Sequence[Crate] | None) -> list[dict[str, Any]] | None:
    """Return *crates* as values of JSON."""
    return None if crates is None else [dataclasses.asdict(crate) for crate in crates]


def of_facts(content: list[dict[str, Any]] | None) -> tuple[Crate, ...] | None:
    """Return the crates that :func:`facts` was given."""
    return None if content is None else crates_of(content)
