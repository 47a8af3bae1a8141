"""Versions of Rust: those of toolchains, those that sources name."""

from __future__ import annotations


def is_of(channel: str, version: str) -> bool:
    """Return whether a rustc of *version* is what *channel* names, such as ``1.80`` or ``stable``.

    Only rustup knows toolchains by a date or by a host.
    """
    if channel == "stable":
        return bool(version) and "-" not in version
    if channel in ("beta", "nightly"):
        return f"-{channel}" in version
    return f"{version}.".startswith(f"{channel}.")


def is_older(version: str, wanted: str) -> bool:
    """Return whether *version* (``1.80.1``, ``1.80.0-nightly``) is older than *wanted*."""
    least = numbers_of(wanted)
    return numbers_of(version)[: len(least)] < least


def newest(*versions: str) -> str:
    """Return the newest of *versions*; ``""`` is older than any."""
    return max(versions, key=numbers_of)


def numbers_of(version: str) -> list[int]:
    """Return the numbers in front of what a version or the name of a toolchain ends in."""
    return [int(part) for part in version.partition("-")[0].split(".") if part.isdecimal()]


def install_command(channel: str) -> str:
    """Return the command by which a user gets a toolchain."""
    return f"rustup toolchain install {channel} --profile minimal"
