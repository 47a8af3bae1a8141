from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config import layers as configuration
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.variables import without_nox_variables
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(
    folder: Path,
    given: Mapping[str, Any] | None = None,
    *,
    registered: Config | None = None,
    environ: Mapping[str, str] | None = None,
    invoked_from: Path | None = None,
) -> Config:
    return configuration.load(
        given or {},
        registered=registered,
        folder=folder,
        invoked_from=invoked_from or folder,
        environ=environ or {},
    )


def write(folder: Path, *lines: str) -> None:
    (folder / "pyproject.toml").write_text("\n".join(("[tool.amrasaman]", *lines)))


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
    with pytest.raises(AsamanError, match="contradict"):
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
        ("[tool.amrasaman]\njobs = 0", "out of range"),
        ("[tool.amrasaman]\nsde = 1", "invalid epoch"),
        ("[tool.amrasaman]\nlocked = true\nrelock = true", "contradict"),
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


@pytest.mark.parametrize(
    ("environ", "values"),
    [
        ({"PIP_INDEX_URL": "https://p"}, {"index_url": "https://p"}),
        ({"UV_INDEX_URL": "https://u", "PIP_INDEX_URL": "p"}, {"index_url": "https://u"}),
        ({"UV_DEFAULT_INDEX": "https://d", "UV_INDEX_URL": "u"}, {"index_url": "https://d"}),
        ({"UV_DEFAULT_INDEX": "mine=https://d"}, {"index_url": "https://d"}),
        ({"PIP_EXTRA_INDEX_URL": "a b"}, {"extra_index_url": ("a", "b")}),
        (
            {"UV_INDEX": "n=https://a", "UV_EXTRA_INDEX_URL": "b", "PIP_EXTRA_INDEX_URL": "c"},
            {"extra_index_url": ("https://a", "b")},
        ),
        ({"PIP_FIND_LINKS": "/a https://b"}, {"find_links": ("/a", "https://b")}),
        ({"UV_FIND_LINKS": "/a b,/c", "PIP_FIND_LINKS": "d"}, {"find_links": ("/a b", "/c")}),
        ({"PIP_TRUSTED_HOST": "a b"}, {"trusted_host": ("a", "b")}),
        ({"UV_INSECURE_HOST": "a"}, {"trusted_host": ("a",)}),
        ({"PIP_NO_INDEX": "1"}, {"no_index": True}),
        ({"PIP_NO_INDEX": "true", "UV_NO_INDEX": "0"}, {"no_index": False}),
        ({"PIP_INDEX_URL": ""}, {"index_url": None}),
    ],
)
def test_index_variables_are_understood(
    tmp_path: Path, environ: dict[str, str], values: dict[str, Any]
) -> None:
    config = load(tmp_path, environ=environ)
    assert {name: getattr(config, name) for name in values} == values


@pytest.mark.parametrize(
    "environ", [{"PIP_NO_INDEX": "perhaps"}, {"PIP_INDEX_URL": "a b"}, {"UV_NO_INDEX": "2"}]
)
def test_an_index_variable_that_makes_no_sense_is_named(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(AsamanError) as caught:
        load(tmp_path, environ=environ)
    assert [caught.value.what] == list(environ)


def test_index_variables_stand_between_options_and_the_noxfile(tmp_path: Path) -> None:
    write(tmp_path, 'index-url = "https://file"')
    environ = {"PIP_INDEX_URL": "https://variable"}
    registered = Config(index_url="https://noxfile")
    assert load(tmp_path, registered=registered).index_url == "https://noxfile"
    config = load(tmp_path, registered=registered, environ=environ)
    assert config.index_url == "https://variable"
    assert load(tmp_path, {"index_url": "o"}, environ=environ).index_url == "o"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"UV_INDEX_MY_1_USERNAME": "me", "UV_INDEX_MY_1_PASSWORD": "a@b/c"}, "https://me:a%40b%2Fc@x:8/s"),
        ({"UV_INDEX_MY_1_USERNAME": "me"}, "https://me@x:8/s"),
        ({"UV_INDEX_OTHER_USERNAME": "me"}, "https://x:8/s"),
    ],
)  # fmt: skip
def test_the_password_of_a_named_index_goes_with_its_url(
    tmp_path: Path, environ: dict[str, str], url: str
) -> None:
    config = load(tmp_path, environ={"UV_INDEX": "my-1=https://x:8/s", **environ})
    assert config.extra_index_url == (url,)


