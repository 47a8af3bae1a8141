from __future__ import annotations

import base64
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import Digest, IndexOptions, Pin, ResolvedFile, Source
from amrasaman_nox.sources import download
from amrasaman_nox.sources.connections import Patience
from amrasaman_nox.sources.site import Site

from ..support import index as misbehaviour
from ..support.index import File, LocalIndex, running_index
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.sources.store import Store

    from ..support.index import Behaviour

NAME = "one-1.0.tar.gz"
PATH = f"files/{NAME}"
#: As the default, but in hundredths of its time.
PATIENCE = Patience(
    attempts=3,
    backoff=0.01,
    longest_wait=0.05,
    connect=1,
    read=0.4,
    grace=0.2,
    slowest=20000,
    total=5,
)


@pytest.fixture
def sdist(index: LocalIndex) -> File:
    return index.add(make_sdist("one", "1.0", {"data": os.urandom(5000)}), NAME)


@pytest.fixture
def other_index() -> Iterator[LocalIndex]:
    with running_index() as running:
        yield running


def source(sdist: File, url: str, **more: Any) -> Source:
    pin = Pin(
        name="one",
        version="1.0",
        digests=(sdist.digest,),
        origin=Origin(path="requirements.txt", line=3),
    )
    facts: dict[str, Any] = {"pin": pin, "filename": NAME, "digest": sdist.digest, "url": url}
    return Source(**{**facts, "size": len(sdist.data), **more})


def fetch(store: Store, options: IndexOptions, wanted: Source) -> None:
    download.fetch(wanted, Site(store=store, index=options), patience=PATIENCE)


def refusal(store: Store, options: IndexOptions, wanted: Source) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        fetch(store, options, wanted)
    check_nothing(store)
    assert len(caught.value.lines()) <= 2
    return caught.value


def content(store: Store, sdist: File) -> bytes | None:
    file = store.get(sdist.digest)
    if file is None:
        return None
    with file:
        return file.read()


def check_nothing(store: Store) -> None:
    for name in ("files/sha256", "incoming", "tmp"):
        assert not list((store.root / name).iterdir())


def test_a_source_is_fetched_once(index: LocalIndex, store: Store, sdist: File) -> None:
    wanted = source(sdist, index.file_url(NAME))
    fetch(store, index.options(), wanted)
    assert content(store, sdist) == sdist.data
    fetch(store, index.options(), wanted)
    assert len(index.requests) == 1


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_stronger_hash_alone_is_enough(
    index: LocalIndex, store: Store, sdist: File, algorithm: str
) -> None:
    digest = Digest.of(sdist.data, algorithm)
    fetch(store, index.options(), source(sdist, index.file_url(NAME), digest=digest))
    assert store.has(digest)


def test_a_damaged_entry_is_fetched_again(index: LocalIndex, store: Store, sdist: File) -> None:
    wanted = source(sdist, index.file_url(NAME))
    fetch(store, index.options(), wanted)
    store.path(sdist.digest).chmod(0o600)
    store.path(sdist.digest).write_bytes(b"damaged")
    fetch(store, index.options(), wanted)
    assert content(store, sdist) == sdist.data


