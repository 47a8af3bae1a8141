"""Where settings and projects are found."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config import layers, places
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.config import Config

OURS = "[tool.amrasaman]\njobs = 3\n"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return a folder with settings, with ``member`` below it, a project, and ``member/src``."""
    (tmp_path / "member/src").mkdir(parents=True)
    write(tmp_path, f'{OURS}requirement = "r.txt"\n')
    write(tmp_path / "member", '[project]\nname = "member"\n')
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / places.NAME).write_text(text)


def loaded(start: Path, **given: str) -> Config:
    where = places.found(start, start)
    return layers.load(
        given,
        folder=where.settings,
        project=where.project,
        here=where.here,
        invoked_from=start,
        environ={"HOME": str(start)},
    )


def test_settings_and_project_are_the_nearest_from_a_folder_upwards(top: Path) -> None:
    for start in (top / "member/src", top / "member"):
        found = places.found(start, start)
        assert found == places.Places(settings=top, project=top / "member", here=start)
    write(top / "member", OURS)
    assert places.found(top / "member/src", top).settings == top / "member"


def test_without_any_file_all_is_in_the_folder(tmp_path: Path) -> None:
    assert places.found(tmp_path, tmp_path) == places.only(tmp_path)


def test_a_project_with_setup_py_alone_is_the_project(top: Path) -> None:
    (top / "member/src/setup.py").touch()
    assert places.found(top / "member/src", top).project == top / "member/src"


def test_what_settings_say_of_another_project_does_not_count(top: Path) -> None:
    config = loaded(top / "member/src")
    assert (config.jobs, config.requirement) == (3, None)
    assert config.output == top / "member/wheels"
    assert layers.with_project(config, top / "member") is not None


def test_without_a_project_in_between_all_settings_count(top: Path) -> None:
    (top / "member" / places.NAME).unlink()
    config = loaded(top / "member/src")
    assert (config.jobs, config.requirement) == (3, top / "r.txt")
    assert config.output == top / "wheels"


def test_the_wheels_of_a_named_input_are_put_where_the_command_was_given(top: Path) -> None:
    config = loaded(top / "member/src", requirement="x.txt")
    assert config.requirement == top / "member/src/x.txt"
    assert config.output == top / "member/src/wheels"


def test_what_others_can_write_above_the_folder_does_not_count(top: Path) -> None:
    start = top / "member/src"
    (top / "member" / places.NAME).chmod(0o666)
    assert places.found(start, start).project == top
    (top / places.NAME).chmod(0o666)
    assert places.found(start, start) == places.only(start)
    # In the folder itself it is what the user works on.
    assert places.found(top, top).settings == top


def test_a_link_above_the_folder_does_not_count(top: Path) -> None:
    elsewhere = top / "elsewhere.toml"
    os.rename(top / places.NAME, elsewhere)  # noqa: PTH104
    (top / places.NAME).symlink_to(elsewhere)
    assert places.found(top / "member", top).settings == top / "member"


def test_a_folder_that_is_missing_and_a_file_that_is_no_toml_are_named(top: Path) -> None:
    with pytest.raises(AsamanError, match=r"none: no such folder"):
        places.found(top / "none", top)
    write(top, "=")
    with pytest.raises(AsamanError, match=r"pyproject\.toml: not TOML"):
        places.found(top / "member", top)
