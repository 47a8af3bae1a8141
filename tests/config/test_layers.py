"""Options, noxfile, variables and file: which one wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from amrasaman_nox.config import layers as configuration
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from tests.config.loading import load, write


def test_without_anything_there_are_the_defaults(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.output == tmp_path / "wheels"
    assert config.cache_dir is not None
    assert config.cache_dir.is_absolute()
    assert set(config.given()) == {"output", "cache_dir"}


def test_options_win_over_the_noxfile_and_that_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'isolation = "none"', "sde = 1400000000", "jobs = 7")
    registered = Config(sde=1500000000, jobs=8)
    assert load(tmp_path).jobs == 7
    assert load(tmp_path, registered=registered).jobs == 8
    config = load(tmp_path, {"jobs": 9}, registered=registered)
    assert (config.jobs, config.sde, config.isolation) == (9, 1500000000, "none")


def test_an_input_of_a_higher_layer_replaces_that_of_a_lower_one(tmp_path: Path) -> None:
    write(tmp_path, 'requirement = "r.txt"')
    assert load(tmp_path).requirement == tmp_path / "r.txt"
    config = load(tmp_path, {"source": "a.zip"})
    assert (config.requirement, config.source) == (None, tmp_path / "a.zip")
    config = load(tmp_path, registered=Config(directory=Path("d")))
    assert (config.requirement, config.directory) == (None, tmp_path / "d")


@pytest.mark.parametrize(
    ("line", "given", "field"),
    [("locked = true", "relock", "locked"), ("quiet = true", "verbose", "quiet")],
)
def test_an_option_replaces_its_opposite_in_the_file(
    tmp_path: Path, line: str, given: str, field: str
) -> None:
    write(tmp_path, line)
    config = load(tmp_path, {given: True})
    assert getattr(config, given)
    assert not getattr(config, field)


def test_contradicting_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="cannot be combined"):
        load(tmp_path, {"source": "a", "directory": "b"})


def test_paths_count_from_where_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, 'cache-dir = "cache"', 'find-links = ["links", "https://x.example/y"]')
    config = load(
        tmp_path,
        {"requirement": "r.txt", "json": "x.json", "against": "other", "python": ("./py",)},
        registered=Config(lock=Path("l.toml"), output=Path("out")),
        invoked_from=tmp_path / "sub",
    )
    assert config.cache_dir == tmp_path / "cache"
    assert config.find_links == (str(tmp_path / "links"), "https://x.example/y")
    assert config.lock == tmp_path / "l.toml"
    assert config.output == tmp_path / "out"
    assert config.requirement == tmp_path / "sub/r.txt"
    assert config.json == str(tmp_path / "sub/x.json")
    assert config.against == str(tmp_path / "sub/other")
    assert config.python == (str(tmp_path / "sub/py"),)


def test_words_that_are_no_paths_stay_as_they_are(tmp_path: Path) -> None:
    given = {"json": "-", "against": "published", "python": ("3.11", "pypy3")}
    config = load(tmp_path, given)
    assert (config.json, config.against) == ("-", "published")
    assert config.python == ("3.11", "pypy3")


def test_a_path_is_not_resolved_through_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert load(tmp_path, {"requirement": "link/../r.txt"}).requirement == tmp_path / "r.txt"
    assert load(tmp_path, {"requirement": "link"}).requirement == tmp_path / "link"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[tool.amrasaman]\njobs = ", "not TOML"),
        ("[tool.amrasaman]\njobs = 1\njobs = 2", "not TOML"),
        ("[tool]\namrasaman = 3", "a table is required"),
        ("[tool.amrasaman]\nbogus = 1", "unknown key"),
        ("[tool.amrasaman]\njobs = 0", "must be between"),
        ("[tool.amrasaman]\nsde = 1", "invalid epoch"),
        ("[tool.amrasaman]\nlocked = true\nrelock = true", "cannot be combined"),
    ],
)
def test_a_bad_file_is_refused_and_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(content)
    with pytest.raises(AsamanError) as caught:
        load(tmp_path)
    assert caught.value.code is ExitCode.BAD_INPUT
    (line, *_) = caught.value.lines()
    assert said in line
    assert str(tmp_path / "pyproject.toml") in line


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# \xff")
    with pytest.raises(AsamanError, match="not TOML"):
        load(tmp_path)


def test_a_named_pipe_in_place_of_the_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pyproject.toml")
    assert load(tmp_path).jobs >= 1


def test_other_tables_of_the_file_are_nothing_to_us(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('tool = "x"')
    assert load(tmp_path).jobs >= 1


def test_index_variables_stand_between_options_and_the_noxfile(tmp_path: Path) -> None:
    write(tmp_path, 'index-url = "https://file"')
    environ = {"PIP_INDEX_URL": "https://variable"}
    registered = Config(index_url="https://noxfile")
    assert load(tmp_path, registered=registered).index_url == "https://noxfile"
    config = load(tmp_path, registered=registered, environ=environ)
    assert config.index_url == "https://variable"
    assert load(tmp_path, {"index_url": "o"}, environ=environ).index_url == "o"


def test_a_user_without_a_home_is_asked_for_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache"))
    with pytest.raises(AsamanError, match="no home folder") as caught:
        load(tmp_path)
    assert "--cache-dir" in caught.value.hint
    assert load(tmp_path, {"cache_dir": "c"}).cache_dir == tmp_path / "c"


def test_the_project_in_the_folder_is_the_last_resort(tmp_path: Path) -> None:
    assert configuration.with_project(load(tmp_path), tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("")
    found = configuration.with_project(load(tmp_path), tmp_path)
    assert found is not None
    assert found.project == tmp_path
    config = load(tmp_path, {"source": "a.zip"})
    assert configuration.with_project(config, tmp_path) is config
