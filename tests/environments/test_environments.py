"""Environments of wheels that are made here: real virtualenv, real uv, real sandboxes."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments import complete, environments, installed
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, LockedFile
from amrasaman_nox.sandbox import process, view
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sources import store as store_module

from ..support.bytecode import FORGERIES, forged
from ..support.projects import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.environments.environments import Environment
    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes environments of wheels that are made here."""

    store: Store
    isolation: Isolation
    interpreter: Interpreter

    def wheel(
        self, name: str, files: dict[str, bytes | str] | None = None, version: str = "1.0"
    ) -> LockedFile:
        content = make_wheel(name, version, files)
        digest = Digest.of(content)
        self.store.add([content], digest)
        return LockedFile(filename=f"{name}-{version}-py3-none-any.whl", digest=digest)

    def make(self, *files: LockedFile, inside: str = "/build/env") -> Environment:
        return environments.prepare(
            files, self.interpreter, store=self.store, isolation=self.isolation, inside=inside
        )

    def site(self, environment: Environment) -> Path:
        (site,) = environment.host.glob("lib/python*/site-packages")
        return site


@pytest.fixture(params=["full", "namespaces", "none"])
def maker(request: pytest.FixtureRequest, store: Store, interpreter: Interpreter) -> Maker:
    try:
        isolation = choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))
    return Maker(store, isolation, interpreter)


SCRIPTED: dict[str, bytes | str] = {
    "scripted.py": "def main():\n    print('ran')\n",
    "scripted-1.0.dist-info/entry_points.txt": "[console_scripts]\nscripted = scripted:main\n",
    "scripted-1.0.data/data/share/thing.txt": "thing\n",
}


def test_an_environment_holds_its_wheels_and_nothing_else(maker: Maker) -> None:
    one, two = maker.wheel("one"), maker.wheel("two")
    site = maker.site(maker.make(two, one))
    names = {path.name for path in site.iterdir()} - {"__pycache__"}
    assert names == {"one.py", "one-1.0.dist-info", "two.py", "two-1.0.dist-info"}
    assert (site / "one-1.0.dist-info" / "INSTALLER").read_text() == "uv"
    assert not list(maker.make(two, one).host.glob(".lock"))


def test_a_wheel_is_installed_once_and_shared_only_where_no_build_can_write(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = maker.wheel("one"), maker.wheel("two")
    first = maker.site(maker.make(one)) / "one.py"
    ran: list[view.Command] = []
    run = process.run

    def counted(command: view.Command, isolation: Isolation) -> process.Completed:
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


@pytest.mark.parametrize("inside", ["/build/env", "/elsewhere/deep/env"])
def test_scripts_name_the_interpreter_where_builds_see_it(maker: Maker, inside: str) -> None:
    wheel = maker.wheel("scripted", SCRIPTED)
    maker.make(wheel)
    environment = maker.make(wheel, inside=inside)
    script = environment.host / "bin" / "scripted"
    assert environment.python in script.read_text().splitlines()[0] + script.read_text()[:400]
    assert os.access(script, os.X_OK)
    assert (environment.host / "share" / "thing.txt").read_text() == "thing\n"


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


def test_of_two_wheels_with_one_file_the_first_by_name_has_it(maker: Maker) -> None:
    one = maker.wheel("one", {"same.py": "one\n"})
    two = maker.wheel("two", {"same.py": "two\n"})
    site = maker.site(maker.make(two, one))
    assert (site / "same.py").read_text() == "one\n"


def test_a_wheel_does_not_replace_what_the_environment_runs_with(maker: Maker) -> None:
    files: dict[str, bytes | str] = {"bad-1.0.data/data/pyvenv.cfg": "home = /nowhere\n"}
    environment = maker.make(maker.wheel("bad", files))
    assert "/nowhere" not in (environment.host / "pyvenv.cfg").read_text()


def test_why_a_wheel_does_not_install_is_one_line(maker: Maker) -> None:
    files: dict[str, bytes | str] = {"bad-1.0.data/scripts/python": "#!/bin/sh\n"}
    with pytest.raises(AsamanError, match=r"^build environment: Failed to install") as raised:
        maker.make(maker.wheel("bad", files))
    assert "reserved" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
def test_a_file_of_one_wheel_that_is_a_folder_of_another_is_an_error(
    maker: Maker, names: tuple[str, str]
) -> None:
    file = maker.wheel(names[0], {"same": "a file\n"})
    folder = maker.wheel(names[1], {"same/below.py": ""})
    with pytest.raises(AsamanError, match=r"is a file and a folder: .*/same$") as raised:
        maker.make(file, folder)
    assert raised.value.code is ExitCode.BUILD_FAILED


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
def test_what_lost_all_it_had_is_made_anew(maker: Maker, what: str) -> None:
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


def test_the_interpreter_is_asked_for_once(maker: Maker) -> None:
    maker.make(maker.wheel("one"))
    known = list((maker.store.root / "installed-2").glob("*/interpreter-*"))
    assert len(known) == 1
    before = {path: path.stat().st_mtime for path in known[0].rglob("*")}
    maker.make(maker.wheel("two"))
    assert {path: path.stat().st_mtime for path in known[0].rglob("*")} == before


def test_an_environment_that_was_begun_is_made_anew(maker: Maker) -> None:
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


HELPER = b"VALUE = 'source'\n"


def forging(kind: str, modified: int) -> dict[str, bytes | str]:
    """Return a wheel's files, of which bytecode says otherwise than the source."""
    name = f"helper.{sys.implementation.cache_tag}"
    bytecode = forged(kind, "VALUE = 'forged'", HELPER, modified)
    return {
        "helper.py": HELPER,
        f"__pycache__/{name}.pyc": bytecode,
        f"__pycache__/{name}.opt-1.pyc": bytecode,
        "legacy.pyc": bytecode,
        "legacy.pyo": bytecode,
        "evil-1.0.data/data/share/__pycache__/any.txt": "x",
        "evil-1.0.data/data/share/deep/data.pyc": bytecode,
        "evil-1.0.data/scripts/tool.pyc": bytecode,
        f"evil-1.0.data/purelib/__pycache__/sitecustomize.{name}.pyc": bytecode,
    }


def value_in(maker: Maker, environment: Environment) -> str:
    """Return what a build finds in ``helper``, and whether it finds ``legacy``."""
    program = "import helper, importlib.util as u; print(helper.VALUE, u.find_spec('legacy'))"
    done = subprocess.run(
        [maker.interpreter.executable, "-B", "-c", program],
        env={"PYTHONPATH": str(maker.site(environment))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


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
