"""What a backend leaves behind, and what it is handed; whole builds are tested end to end."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds.builder import backend_in, collect, settings
from amrasaman_nox.builds.hooks import HookFailed
from amrasaman_nox.builds.jobs import job_of
from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildSystem
from tests.builds.test_jobs import FILES, SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Interpreter

NAME = "one-1.0-py3-none-any.whl"


def test_a_setting_that_is_given_twice_is_a_list(interpreter: Interpreter) -> None:
    job = job_of(SOURCE, interpreter, FILES, config=Config(), isolation="none")
    pairs = (("a", "1"), ("b", "2"), ("a", "3"), ("a", "4"))
    found = settings(dataclasses.replace(job, config_settings=pairs))
    assert found == {"a": ["1", "3", "4"], "b": "2"}


def test_a_backend_in_the_source_is_not_one_of_the_environment() -> None:
    assert backend_in(BuildSystem(requires=(), backend="hatchling.build")) == "hatchling.build"
    own = BuildSystem(requires=(), backend="own", backend_path=("backend",))
    assert backend_in(own) == ""


def test_the_one_file_that_the_backend_named_is_opened(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"wheel")
    with collect(tmp_path, NAME) as file:
        assert file.read() == b"wheel"


def a_link(folder: Path) -> None:
    (folder / NAME).symlink_to("/etc/passwd")


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / NAME)


def a_folder(folder: Path) -> None:
    (folder / NAME).mkdir()


def a_second_name(folder: Path) -> None:
    (folder.parent / "elsewhere").write_bytes(b"wheel")
    os.link(folder.parent / "elsewhere", folder / NAME)


def nothing(folder: Path) -> None:
    pass


def another(folder: Path) -> None:
    (folder / "other.whl").touch()


def many(folder: Path) -> None:
    for number in range(1000):
        (folder / f"{number:04}-{'x' * 200}").touch()


@pytest.mark.parametrize(
    ("leave", "why"),
    [
        (a_link, "not a regular file"),
        (a_pipe, "not a regular file"),
        (a_folder, "not a regular file"),
        (a_second_name, "not a regular file"),
        (nothing, "wrote nothing"),
        (another, "wrote other.whl"),
        (many, "and 995 more"),
    ],
)
def test_anything_else_is_one_line(tmp_path: Path, leave: Callable[[Path], None], why: str) -> None:
    output = tmp_path / "output"
    output.mkdir()
    leave(output)
    with pytest.raises(HookFailed) as caught, collect(output, NAME):
        pytest.fail("it was opened")
    assert why in caught.value.reason
    assert len(caught.value.reason) < 1000