@pytest.mark.parametrize(
    "behaviour",
    [
        misbehaviour.truncated,
        misbehaviour.reset,
        misbehaviour.status(429, Retry_After="1"),
        misbehaviour.status(429, Retry_After="99999999999999999999"),
        misbehaviour.status(503, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"),
        misbehaviour.status(500),
        misbehaviour.status(502),
        misbehaviour.slow(0.05),
    ],
    ids=["truncated", "reset", "429", "429-long", "503", "500", "502", "slow"],
)
@pytest.mark.parametrize("sized", [True, False])
def test_a_passing_fault_is_tried_again_and_said(
    index: LocalIndex, store: Store, sdist: File, behaviour: Behaviour, sized: bool
) -> None:
    index.misbehave(PATH, behaviour)
    said: list[str] = []
    wanted = source(sdist, index.file_url(NAME), size=len(sdist.data) if sized else None)
    site = Site(store=store, index=index.options(), notify=lambda event: said.append(event.note))
    download.fetch(wanted, site, patience=PATIENCE)
    assert content(store, sdist) == sdist.data
    assert len(said) == 1
    assert said[0].startswith(NAME)


@pytest.mark.parametrize(
    ("behaviour", "why", "code", "attempts"),
    [
        (misbehaviour.altered, "expected sha256:", ExitCode.BAD_INPUT, 1),
        (misbehaviour.page, "expected sha256:", ExitCode.BAD_INPUT, 1),
        (misbehaviour.longer, "longer than", ExitCode.BAD_INPUT, 1),
        (misbehaviour.endless, "longer than", ExitCode.BAD_INPUT, 1),
        (misbehaviour.truncated, "truncated", ExitCode.INPUT_OUTPUT, 3),
        (misbehaviour.reset, "reset", ExitCode.INPUT_OUTPUT, 3),
        (misbehaviour.slow(0.05), "too slow", ExitCode.INPUT_OUTPUT, 3),
        (misbehaviour.slow(1), "timed out", ExitCode.INPUT_OUTPUT, 3),
        (misbehaviour.status(429, Retry_After="9"), "429", ExitCode.INPUT_OUTPUT, 3),
        (misbehaviour.status(503), "503", ExitCode.INPUT_OUTPUT, 3),
        (misbehaviour.status(404), "404", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.status(401), "401", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.status(206), "206", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.status(302), "302", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.redirect("file:///etc/passwd"), "refused", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.redirect("http://example.org/"), "refused", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.redirect("ftp://127.0.0.1/"), "refused", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.redirect("http://[bad/"), "malformed", ExitCode.INPUT_OUTPUT, 1),
        (misbehaviour.redirect(f"/{PATH}"), "too many redirects", ExitCode.INPUT_OUTPUT, 6),
    ],
    ids=lambda value: getattr(value, "__qualname__", str(value)),
)
def test_a_lasting_fault_is_one_line_and_leaves_nothing(
    index: LocalIndex,
    store: Store,
    sdist: File,
    behaviour: Behaviour,
    why: str,
    code: ExitCode,
    attempts: int,
) -> None:
    index.always(PATH, behaviour)
    error = refusal(store, index.options(), source(sdist, index.file_url(NAME)))
    assert error.what.startswith(NAME)
    assert why in error.why
    assert error.code == code
    assert error.origin == Origin(path="requirements.txt", line=3)
    assert len(index.requests) == attempts


def test_a_mismatch_names_both_hashes(index: LocalIndex, store: Store, sdist: File) -> None:
    index.always(PATH, misbehaviour.page)
    error = refusal(store, index.options(), source(sdist, index.file_url(NAME)))
    assert error.what == f"{NAME}: hash mismatch"
    assert str(sdist.digest) in error.why
    assert str(Digest.of(b"<html>please log in</html>")) in error.why


def test_an_endless_body_without_a_known_size_ends_at_the_limit(
    index: LocalIndex, store: Store, sdist: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    index.always(PATH, misbehaviour.endless)
    error = refusal(store, index.options(), source(sdist, index.file_url(NAME), size=None))
    assert "longer than 1048576 bytes" in error.why


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


@pytest.mark.parametrize("url", ["http://example.org/x", "ftp://127.0.0.1/x", "gopher:x"])
def test_another_scheme_than_https_is_refused(store: Store, sdist: File, url: str) -> None:
    assert refusal(store, IndexOptions(), source(sdist, url)).code == ExitCode.BAD_INPUT


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


def test_an_encoding_of_the_transfer_is_left_alone(
    index: LocalIndex, store: Store, sdist: File
) -> None:
    index.always(
        PATH,
        lambda handler, body: handler.answer(200, body, {"Content-Encoding": "gzip"}),
    )
    fetch(store, index.options(), source(sdist, index.file_url(NAME)))
    assert content(store, sdist) == sdist.data


def test_a_body_in_chunks_is_whole_or_tried_again(
    index: LocalIndex, store: Store, sdist: File
) -> None:
    def chunked(end: bytes) -> Behaviour:
        def behave(handler: misbehaviour.Handler, body: bytes) -> None:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for start in range(0, len(body), 1000):
                part = body[start : start + 1000]
                handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            handler.wfile.write(end)
            handler.close_connection = True

        return behave

    index.misbehave(PATH, chunked(b""), chunked(b"0\r\n\r\n"))
    fetch(store, index.options(), source(sdist, index.file_url(NAME)))
    assert content(store, sdist) == sdist.data
    assert len(index.requests) == 2


def test_offline_names_the_file_and_asks_nobody(
    index: LocalIndex, store: Store, sdist: File
) -> None:
    wanted = source(sdist, index.file_url(NAME))
    error = refusal(store, index.options(offline=True), wanted)
    assert error.what == NAME
    assert error.code == ExitCode.INPUT_OUTPUT
    assert "--offline" in error.hint
    assert not index.requests
    fetch(store, index.options(), wanted)
    fetch(store, index.options(offline=True), wanted)


def test_a_file_of_this_machine_is_copied_where_the_user_named_one(
    index: LocalIndex, store: Store, sdist: File, tmp_path: Path
) -> None:
    path = tmp_path / "a folder" / NAME
    path.parent.mkdir()
    path.write_bytes(sdist.data)
    wanted = source(sdist, path.as_uri())
    error = refusal(store, index.options(), wanted)
    assert error.code == ExitCode.BAD_INPUT
    assert "remote index" in error.why
    for options in (
        IndexOptions(no_index=True, offline=True, find_links=(str(path.parent),)),
        IndexOptions(index_url=tmp_path.as_uri()),
    ):
        fetch(store, options, wanted)
        assert content(store, sdist) == sdist.data
        store.path(sdist.digest).unlink()


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device", "other host"])
def test_a_local_place_that_is_no_file_is_one_line(
    store: Store, sdist: File, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / NAME
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    url = {"device": "file:///dev/zero", "other host": "file://example.org/x"}.get(kind)
    error = refusal(
        store, IndexOptions(find_links=(str(tmp_path),)), source(sdist, url or path.as_uri())
    )
    assert error.code in {ExitCode.BAD_INPUT, ExitCode.INPUT_OUTPUT}


def test_many_files_are_fetched_at_once_and_all_failures_are_named(
    index: LocalIndex, store: Store
) -> None:
    meeting = threading.Barrier(4, timeout=10)

    def together(handler: misbehaviour.Handler, body: bytes) -> None:
        meeting.wait()
        handler.answer(200, body)

    files = []
    for number in range(6):
        name = f"p{number}-1.0.tar.gz"
        file = index.add(make_sdist(f"p{number}", "1.0"), name)
        index.always(f"files/{name}", together if number < 4 else misbehaviour.status(404))
        files.append(
            ResolvedFile(filename=name, digest=file.digest, url=index.file_url(name), size=None)
        )
    with pytest.raises(AsamanError) as caught:
        download.fetch_all(
            files, Site(store=store, index=index.options()), jobs=4, patience=PATIENCE
        )
    text = "\n".join(caught.value.lines())
    assert "p4-1.0.tar.gz" in text
    assert "p5-1.0.tar.gz" in text
    assert [store.has(file.digest) for file in files] == [True] * 4 + [False] * 2


def test_the_same_file_is_fetched_once_by_many(
    index: LocalIndex, store: Store, sdist: File
) -> None:
    wanted = source(sdist, index.file_url(NAME))
    threads = [
        threading.Thread(target=fetch, args=(store, index.options(), wanted)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert content(store, sdist) == sdist.data
    assert len(index.requests) == 1


def test_a_full_disk_is_an_error_of_the_store_and_not_tried_again(
    index: LocalIndex, store: Store, sdist: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        error = refusal(store, index.options(), source(sdist, index.file_url(NAME)))
    assert error.code == ExitCode.INPUT_OUTPUT
    assert str(store.root) in error.what
    assert error.why == os.strerror(28)
    assert len(index.requests) == 1
