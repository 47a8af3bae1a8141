"""Environments of wheels that are made here: real virtualenv, real uv, real sandboxes."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments import complete, environments, installed
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sources import store as store_module

from ..support.bytecode import FORGERIES
from .making import HELPER, SCRIPTED, forging, value_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.environments.making import Maker


def test_an_environment_holds_its_wheels_and_nothing_else(maker: Maker) -> None:
    one, two = maker.wheel("one"), maker.wheel("two")
    site = maker.site(maker.make(two, one))
    names = {path.name for path in site.iterdir()} - {"__pycache__"}
    assert names == {"one.py", "one-1.0.dist-info", "two.py", "two-1.0.dist-info"}
    assert (site / "one-1.0.dist-info" / "INSTALLER").read_text() == "uv"
    assert not list(maker.make(two, one).host.glob(".lock"))


@pytest.mark.parametrize("inside", ["/build/env", "/elsewhere/deep/env"])
def test_scripts_name_the_interpreter_where_builds_see_it(maker: Maker, inside: str) -> None:
    wheel = maker.wheel("scripted", SCRIPTED)
    maker.make(wheel)
    environment = maker.make(wheel, inside=inside)
    script = environment.host / "bin" / "scripted"
    assert environment.python in script.read_text().splitlines()[0] + script.read_text()[:400]
    assert os.access(script, os.X_OK)
    assert (environment.host / "share" / "thing.txt").read_text() == "thing\n"


def test_of_two_wheels_with_one_file_the_first_by_name_has_it(maker: Maker) -> None:
    one = maker.wheel("one", {"same.py": "one\n"})
    two = maker.wheel("two", {"same.py": "two\n"})
    site = maker.site(maker.make(two, one))
    assert (site / "same.py").read_text() == "one\n"


def test_a_wheel_does_not_replace_what_the_environment_runs_with(maker: Maker) -> None:
    files: dict[str, bytes | str] = {"bad-1.0.data/data/pyvenv.cfg": "home = /nowhere\n"}
    environment = maker.make(maker.wheel("bad", files))
    assert "/nowhere" not in (environment.host / "pyvenv.cfg").read_text()


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
def test_a_file_of_one_wheel_that_is_a_folder_of_another_is_an_error(
    maker: Maker, names: tuple[str, str]
) -> None:
    file = maker.wheel(names[0], {"same": "a file\n"})
    folder = maker.wheel(names[1], {"same/below.py": ""})
    with pytest.raises(AsamanError, match=r"is both a file and a folder: .*/same$") as raised:
        maker.make(file, folder)
    assert raised.value.code is ExitCode.BUILD_FAILED


def test_a_file_system_without_links_is_copied_on(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EMLINK, "too many links")

    one, two = maker.wheel("one"), maker.wheel("two")
    monkeypatch.setattr(os, "link", refused)
    first, second = maker.make(one), maker.make(one, two)
    paths = [maker.site(environment) / "one.py" for environment in (first, second)]
    assert not paths[0].samefile(paths[1])
    assert paths[0].stat().st_mtime == paths[1].stat().st_mtime


@pytest.mark.parametrize("what", ["environment", "tree"])
def test_what_lost_all_it_had_is_made_again(maker: Maker, what: str) -> None:
    one, two = maker.wheel("one"), maker.wheel("two")
    site = maker.site(maker.make(one))
    if what == "environment":
        shutil.rmtree(site.parents[2])
        again = maker.make(one)
    else:
        for path in (maker.store.root / "installed-2").rglob("one.py"):
            path.unlink()
        again = maker.make(one, two)
    assert (maker.site(again) / "one.py").stat().st_size


def test_a_folder_that_cannot_be_copied_is_one_line(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "out of order", "/x")

    maker.make(maker.wheel("one"))
    monkeypatch.setattr(shutil, "copystat", refused)
    with pytest.raises(AsamanError, match=r"^build environment: .*out of order") as raised:
        maker.make(maker.wheel("two"))
    assert raised.value.code is ExitCode.INPUT_OUTPUT
    assert "[(" not in str(raised.value)


def test_an_environment_that_was_begun_is_made_again(maker: Maker) -> None:
    one = maker.wheel("one")
    environment = maker.make(one)
    environment.host.with_suffix(".complete").unlink()
    (maker.site(environment) / "left.py").write_text("left")
    assert not (maker.site(maker.make(one)) / "left.py").exists()
    assert (maker.site(environment) / "one.py").exists()
    assert complete.is_whole(environment.host)


def test_what_a_loss_of_power_left_of_an_environment_is_not_used(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = maker.wheel("one")
    environment = maker.make(one)
    content = (maker.site(environment) / "one.py").read_bytes()
    kept = environment.host.stat().st_ino
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
        monkeypatch.setattr(complete, "_BOOT", tmp_path / name)
        assert maker.make(one).host.stat().st_ino == kept
    monkeypatch.setattr(complete, "_BOOT", tmp_path / "none")
    # Of what is linked, both the environment and the installed wheel are short.
    for path in maker.store.root.rglob("one.py"):
        os.truncate(path, 0)
    for path in maker.store.root.rglob("pyvenv.cfg"):
        os.truncate(path, 0)
    environment = maker.make(one)
    assert (maker.site(environment) / "one.py").read_bytes() == content
    assert (environment.host / "pyvenv.cfg").stat().st_size


@pytest.mark.parametrize("kind", FORGERIES)
def test_bytecode_of_one_release_is_not_run_in_another(maker: Maker, kind: str) -> None:
    maker.make(maker.wheel("evil", forging(kind, 1_700_000_000)))
    clean: dict[str, bytes | str] = {"helper.py": HELPER, "evil.py": "import helper\n"}
    assert value_in(maker, maker.make(maker.wheel("evil", clean, "1.1"))) == "source None"


def test_bytecode_is_shown_beside_its_own_source_alone(maker: Maker) -> None:
    """Both sources have one size and one time, and only that of the second is compiled."""
    wheels = [
        maker.wheel("one", {"pack/x.py": "VALUE = 'one'\n"}),
        maker.wheel("two", {"pack/x.py": "VALUE = 'two'\n", "two.py": "import pack.x\n"}),
    ]
    maker.make(*wheels)
    for path in maker.store.root.glob("installed-*/*/lib/*/site-packages/pack/x.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    environments_of = complete.home(maker.store.root, "environments")
    shutil.rmtree(environments_of)
    site = maker.site(maker.make(*wheels))
    assert (site / "pack" / "x.py").read_text() == "VALUE = 'one'\n"
    assert not list(site.glob("pack/__pycache__/x.*"))


def test_what_was_made_in_a_former_way_is_removed(maker: Maker) -> None:
    former = [maker.store.root / name / "some" for name in ("environments", "installed")]
    for folder in former:
        folder.mkdir(parents=True)
        (folder / "file").touch()
    maker.make(maker.wheel("one"))
    assert not [folder for folder in former if folder.parent.exists()]


@pytest.mark.parametrize("what", ["environments", "installed", "bare"])
def test_waiting_for_another_run_is_said(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    one = maker.wheel("one")
    host = maker.make(one).host
    bare = next(host.parent.glob("bare-*.complete"))
    tree = next(complete.home(maker.store.root, "installed").glob("one-*.complete"))
    shutil.rmtree(host)
    tree.unlink()
    if what == "bare":
        bare.unlink()
    locks = {
        "environments": f"environment-{host.name}",
        "installed": f"installed-{tree.stem}",
        "bare": bare.stem,
    }
    monkeypatch.setattr(store_module, "_PATIENCE", 0.05)
    monkeypatch.setattr(installed, "PATIENCE", 0.3)
    monkeypatch.setattr(environments, "PATIENCE", 0.3)
    said: list[str] = []
    with maker.store.lock(locks[what], timeout=0), pytest.raises(AsamanError, match="lock"):
        environments.prepare(
            [one],
            maker.interpreter,
            store=maker.store,
            isolation=maker.isolation,
            inside="/build/env",
            notify=said.append,
        )
    assert said == [f"waiting for another run to finish with {locks[what]}"]
