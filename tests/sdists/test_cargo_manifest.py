"""What a manifest asks for, as far as it says."""

from __future__ import annotations

import pytest

from amrasaman_nox.sdists.cargo_manifest import Dependency, channel, dependencies, rust_version

MANIFEST = b"""
[dependencies]
plain = "1.2"
long = { version = "0.3", features = ["x"], package = "real" }
here = { path = "here", version = "1" }
elsewhere = { git = "https://example.org/x" }
corporate = { version = "1", registry = "corp" }
shared = { workspace = true, features = ["y"] }
[build-dependencies]
cc = "1"
[dev-dependencies]
tried = "2"
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[workspace.dependencies]
shared = "4"
"""


def test_dependencies_of_all_kinds_and_platforms_are_found() -> None:
    found = {(one.name, one.requirement): one for one in dependencies(MANIFEST)}
    names = {name for name, _ in found}
    assert names == {"plain", "real", "shared", "cc", "tried", "libc"}
    assert {requirement for name, requirement in found if name == "shared"} == {"", "4"}
    assert found["real", "0.3"] == Dependency(
        name="real", requirement="0.3", features=("x",), alias="long"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[", b'dependencies = "x"', b"[dependencies]\na = 1", b"[target]\na = 1"],
)
def test_what_is_no_manifest_asks_for_nothing(content: bytes) -> None:
    assert dependencies(content) == ()


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("rust-toolchain", b"1.70\n", "1.70"),
        ("rust-toolchain", b'[toolchain]\nchannel = "nightly-2024-01-01"\n', "nightly-2024-01-01"),
        ("rust-toolchain.toml", b'[toolchain]\nchannel = "stable"\n', "stable"),
        ("rust-toolchain.toml", b"1.70\n", ""),
        ("rust-toolchain.toml", b'[toolchain]\npath = "/opt/rust"\n', ""),
        ("rust-toolchain", b"../../evil", ""),
        ("rust-toolchain", b"\xff", ""),
        ("rust-toolchain", b"a" * 1000, ""),
        ("rust-toolchain", b"", ""),
    ],
)
def test_a_toolchain_file_names_a_channel(name: str, content: bytes, found: str) -> None:
    assert channel(name, content) == found


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (b'[package]\nrust-version = "1.74"\n', "1.74"),
        (b"[package]\nrust-version.workspace = true\n", "1.80.1"),
        (b"[package]\n", ""),
        (b'[package]\nrust-version = "new"\n', ""),
        (b"[package]\nrust-version = 1.7\n", ""),
        (b"[", ""),
    ],
)
def test_the_oldest_rust_is_that_of_the_manifest_or_of_its_workspace(
    own: bytes, found: str
) -> None:
    above = b'[workspace.package]\nrust-version = "1.80.1"\n'
    assert rust_version({(): above, ("native",): own}, ("native",)) == found
