"""What a manifest asks for, as far as it says."""

from __future__ import annotations

import pytest

from amrasaman_nox.sdists.cargo_manifest import Dependency, dependencies

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
