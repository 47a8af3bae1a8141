"""Packages of the distribution at hand, and what they own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from amrasaman_nox.builds import distribution

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="there is no dpkg here")


@needs_dpkg
def test_the_package_of_a_file_is_found_with_its_version(tmp_path: Path) -> None:
    owned, own = "/usr/bin/dpkg-query", str(tmp_path / "x")
    Path(own).touch()
    found = distribution.owners([owned, own, "/usr/lib/no such file"])
    assert list(found) == [owned]
    assert (found[owned].kind, found[owned].name) == ("deb", "dpkg")
    assert found[owned].version
    assert found[owned].architecture


@needs_dpkg
def test_a_library_is_found_by_either_of_its_paths() -> None:
    libc = Path("/lib/x86_64-linux-gnu/libc.so.6").resolve()
    if not libc.exists():
        pytest.skip("another architecture")
    assert distribution.owners([str(libc)])[str(libc)].name == "libc6"


def test_the_state_and_the_release_are_texts() -> None:
    assert distribution.state() == distribution.state()
    assert "\n" not in distribution.release()
    assert distribution.owners([]) == {}