def test_a_url_with_an_equals_sign_is_not_taken_for_a_name(tmp_path: Path) -> None:
    environ = {"UV_INDEX": "https://x/y?a=b"}
    assert load(tmp_path, environ=environ).extra_index_url == ("https://x/y?a=b",)


def test_only_variables_of_access_are_passed_on(tmp_path: Path) -> None:
    access = {
        "HTTPS_PROXY": "p",
        "no_proxy": "x",
        "SSL_CERT_FILE": "/c",
        "NETRC": "/n",
        "HOME": "/h",
    }
    others = {
        "PIP_CONFIG_FILE": "x",
        "UV_CONFIG_FILE": "x",
        "PYTHONPATH": "x",
        "CFLAGS": "x",
        "LD_PRELOAD": "x",
        "REQUESTS_CA_BUNDLE": "/other",
        "ALL_PROXY": "",
    }
    config = load(tmp_path, environ={**access, **others})
    assert dict(config.environment) == access


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CURL_CA_BUNDLE": "/c"}, "/c"),
        ({"REQUESTS_CA_BUNDLE": "/r", "CURL_CA_BUNDLE": "/c"}, "/r"),
        ({"PIP_CERT": "/p", "REQUESTS_CA_BUNDLE": "/r"}, "/p"),
        ({"SSL_CERT_FILE": "/s", "PIP_CERT": "/p"}, "/s"),
    ],
)
def test_other_tools_certificates_stand_in(
    tmp_path: Path, environ: dict[str, str], expected: str
) -> None:
    config = load(tmp_path, environ=environ)
    assert dict(config.environment) == {"SSL_CERT_FILE": expected}


def test_a_folder_of_certificates_is_one(tmp_path: Path) -> None:
    config = load(tmp_path, environ={"REQUESTS_CA_BUNDLE": str(tmp_path)})
    assert dict(config.environment) == {"SSL_CERT_DIR": str(tmp_path)}


def test_only_names_that_pip_expands_can_be_expanded(tmp_path: Path) -> None:
    config = load(tmp_path, environ={"TOKEN": "t", "lower": "x", "BASH_FUNC_x%%": "y"})
    assert config.expandable == (("TOKEN", "t"),)


@pytest.mark.parametrize(
    ("environ", "given", "color"),
    [
        ({}, {}, "auto"),
        ({"NO_COLOR": "1"}, {}, "never"),
        ({"NO_COLOR": ""}, {}, "auto"),
        ({"TERM": "dumb"}, {}, "never"),
        ({"NO_COLOR": "1"}, {"color": "always"}, "always"),
    ],
)
def test_no_color_is_followed_unless_an_option_says_otherwise(
    tmp_path: Path, environ: dict[str, str], given: dict[str, str], color: str
) -> None:
    assert load(tmp_path, given, environ=environ).color == color


def test_a_step_summary_is_written_where_the_service_wants_it(tmp_path: Path) -> None:
    config = load(tmp_path, environ={"GITHUB_STEP_SUMMARY": "/tmp/summary.md"})
    assert config.summary == Path("/tmp/summary.md")


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


def test_variables_of_nox_are_dropped_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOXSESSION", "NOX_DEFAULT_VENV_BACKEND", "FORCE_COLOR"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("KEPT", "y")
    before = dict(os.environ)

    def fail() -> None:
        with without_nox_variables():
            assert "NOXSESSION" not in os.environ
            assert "NOX_DEFAULT_VENV_BACKEND" not in os.environ
            assert "FORCE_COLOR" not in os.environ
            assert os.environ["KEPT"] == "y"
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert dict(os.environ) == before
