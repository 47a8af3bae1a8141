"""Connections: proxies, certificates, credentials, redirects, and what of the user they use."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.model import IndexOptions, Pin
from tests.sources.fetching import NAME, PATH, content, fetch, refusal, source

from ..support import index as misbehaviour

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sources.store import Store

    from ..support.index import File, LocalIndex


def test_a_server_that_is_down_is_one_line(store: Store, sdist: File) -> None:
    error = refusal(store, IndexOptions(), source(sdist, "http://127.0.0.1:9/x"))
    assert error.code == ExitCode.INPUT_OUTPUT
    assert "refused" in error.why
    assert error.hint


def test_a_server_without_tls_is_one_line(index: LocalIndex, store: Store, sdist: File) -> None:
    url = index.file_url(NAME).replace("http:", "https:")
    error = refusal(store, IndexOptions(), source(sdist, url))
    assert error.code == ExitCode.INPUT_OUTPUT
    assert "TLS" in error.why


def test_a_trusted_host_may_speak_plain_http(index: LocalIndex, store: Store, sdist: File) -> None:
    # The name need not resolve: a proxy on this machine is asked for it.
    options = IndexOptions(
        trusted_hosts=("files.example",), environment=(("http_proxy", index.base),)
    )
    fetch(store, options, source(sdist, f"http://files.example/{PATH}"))
    assert content(store, sdist) == sdist.data


@pytest.mark.parametrize("exception", ["127.0.0.1", "*", "localhost, 127.0.0.1"])
def test_a_proxy_is_used_but_for_excepted_hosts(
    index: LocalIndex, store: Store, sdist: File, exception: str
) -> None:
    broken = (("ALL_PROXY", "http://127.0.0.1:9"), ("HTTP_PROXY", "http://127.0.0.1:9"))
    wanted = source(sdist, index.file_url(NAME))
    refusal(store, index.options(environment=broken), wanted)
    assert not index.requests
    fetch(store, index.options(environment=(*broken, ("NO_PROXY", exception))), wanted)
    assert content(store, sdist) == sdist.data


def test_the_environment_of_this_process_is_not_asked(
    index: LocalIndex,
    store: Store,
    sdist: File,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    fetch(store, index.options(), source(sdist, index.file_url(NAME)))
    assert "authorization" not in index.requests[0].headers


def access_by_index_url(index: LocalIndex, folder: Path) -> IndexOptions:
    return index.options(index_url=index.url_with_credentials)


def access_by_extra_index_url(index: LocalIndex, folder: Path) -> IndexOptions:
    return IndexOptions(extra_index_urls=(index.url_with_credentials,))


def access_by_find_links(index: LocalIndex, folder: Path) -> IndexOptions:
    return IndexOptions(find_links=(index.url_with_credentials,))


def access_by_variables(index: LocalIndex, folder: Path) -> IndexOptions:
    user, password = index.auth or ("", "")
    return IndexOptions(
        extra_index_urls=(f"my-inner={index.url}",),
        environment=(
            ("UV_INDEX_MY_INNER_USERNAME", user),
            ("UV_INDEX_MY_INNER_PASSWORD", password),
        ),
    )


def access_by_netrc(index: LocalIndex, folder: Path) -> IndexOptions:
    path = folder / "my-netrc"
    user, password = index.auth or ("", "")
    path.write_text(f'machine 127.0.0.1 login {user} password "{password}"\n')
    return index.options(environment=(("NETRC", str(path)),))


def access_by_home(index: LocalIndex, folder: Path) -> IndexOptions:
    access_by_netrc(index, folder)
    (folder / "my-netrc").rename(folder / ".netrc")
    return index.options(environment=(("HOME", str(folder)),))


@pytest.mark.parametrize(
    "access",
    [
        access_by_index_url,
        access_by_extra_index_url,
        access_by_find_links,
        access_by_variables,
        access_by_netrc,
        access_by_home,
    ],
)
def test_credentials_are_found_and_never_shown(
    index: LocalIndex, store: Store, sdist: File, tmp_path: Path, access: Any
) -> None:
    index.auth = ("me@home", "s3:cr/éт")
    options = access(index, tmp_path)
    wanted = source(sdist, index.file_url(NAME))
    fetch(store, options, wanted)
    assert content(store, sdist) == sdist.data
    store.path(sdist.digest).unlink()
    index.always(PATH, misbehaviour.status(503))
    shown = "\n".join(refusal(store, options, wanted).lines())
    assert "s3" not in shown
    assert "home" not in shown


def test_credentials_of_a_pin_s_own_url_are_used(
    index: LocalIndex, store: Store, sdist: File
) -> None:
    index.auth = ("me", "secret")
    url = index.file_url(NAME)
    pin = Pin(
        name="one",
        version="1.0",
        digests=(sdist.digest,),
        url=url.replace("//", "//me:secret@"),
    )
    fetch(store, IndexOptions(), source(sdist, url, pin=pin))
    assert content(store, sdist) == sdist.data


def test_a_redirect_to_another_host_goes_without_credentials(
    index: LocalIndex, other_index: LocalIndex, store: Store, sdist: File
) -> None:
    index.auth = ("me", "secret")
    other_index.add(sdist.data, NAME)
    index.always(PATH, misbehaviour.redirect(other_index.file_url(NAME)))
    options = index.options(index_url=index.url_with_credentials)
    fetch(store, options, source(sdist, index.file_url(NAME)))
    assert content(store, sdist) == sdist.data
    token = base64.b64encode(b"me:secret").decode()
    assert index.requests[0].headers["authorization"] == f"Basic {token}"
    assert "authorization" not in other_index.requests[0].headers


def test_the_body_of_a_redirect_is_not_read(index: LocalIndex, store: Store, sdist: File) -> None:
    def endless(handler: misbehaviour.Handler, body: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"/{PATH}")
        handler.end_headers()
        handler.close_connection = True
        while True:
            handler.wfile.write(b"\0" * 65536)

    index.misbehave("files/moved", endless)
    fetch(store, index.options(), source(sdist, f"{index.base}/files/moved"))
    assert content(store, sdist) == sdist.data


def test_a_redirect_on_the_same_host_keeps_credentials(
    index: LocalIndex, store: Store, sdist: File
) -> None:
    index.auth = ("me", "secret")
    index.misbehave("files/moved", misbehaviour.redirect(f"/{PATH}"))
    options = index.options(index_url=index.url_with_credentials)
    fetch(store, options, source(sdist, f"{index.base}/files/moved"))
    assert content(store, sdist) == sdist.data
