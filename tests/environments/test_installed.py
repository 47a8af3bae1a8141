"""Installed wheels: each once, with bytecode of its own sources, and nothing of it run."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments import installed
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, LockedFile
from amrasaman_nox.sandbox import process, view

from ..support.bytecode import FORGERIES
from .making import HELPER, SCRIPTED, forging, value_in

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sandbox.view import Isolation
    from tests.environments.making import Maker


def test_a_wheel_is_installed_once_and_shared_only_where_no_build_can_write(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = maker.wheel("one"), maker.wheel("two")
    first = maker.site(maker.make(one)) / "one.py"
    ran: list[view.ProcessSpec] = []
    run = process.run

    def counted(command: view.ProcessSpec, isolation: Isolation) -> process.Completed:
        ran.append(command)
        return run(command, isolation)

    monkeypatch.setattr(process, "run", counted)
    second = maker.site(maker.make(one, two)) / "one.py"
    assert first.read_bytes() == second.read_bytes()
    assert first.samefile(second) == maker.isolation.constant_paths
    (command,) = ran
    assert "one-1.0" not in {path.name for folder in command.folders for path in _below(folder)}
    maker.make(two)
    assert len(ran) == 1


def _below(folder: view.Folder) -> list[Path]:
    return list(folder.host.rglob("*")) if folder.inside == "/build/wheels" else []


def test_what_is_installed_is_ours_and_readable_by_builds(maker: Maker) -> None:
    environment = maker.make(maker.wheel("scripted", SCRIPTED))
    for path in environment.host.rglob("*"):
        facts = path.lstat()
        assert facts.st_uid == os.geteuid(), path
        if not path.is_symlink():
            assert facts.st_mode & 0o022 == 0, path
            assert facts.st_mode & 0o004, path


def test_what_builds_import_has_bytecode_and_nothing_of_it_ran(maker: Maker) -> None:
    ran = "import pathlib\npathlib.Path(__file__).with_name('it-ran').write_text('')\n"
    site = maker.site(maker.make(maker.wheel("one", {"one.py": ran})))
    assert list((site / "__pycache__").glob("one.*.pyc"))
    assert not (site / "it-ran").exists()


def test_no_wheel_has_a_say_in_the_bytecode_of_another(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One keeps the compiler busy, and names files of the other as if they were modules."""
    monkeypatch.setattr(installed, "_COMPILING", 2)
    wheels = [
        maker.wheel("busy", {"busy.py": "x = [" + "(lambda: 0), " * 300_000 + "]\n"}),
        maker.wheel("names", {"names.py": '"""\nimport /build/new/2/bin/other\n"""\n'}),
        maker.wheel("other", {"other.py": "", "other-1.0.data/scripts/other.py": ""}),
    ]
    environment = maker.make(*wheels)
    site = maker.site(environment)
    assert list((site / "__pycache__").glob("other.*"))
    assert list((site / "__pycache__").glob("names.*"))
    assert not (environment.host / "bin" / "__pycache__").exists()


def test_why_a_wheel_does_not_install_is_one_line(maker: Maker) -> None:
    files: dict[str, bytes | str] = {"bad-1.0.data/scripts/python": "#!/bin/sh\n"}
    with pytest.raises(AsamanError, match=r"^build environment: Failed to install") as raised:
        maker.make(maker.wheel("bad", files))
    assert "reserved" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_wheel_that_does_not_install_is_named_and_leaves_nothing(maker: Maker) -> None:
    content = b"no wheel"
    digest = Digest.of(content)
    maker.store.add([content], digest)
    broken = LockedFile(filename="broken-1.0-py3-none-any.whl", digest=digest)
    good = maker.wheel("one")
    with pytest.raises(AsamanError, match="broken") as raised:
        maker.make(good, broken)
    assert raised.value.code is ExitCode.BUILD_FAILED
    made_here = {
        path.name.partition("-")[0] for path in maker.store.root.glob("environments-2/*.complete")
    }
    assert made_here == {"bare"}
    assert not list(maker.store.root.glob("installed-2/*"))
    assert maker.site(maker.make(good)).joinpath("one.py").exists()


def test_names_that_are_too_long_are_the_wheel_s_fault(maker: Maker) -> None:
    deep = "/".join([*["d" * 200] * 19, "e" * 170])
    with pytest.raises(AsamanError, match="build environment") as raised:
        maker.make(maker.wheel("deep", {f"{deep}/file": "x"}))
    assert raised.value.code is ExitCode.BUILD_FAILED
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE])
def test_a_fault_of_the_machine_is_none_of_a_wheel(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(number, "out of order", "/x")

    one = maker.wheel("one")
    maker.make(one)
    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(AsamanError, match="out of order") as raised:
        maker.make(one, maker.wheel("two"))
    assert raised.value.code is ExitCode.INPUT_OUTPUT


def test_the_interpreter_is_asked_for_once(maker: Maker) -> None:
    maker.make(maker.wheel("one"))
    known = list((maker.store.root / "installed-2").glob("*/interpreter-*"))
    assert len(known) == 1
    before = {path: path.stat().st_mtime for path in known[0].rglob("*")}
    maker.make(maker.wheel("two"))
    assert {path: path.stat().st_mtime for path in known[0].rglob("*")} == before


def test_a_wheel_that_the_store_lost_is_named(maker: Maker) -> None:
    one = maker.wheel("one")
    shutil.rmtree(maker.store.root / "files")
    with pytest.raises(AsamanError, match=r"one-1\.0.*no longer in the cache"):
        maker.make(one)


def test_installed_wheels_come_in_the_order_of_their_names(maker: Maker) -> None:
    files = [maker.wheel(name) for name in ("b", "a")]
    bare = maker.make().host
    trees = installed.trees(
        files, maker.interpreter, bare, store=maker.store, isolation=maker.isolation
    )
    found = [next(tree.path.glob("lib/*/site-packages/*.py")).name for tree in trees]
    assert found == ["a.py", "b.py"]


@pytest.mark.parametrize("kind", FORGERIES)
def test_no_bytecode_of_a_wheel_is_in_an_environment(maker: Maker, kind: str) -> None:
    one = maker.make(maker.wheel("one", {"helper.py": HELPER}))
    installed_at = int((maker.site(one) / "helper.py").stat().st_mtime)
    environment = maker.make(maker.wheel("evil", forging(kind, installed_at)))
    found = [path for path in environment.host.rglob("*") if is_bytecode(path)]
    ours = maker.site(environment) / "__pycache__"
    assert {path.name.partition(".")[0] for path in found if path != ours} == {"helper"}
    assert b"forged" not in b"".join(path.read_bytes() for path in found if path != ours)
    assert value_in(maker, environment) == "source None"
    record = (maker.site(environment) / "evil-1.0.dist-info" / "RECORD").read_text()
    assert "helper.py," in record
    assert ".pyc" not in record
    assert "__pycache__" not in record


def is_bytecode(path: Path) -> bool:
    return path.suffix in {".pyc", ".pyo"} or "__pycache__" in path.parts
