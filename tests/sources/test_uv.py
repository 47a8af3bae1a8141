"""The index client: access, credentials, faults, and what of the user it sees."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import IndexOptions
from amrasaman_nox.sources.uv import Client
from tests.sources.asking import AT_ONCE, locate, pin, refusal

from ..support.index import File, LocalIndex, page, status
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from pathlib import Path


def test_the_client_says_which_index_it_asks_where_none_is_named(cache: Path) -> None:
    client = Client(index=IndexOptions(offline=True), python=sys.executable, cache=cache)
    assert client.default_index().startswith("https://")


def test_a_release_newer_than_the_cached_page_is_found(index: LocalIndex, cache: Path) -> None:
    index.always(
        "simple/one/",
        lambda handler, _: handler.answer(
            200,
            handler._json("one", list(handler.index.files.values())),
            {
                "Content-Type": "application/vnd.pypi.simple.v1+json",
                "Cache-Control": "max-age=600, public",
            },
        ),
    )
    old = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    locate(cache, index.options(), pin(old))
    new = index.add(make_sdist("one", "2.0"), "one-2.0.tar.gz")
    (found,) = locate(cache, index.options(), pin(new, version="2.0"))
    assert found.digest == new.digest


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        (IndexOptions(index_url="http://example.org/simple"), True),
        (IndexOptions(index_url="https://x", extra_index_urls=("http://example.org",)), True),
        (IndexOptions(no_index=True, find_links=("http://example.org/links",)), True),
        (IndexOptions(index_url="ftp://example.org/simple"), True),
        (IndexOptions(index_url="http://127.0.0.1.example.org/"), True),
        (IndexOptions(index_url="http://localhost:9/", environment=AT_ONCE), False),
        (IndexOptions(index_url="http://[::1]:9/", environment=AT_ONCE), False),
    ],
)
def test_a_plain_http_index_is_refused(cache: Path, options: IndexOptions, refused: bool) -> None:
    error = refusal(cache, options, pin(File(filename="", data=b"")))
    assert error.code == (ExitCode.BAD_INPUT if refused else ExitCode.INPUT_OUTPUT)


def test_a_trusted_host_may_speak_plain_http(cache: Path, index: LocalIndex) -> None:
    # The name need not resolve: a proxy on this machine is asked for it.
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    options = IndexOptions(
        index_url="http://index.example/simple/",
        trusted_hosts=("index.example",),
        environment=(("HTTP_PROXY", index.base), *AT_ONCE),
    )
    assert locate(cache, options, pin(sdist))[0].digest == sdist.digest


def test_credentials_reach_the_index_and_no_message_nor_source(
    index: LocalIndex, cache: Path
) -> None:
    index.auth = ("me", "s3cr:t/")
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz", url="../../files/one-1.0.tar.gz")
    options = index.options(index_url=index.url_with_credentials)
    (found,) = locate(cache, options, pin(sdist))
    assert found.url == index.file_url("one-1.0.tar.gz")
    index.always("simple/two/", status(503))
    error = refusal(
        cache,
        index.options(index_url=index.url_with_credentials, environment=AT_ONCE),
        pin(sdist, name="two"),
    )
    text = "\n".join(error.lines())
    assert "503" in text
    assert "s3cr" not in text


@pytest.mark.parametrize("secret", ["", "me:wr0ng@"])
def test_an_index_that_refuses_access_is_not_called_empty(
    index: LocalIndex, cache: Path, secret: str
) -> None:
    index.auth = ("me", "secret")
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    options = index.options(index_url=index.url.replace("//", f"//{secret}"))
    error = refusal(cache, options, pin(sdist))
    assert error.code == ExitCode.INPUT_OUTPUT
    assert error.why == "the index refuses access with status 401"
    assert "netrc" in error.hint
    assert "wr0ng" not in "".join(error.lines())


def test_credentials_of_a_named_index_come_from_its_variables(
    index: LocalIndex, other_index: LocalIndex, cache: Path
) -> None:
    index.auth = ("me", "secret")
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    options = IndexOptions(
        index_url=other_index.url,
        extra_index_urls=(f"inner={index.url}",),
        environment=(
            ("UV_INDEX_INNER_USERNAME", "me"),
            ("UV_INDEX_INNER_PASSWORD", "secret"),
        ),
    )
    (found,) = locate(cache, options, pin(sdist))
    assert found.digest == sdist.digest


def test_the_environment_of_this_process_is_not_the_index_client_s(
    index: LocalIndex, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    (tmp_path / "uv.toml").write_text("no-index = true\n")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_EXCLUDE_NEWER": "2001-01-01",
        "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
        "UV_INDEX_URL": "http://127.0.0.1:9/",
        "HTTP_PROXY": "http://127.0.0.1:9/",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
    }.items():
        monkeypatch.setenv(name, value)
    options = index.options(environment=(("UV_NO_INDEX", "1"), ("LD_PRELOAD", "x")))
    (found,) = locate(cache, options, pin(sdist))
    assert found.digest == sdist.digest


@pytest.mark.parametrize(
    ("url", "why"),
    [("http://127.0.0.1:9/simple/", "refused"), ("https://127.0.0.1:9/simple/", "refused")],
)
def test_an_index_that_is_down_is_one_line(cache: Path, url: str, why: str) -> None:
    options = IndexOptions(index_url=url, environment=AT_ONCE)
    error = refusal(cache, options, pin(File(filename="", data=b"")))
    assert error.code == ExitCode.INPUT_OUTPUT
    assert why in error.why
    assert error.hint
    assert len(error.lines()) == 2


@pytest.mark.parametrize("code", [429, 500, 503])
def test_an_index_that_fails_is_one_line(index: LocalIndex, cache: Path, code: int) -> None:
    index.always("simple/one/", status(code))
    options = index.options(environment=AT_ONCE)
    error = refusal(cache, options, pin(File(filename="", data=b"")))
    assert error.code == ExitCode.INPUT_OUTPUT
    assert str(code) in error.why


def test_a_page_for_people_is_no_version(index: LocalIndex, cache: Path) -> None:
    index.always("simple/one/", page)
    error = refusal(cache, index.options(), pin(File(filename="", data=b"")))
    assert error.code == ExitCode.BAD_INPUT
    assert "no such version" in error.why


def test_a_missing_folder_of_links_is_one_line(cache: Path, tmp_path: Path) -> None:
    options = IndexOptions(no_index=True, find_links=(str(tmp_path / "nowhere"),))
    error = refusal(cache, options, pin(File(filename="", data=b"")))
    assert "nowhere" in str(error)


def test_offline_knows_what_was_asked_before(index: LocalIndex, cache: Path) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    online = locate(cache, index.options(), pin(sdist))
    asked = len(index.requests)
    assert locate(cache, index.options(offline=True), pin(sdist)) == online
    error = refusal(cache, index.options(offline=True), pin(sdist, name="two"))
    assert len(index.requests) == asked
    assert error.code == ExitCode.INPUT_OUTPUT
    assert "--offline" in error.hint


def test_what_the_client_quotes_of_a_secret_is_hidden(index: LocalIndex, cache: Path) -> None:
    options = IndexOptions(index_url=index.url, environment=(("HTTP_PROXY", "me:pa55word@[::1:2"),))
    answer = Client(index=options, python=sys.executable, cache=cache).run((), ["pa55word @ x:"])
    assert "pa55word" not in answer.messages
