"""Of the folder in which Python is installed, builds see Python and nothing else."""

from __future__ import annotations

import os
import shutil
import sysconfig
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments import prefix
from amrasaman_nox.environments.interpreters import inspect

from ..sandbox.test_hostile import REACHED, STOPPED, build, check, outcome
from ..support import miniatures
from ..support.rungs import chosen

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store

    from ..support.bench import Bench

SECRETS = ("share/keyrings/login", "lib/token", "bin/other", "etc/netrc")


@pytest.fixture
def local(tmp_path: Path, interpreter: Interpreter) -> Path:
    """A folder of a user's own, such as ``~/.local``, in which Python is installed as well."""
    folder = tmp_path / "local"
    for name in SECRETS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    program = folder / "bin" / f"python{interpreter.minor}"
    shutil.copy2(interpreter.executable, program)
    (folder / "bin" / "python3").symlink_to(program.name)
    library = sysconfig.get_path("stdlib", vars={"base": interpreter.prefix})
    shutil.copytree(
        library,
        folder / "lib" / f"python{interpreter.minor}",
        symlinks=True,
        ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__"),
        copy_function=link,
    )
    installed = folder / "lib" / f"python{interpreter.minor}" / "site-packages"
    installed.mkdir()
    (installed / "private.py").write_text("SECRET = 1")
    return folder


def link(source: str, destination: str) -> None:
    """Link a file where that is possible, for a copy takes long."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)


def test_what_is_shown_is_python_alone(local: Path, interpreter: Interpreter) -> None:
    found = inspect(str(local / "bin/python3"))
    minor = f"python{interpreter.minor}"
    assert found.prefix == str(local)
    own = {path for path in found.shown if path.startswith(f"{local}/")}
    assert own == {str(local / path) for path in ("bin/python3", f"bin/{minor}", f"lib/{minor}")}
    assert found.hidden == (str(local / "lib" / minor / "site-packages"),)
    assert prefix.beside(found.prefix) == ("etc", "share/keyrings")


@pytest.mark.parametrize(
    ("rung", "expected"), [("full", STOPPED), ("namespaces", STOPPED), ("none", REACHED)]
)
def test_no_build_reads_what_lies_beside_python(
    local: Path, store: Store, rung: str, expected: str
) -> None:
    found = inspect(str(local / "bin/python3"))
    result = build("reads_prefix", store=store, isolation=chosen(rung), interpreter=found)
    check(outcome(result, store), expected)


def test_a_run_says_that_a_prefix_holds_more_than_python(cold: Bench, local: Path) -> None:
    chosen("full")
    cold.write(*miniatures.pins("mini-in-tree"))
    done = cold.asaman("-r", "requirements.txt", "--python", str(local / "bin/python3"))
    assert done.returncode == 0, done.stderr
    assert f"builds do not see what is in {local} beside Python, such as etc" in " ".join(
        done.stdout.split()
    )


def test_headers_libraries_and_what_pkg_config_reads_are_shown(tmp_path: Path) -> None:
    files = (
        *("bin/python3.11", "bin/python3.11-config", "lib/libpython3.11.so.1.0"),
        *("lib/pkgconfig/python-3.11.pc", "lib/pkgconfig/python3.pc"),
    )
    others = ("bin/pip", "lib/pkgconfig/zlib.pc", "lib/token", "include/other/other.h")
    folders = ("lib/python3.11", "include/python3.11")
    for name in (*files, *others, *(f"{folder}/x" for folder in folders)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    # Whoever calls the folder by another name finds it as well.
    (tmp_path / "lib/python3.11").rename(tmp_path / "library")
    (tmp_path / "lib/python3.11").symlink_to("../library")
    at = {
        "executable": "bin/python3.11",
        "libdir": "lib",
        **dict.fromkeys(("stdlib", "platstdlib"), "lib/python3.11"),
        **dict.fromkeys(("include", "platinclude"), "include/python3.11"),
    }
    paths = {name: str(tmp_path / path) for name, path in at.items()}
    expected = sorted(str(tmp_path / name) for name in (*files, *folders, "library"))
    assert list(prefix.shown(paths, "3.11")) == expected


@pytest.mark.parametrize("folder", ["/usr", "/usr/local"])
def test_nothing_is_said_of_what_is_part_of_the_system(folder: str) -> None:
    assert prefix.beside(folder) == ()
