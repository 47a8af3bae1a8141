"""What the environment variables of the user say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.config.variables import without_nox_variables
from amrasaman_nox.errors import AsamanError
from tests.config.loading import load


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
        ({"FORCE_COLOR": "1"}, {}, "always"),
        ({"FORCE_COLOR": "0"}, {}, "auto"),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, {}, "never"),
        ({"FORCE_COLOR": "1"}, {"color": "never"}, "never"),
        ({"NO_COLOR": "1"}, {"color": "always"}, "always"),
    ],
)
def test_variables_of_colour_are_followed_unless_an_option_says_otherwise(
    tmp_path: Path, environ: dict[str, str], given: dict[str, str], color: str
) -> None:
    assert load(tmp_path, given, environ=environ).color == color


def test_a_step_summary_is_written_where_the_service_wants_it(tmp_path: Path) -> None:
    config = load(tmp_path, environ={"GITHUB_STEP_SUMMARY": "/tmp/summary.md"})
    assert config.summary == Path("/tmp/summary.md")


def test_variables_of_nox_are_dropped_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOXSESSION", "NOX_DEFAULT_VENV_BACKEND", "FORCE_COLOR", "NO_COLOR"):
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
