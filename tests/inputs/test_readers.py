"""The input that is configured, read by the function of its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.readers import read_input, read_requirement
from tests.support import miniatures

if TYPE_CHECKING:
    from pathlib import Path


def test_each_field_of_an_input_is_read_by_the_function_of_its_format(tmp_path: Path) -> None:
    folder, archive = tmp_path / "sdists", tmp_path / "sdists/mini_flit-1.0.tar.gz"
    folder.mkdir()
    archive.write_bytes(miniatures.MINIATURES["mini-flit"]("1.0"))
    pins = tmp_path / "r.txt"
    pins.write_text(miniatures.pin("mini-flit"))
    for config, kind in (
        (Config(requirement=pins), "requirements"),
        (Config(source=archive), "archive"),
        (Config(directory=folder), "directory"),
    ):
        found = read_input(config)
        assert found is not None
        assert (found.kind, [str(pin) for pin in found.pins]) == (kind, ["mini-flit==1.0"])


def test_a_requirement_is_read_as_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "a-1.0.tar.gz"
    path.write_text(miniatures.pin("mini-flit"))
    assert read_requirement(path, Config()).kind == "requirements"


def test_several_requirements_files_are_read_as_one(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one.txt", "two.txt", "three.txt"))
    one.write_text(miniatures.pin("mini-flit"))
    two.write_text(f"-c three.txt\n{miniatures.pin('mini-hatch')}")
    three.write_text("mini-flit==1.0")
    config = Config(requirement=[one, two])  # type: ignore[arg-type]
    for found in (read_input(config), read_requirement(one, config)):
        assert found is not None
        assert [str(pin) for pin in found.pins] == ["mini-flit==1.0", "mini-hatch==1.0"]
        assert (found.path, len(found.constraints)) == (str(one), 1)
    assert [str(pin) for pin in read_requirement(two, config).pins] == ["mini-hatch==1.0"]


def test_faults_of_all_files_are_told_together(tmp_path: Path) -> None:
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    with pytest.raises(AsamanError) as caught:
        read_input(Config(requirement=files))  # type: ignore[arg-type]
    assert [error.what for error in (caught.value, *caught.value.others)] == [
        f"cannot read {one}" for one in files
    ]


def test_a_lock_is_read_alone(tmp_path: Path) -> None:
    files = [tmp_path / "r.txt", tmp_path / "pylock.toml"]
    with pytest.raises(AsamanError, match=r"pylock\.toml: a lock cannot be combined"):
        read_input(Config(requirement=files))  # type: ignore[arg-type]


def test_an_input_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in ("requirements.txt", "pylock.toml"):
        with pytest.raises(AsamanError, match=name):
            read_input(Config(requirement=tmp_path / name))


def test_a_project_is_read_by_no_reader(tmp_path: Path) -> None:
    assert read_input(Config(project=tmp_path)) is None
