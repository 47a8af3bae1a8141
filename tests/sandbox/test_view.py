"""What a sandbox shows, as values."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox import view
from amrasaman_nox.sandbox.view import Files, Isolation
from tests.sandbox.launches import command
from tests.support.rungs import put


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/usr", True),
        ("/usr/lib/x", True),
        ("/usrx", False),
        ("/opt/python", False),
        ("/bin", True),
    ],
)
def test_the_folders_of_the_system_are_known(path: str, found: bool) -> None:
    assert view.is_of_system(path) == found


def test_the_accounts_and_processors_are_those_of_the_world(tmp_path: Path) -> None:
    world = dataclasses.replace(
        BuildEnvironment(), user="me", uid=4711, home="/home/me", processors=3
    )
    seen = view.view(command(tmp_path, environment=world))
    files = dict(seen.files)
    assert files["/etc/passwd"].endswith(b"me:x:4711:4711::/home/me:/bin/sh\n")
    assert b"me:x:4711:" in files["/etc/group"]
    assert files["/sys/devices/system/cpu/online"] == b"0-2\n"
    assert "/home/me" in seen.temporary


def test_nothing_of_the_host_is_shown_but_the_system_and_what_is_named(tmp_path: Path) -> None:
    seen = view.view(command(tmp_path))
    named = {"/build/environment", "/build/output"}
    others = {item.inside for item in seen.folders} - named
    assert all(name.startswith(("/usr", "/lib", "/bin", "/sbin", "/etc/")) for name in others)
    assert not any(item.writable for item in seen.folders if item.inside in others)


def test_the_folders_on_the_way_are_made_from_the_outside_in(tmp_path: Path) -> None:
    parents = view.view(command(tmp_path)).parents
    assert "/build" in parents
    assert "/" not in parents
    assert all(
        parents.index(str(Path(one).parent)) < parents.index(one)
        for one in parents
        if str(Path(one).parent) in parents
    )


def test_a_clock_is_shown_at_its_own_place(tmp_path: Path) -> None:
    library = tmp_path / "libfaketime.so.1"
    library.touch()
    seen = view.view(command(tmp_path, clock=str(library)))
    assert [item.inside for item in seen.folders if item.host == library] == [view.CLOCK]


def test_a_program_is_the_one_behind_its_links_unless_it_goes_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "real").mkdir()
    for name in ("one", "many"):
        put(tmp_path / "real" / name, "exit 0")
    (tmp_path / "bin/one").symlink_to(tmp_path / "real/one")
    (tmp_path / "bin/other").symlink_to(tmp_path / "real/many")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert view.program("one") == str(tmp_path / "real/one")
    assert view.program("other") == str(tmp_path / "bin/other")
    with pytest.raises(AsamanError, match="util-linux") as caught:
        view.program("unshare")
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    with pytest.raises(AsamanError, match="bubblewrap"):
        view.program("bwrap")


def test_a_folder_in_memory_has_half_of_it_at_most() -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert view.temporary_size() == min(8 << 30, memory // 2)


def test_a_file_in_memory_is_read_from_its_start_and_closed_with_its_launch() -> None:
    files = Files()
    number = files.add(b"content" * 100_000)
    assert os.read(number, 7) == b"content"
    view.Launch(argv=(), files=tuple(files.numbers)).close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_all_rungs_but_the_lowest_show_constant_paths() -> None:
    assert Isolation(rung="full").constant_paths
    assert Isolation(rung="namespaces").constant_paths
    assert not Isolation(rung="none").constant_paths
