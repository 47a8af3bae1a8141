"""What bubblewrap is asked for; what that comes to is tested by running builds."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox.bubblewrap import full
from tests.sandbox.launches import command, launched

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is missing")


def words(argv: tuple[str, ...], content: bytes) -> list[str]:
    """Return all arguments, those in files among them."""
    return [*argv, *content.decode(errors="replace").split("\0")]


def test_every_namespace_is_new_and_the_root_is_read_only(tmp_path: Path) -> None:
    with launched(full, command(tmp_path)) as (argv, content):
        found = words(argv, content)
    for namespace in ("user", "pid", "net", "ipc", "uts"):
        assert f"--unshare-{namespace}" in found
    assert "--disable-userns" in found
    assert found[found.index("--remount-ro") :].count("--remount-ro") == 2
    assert "--die-with-parent" in found


def test_host_paths_are_in_no_argument(tmp_path: Path) -> None:
    with launched(full, command(tmp_path)) as (argv, content):
        assert not any(str(tmp_path) in word for word in argv)
        assert str(tmp_path / "read").encode() in content


def test_a_folder_is_writable_only_if_that_is_said(tmp_path: Path) -> None:
    with launched(full, command(tmp_path)) as (argv, content):
        found = words(argv, content)
    for name, how in (("read", "--ro-bind"), ("write", "--bind")):
        assert found[found.index(str(tmp_path / name)) - 1] == how


def test_the_build_has_the_name_and_number_of_its_world(tmp_path: Path) -> None:
    world = dataclasses.replace(BuildEnvironment(), host_name="elsewhere", uid=4711)
    with launched(full, command(tmp_path, environment=world)) as (argv, content):
        found = words(argv, content)
    assert found[found.index("--hostname") + 1] == "elsewhere"
    assert found[found.index("--uid") + 1] == "4711"


@pytest.mark.parametrize("filtered", [True, False])
def test_system_calls_are_filtered_if_that_is_asked_for(tmp_path: Path, filtered: bool) -> None:
    with launched(full, command(tmp_path), filtered=filtered) as (argv, content):
        assert ("--seccomp" in words(argv, content)) == filtered
