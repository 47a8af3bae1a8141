"""Downloading: what arrives is what was pinned, or one line says why not."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import Digest, IndexOptions, ResolvedFile
from amrasaman_nox.sources import download
from amrasaman_nox.sources.site import Site
from tests.sources.fetching import NAME, PATH, PATIENCE, content, fetch, refusal, source

from ..support import index as misbehaviour
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sources.store import Store

    from ..support.index import Behaviour, File, LocalIndex


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


@pytest.mark.parametrize("url", ["http://example.org/x", "ftp://127.0.0.1/x", "gopher:x"])
def test_another_scheme_than_https_is_refused(store: Store, sdist: File, url: str) -> None:
    assert refusal(store, IndexOptions(), source(sdist, url)).code == ExitCode.BAD_INPUT


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
