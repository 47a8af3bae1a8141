"""Who may be asked, and with which credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import IndexOptions
from amrasaman_nox.sources import access

SECRET = IndexOptions(
    index_url="mine=https://index.example/simple",
    extra_index_urls=("https://you:p%40ss@other.example:8443/simple",),
    environment=(("UV_INDEX_MINE_USERNAME", "me"), ("UV_INDEX_MINE_PASSWORD", "word")),
)


@pytest.mark.parametrize(
    ("url", "trusted", "refused"),
    [
        ("https://h.example/x", (), False),
        ("file:///tmp/x", (), False),
        ("http://localhost/x", (), False),
        ("http://127.0.0.9:8000/x", (), False),
        ("http://[::1]/x", (), False),
        ("http://h.example/x", (), True),
        ("http://h.example/x", ("h.example",), False),
        ("http://H.example:81/x", ("h.example:81",), False),
        ("http://h.example:82/x", ("h.example:81",), True),
        ("http://localhost.h.example/x", (), True),
        ("ftp://h.example/x", ("h.example",), True),
        ("git+https://h.example/x", (), True),
    ],
)
def test_plain_http_is_for_loopback_and_trusted_hosts(
    url: str, trusted: tuple[str, ...], refused: bool
) -> None:
    index = IndexOptions(trusted_hosts=trusted)
    if not refused:
        access.check_url(url, index)
        return
    with pytest.raises(AsamanError):
        access.check_url(url, index)


def test_a_refusal_shows_no_credentials() -> None:
    with pytest.raises(AsamanError) as caught:
        access.check_url("http://me:secret@h.example/x", IndexOptions())
    assert "secret" not in "".join(caught.value.lines())


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://index.example/files/a.whl", ("me", "word")),
        ("https://INDEX.example:443/a.whl", ("me", "word")),
        ("https://other.example:8443/a.whl", ("you", "p@ss")),
        ("https://other.example/a.whl", None),
        ("http://index.example/a.whl", None),
        ("https://his:own@index.example/a.whl", ("his", "own")),
        ("https://index.example.evil.example/a.whl", None),
    ],
)
def test_credentials_go_to_their_own_scheme_host_and_port_alone(
    url: str, found: tuple[str, str] | None
) -> None:
    assert access.credentials_for(url, SECRET) == found


def test_every_place_of_the_index_is_checked() -> None:
    access.check_index(IndexOptions(find_links=("/a/folder", "https://h.example/")))
    for bad in (
        IndexOptions(index_url="http://h.example"),
        IndexOptions(extra_index_urls=("http://h.example",)),
        IndexOptions(find_links=("http://h.example/",)),
    ):
        with pytest.raises(AsamanError, match="plain HTTP"):
            access.check_index(bad)


def test_a_file_url_names_a_path_of_this_machine() -> None:
    assert access.local_path("file:///a%20b/c") == Path("/a b/c")
    assert access.local_path("file://localhost/c") == Path("/c")
    with pytest.raises(AsamanError, match="this machine"):
        access.local_path("file://elsewhere/c")


def test_the_users_index_wins_over_the_files_and_further_ones_are_added() -> None:
    own = IndexOptions(index_url="https://own.example", extra_index_urls=("https://a.example",))
    file = IndexOptions(
        index_url="https://file.example",
        extra_index_urls=("https://b.example",),
        find_links=("/links",),
    )
    both = access.with_file_options(own, file)
    assert both.index_url == "https://own.example"
    assert both.extra_index_urls == ("https://a.example", "https://b.example")
    assert both.find_links == ("/links",)
    with pytest.raises(AsamanError, match="plain HTTP"):
        access.with_file_options(own, IndexOptions(extra_index_urls=("http://c.example",)))


def test_a_malformed_url_is_one_line() -> None:
    with pytest.raises(AsamanError, match="malformed"):
        access.host_of("https://[half/x")


@pytest.mark.parametrize(
    "url",
    [
        "https://me:sec/ret@h.example/simple",
        "https://me:sec#ret@h.example/simple",
        "https://me:sec?ret@h.example/simple",
        "https://me:s@ecret@h.example/simple",
        "https://me:sec ret@h.example/simple",
        "https://me:secret@h.example:port/simple",
        "https://me:secret@[h.example/simple",
        "https://me:secret@h\u2100.example/simple",
        "me:secret@h.example/simple",
        "https:me:secret@h.example/simple",
        "//me:secret@h.example/simple",
        "ftp://me:secret@h.example/simple",
    ],
)
def test_a_url_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(AsamanError) as caught:
        access.check_url(url, IndexOptions())
    for said in (*caught.value.lines(), str(caught.value), repr(caught.value)):
        assert not any(part in said for part in ("sec", "ret", "me:", "h.example"))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "place",
    ["me:secret@host", "me:sec/ret@host/simple", "//me:secret@host/x", "/tmp/me:secret@host"],
)
def test_a_place_that_may_hold_a_password_is_refused_and_not_repeated(place: str) -> None:
    with pytest.raises(AsamanError) as caught:
        access.check_index(IndexOptions(find_links=(place,)))
    assert "sec" not in str(caught.value)


def test_a_folder_with_such_a_name_is_a_folder(tmp_path: Path) -> None:
    place = tmp_path / "me:secret@host"
    place.mkdir()
    access.check_index(IndexOptions(find_links=(str(place), "plain/folder", "a@b")))


@pytest.mark.parametrize(
    "host", ["user:pass@host", "http://user:pass@host", "host/simple", "a b", "", "host?token=x"]
)
def test_a_trusted_host_is_a_host_and_nothing_else_is_repeated(host: str) -> None:
    with pytest.raises(AsamanError, match="not a host") as caught:
        access.check_index(IndexOptions(trusted_hosts=(host,)))
    assert "pass" not in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("host", ["host", "host:8080", "127.0.0.1", "::1", "[::1]:80", "http://h"])
def test_a_trusted_host_may_have_a_port(host: str) -> None:
    access.check_index(IndexOptions(trusted_hosts=(host,)))


def test_secrets_are_found_in_urls_proxies_and_variables() -> None:
    index = IndexOptions(
        index_url="corp=https://name:first%40@host/simple",
        extra_index_urls=("https://token-as-user@host/",),
        find_links=("/a/folder", "https://:second@host"),
        environment=(
            ("HTTPS_PROXY", "me:third@proxy:3128"),
            ("UV_INDEX_CORP_PASSWORD", "fourth"),
            ("NO_PROXY", "example.org"),
        ),
    )
    assert set(access.secrets(index)) == {
        *("first%40", "first@", "token-as-user", "second", "third", "fourth"),
    }
