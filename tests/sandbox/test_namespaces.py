"""The shell's script that puts a root together; what it comes to is tested by running builds."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox.namespaces import namespaces
from tests.sandbox.launches import command, launched

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("unshare", "setpriv", "prlimit"))), reason="util-linux is missing"
)


def script_of(folder: Path, **changes: object) -> str:
    with launched(namespaces, command(folder, **changes)) as (_, content):
        return content.decode()


def test_the_script_is_one_that_a_shell_understands(tmp_path: Path) -> None:
    odd = tmp_path / "a 'folder' with $(odd) names"
    odd.mkdir()
    checked = subprocess.run(
        ["/bin/sh", "-n"], input=script_of(odd), text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_namespace_is_new_and_host_paths_are_in_no_argument(tmp_path: Path) -> None:
    with launched(namespaces, command(tmp_path)) as (argv, content):
        assert {"--pid", "--mount", "--net", "--ipc", "--uts", "--kill-child=KILL"} <= set(argv)
        assert not any(str(tmp_path) in word for word in argv)
        assert str(tmp_path / "read").encode() in content


def test_a_folder_is_writable_only_if_that_is_said(tmp_path: Path) -> None:
    script = script_of(tmp_path)
    assert re.search(r"^mount -o remount,bind,ro,\S* \./build/environment$", script, re.MULTILINE)
    assert re.search(r"^mount -o remount,bind,rw,\S* \./build/output$", script, re.MULTILINE)


def test_the_root_is_left_and_made_read_only_before_the_build(tmp_path: Path) -> None:
    script = script_of(tmp_path)
    places = [
        script.index(step)
        for step in ("pivot_root . old", "umount -l /old", "remount,bind,ro", "an argument")
    ]
    assert script.index("pivot_root . old") < script.index("umount -l /old")
    assert places[-1] == max(places)
    assert "mount -o remount,bind,ro,nosuid,nodev /;" in script


def test_the_build_has_the_name_and_number_of_its_world(tmp_path: Path) -> None:
    world = dataclasses.replace(BuildEnvironment(), host_name="elsewhere", uid=4711, umask=0o077)
    script = script_of(tmp_path, environment=world)
    assert "hostname elsewhere\n" in script
    assert "--map-user=4711" in script
    assert "umask 0077" in script


def test_a_folder_that_is_not_private_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="private folder"):
        namespaces(command(tmp_path, log=tmp_path / "missing" / "log"), True)
