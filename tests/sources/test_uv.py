from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import Digest, IndexOptions, LockedFile, Pin, ResolvedFile, Source
from amrasaman_nox.sources import locate as locating
from amrasaman_nox.sources import resolve as resolving
from amrasaman_nox.sources.locate import find_files, upload_times
from amrasaman_nox.sources.resolve import Resolution

from ..support.index import UPLOADED, File, LocalIndex, page, running_index, status
from ..support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import Interpreter

PYTHON = sys.executable
#: The index client's own retries would take seconds.
AT_ONCE = (("UV_HTTP_RETRIES", "0"),)
JUNE = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "uv"


@pytest.fixture
def other_index() -> Iterator[LocalIndex]:
    with running_index() as running:
        yield running


def pin(*files: File, name: str = "one", version: str = "1.0", **more: Any) -> Pin:
    return Pin(name=name, version=version, digests=tuple(file.digest for file in files), **more)


def locate(cache: Path, options: IndexOptions, *pins: Pin, **more: Any) -> tuple[Source, ...]:
    return locating.locate(pins, index=options, python=PYTHON, cache=cache, **more)


def refusal(cache: Path, options: IndexOptions, *pins: Pin, **more: Any) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        locate(cache, options, *pins, **more)
    return caught.value


def resolve(
    cache: Path,
    index: LocalIndex,
    interpreter: Interpreter,
    *requirements: str,
    as_of: datetime | None = JUNE,
    **more: Any,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = resolving.resolve(
        requirements,
        index=index.options(),
        interpreter=interpreter,
        as_of=as_of,
        cache=cache,
        **more,
    )
    return tuple(file.filename for file in found.files), found.notes


def no_resolution(
    cache: Path, index: LocalIndex, interpreter: Interpreter, *requirements: str, **more: Any
) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        resolve(cache, index, interpreter, *requirements, **more)
    return caught.value


def canary(name: str, touched: Path, *, pyproject: str | None = None) -> bytes:
    """An sdist of which every hook and the ``setup.py`` writes a file, with no static metadata."""
    touch = f"import pathlib; pathlib.Path({str(touched)!r}).write_text('touched')\n"
    hooks = "".join(
        f"def {hook}(*args, **kwargs): return []\n"
        for hook in ("get_requires_for_build_wheel", "prepare_metadata_for_build_wheel")
    )
    return make_sdist(
        name,
        "1.0",
        {"setup.py": touch, "backend/evil.py": touch + hooks},
        pyproject=pyproject,
        requires=(),
        backend="evil",
        backend_path="backend",
        pkg_info=f"Metadata-Version: 1.1\nName: {name}\nVersion: 1.0\n",
    )


def test_the_pinned_sdist_is_located(index: LocalIndex, cache: Path) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz", uploaded=JUNE)
    wheel = index.add(make_wheel("one", "1.0"), "one-1.0-py3-none-any.whl")
    wanted = pin(wheel, sdist)
    assert locate(cache, index.options(), wanted) == (
        Source(
            pin=wanted,
            filename="one-1.0.tar.gz",
            digest=sdist.digest,
            url=index.file_url("one-1.0.tar.gz"),
            size=len(sdist.data),
            uploaded=JUNE,
        ),
    )


def test_sources_come_in_the_order_of_their_pins(index: LocalIndex, cache: Path) -> None:
    names = ["zeta", "alpha", "mid-dle", "beta"]
    files = [
        index.add(make_sdist(name, "1.0"), f"{name.replace('-', '_')}-1.0.tar.gz") for name in names
    ]
    pins = [pin(file, name=name) for name, file in zip(names, files, strict=True)]
    found = locate(cache, index.options(), *pins)
    assert [source.name for source in found] == names
    assert len(index.requests) == len(names), "one request a project, in one call"


def test_two_versions_of_one_project_are_located(index: LocalIndex, cache: Path) -> None:
    old = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    new = index.add(make_sdist("one", "2.0"), "one-2.0.zip")
    found = locate(cache, index.options(), pin(new, version="2.0"), pin(old))
    assert [source.filename for source in found] == ["one-2.0.zip", "one-1.0.tar.gz"]


def test_no_pins_need_no_index(cache: Path) -> None:
    assert locate(cache, IndexOptions()) == ()


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
@pytest.mark.parametrize("static", [True, False], ids=["pyproject", "setup.py"])
def test_locating_runs_nothing_of_a_source(
    index: LocalIndex, cache: Path, tmp_path: Path, as_json: bool, static: bool
) -> None:
    index.json = as_json
    touched = tmp_path / "touched"
    sdist = index.add(canary("one", touched, pyproject=None if static else ""), "one-1.0.tar.gz")
    (found,) = locate(cache, index.options(), pin(sdist))
    assert found.digest == sdist.digest
    assert not touched.exists()
    assert not index.requested("files/one-1.0.tar.gz")


def test_locating_without_hashes_on_the_index_runs_nothing(
    index: LocalIndex, cache: Path, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    links = tmp_path / "links"
    links.mkdir()
    (links / "one-1.0.tar.gz").write_bytes(canary("one", touched))
    index.add(canary("two", touched), "two-1.0.tar.gz")
    index.always(
        "links/",
        lambda handler, _: handler.answer(
            200,
            f'<a href="{index.file_url("two-1.0.tar.gz")}">two-1.0.tar.gz</a>'.encode(),
            {"Content-Type": "text/html"},
        ),
    )
    options = IndexOptions(no_index=True, find_links=(str(links), f"{index.base}/links/"))
    one, two = (Digest.of(canary(name, touched)) for name in ("one", "two"))
    found = locate(
        cache,
        options,
        Pin(name="one", version="1.0", digests=(one,)),
        Pin(name="two", version="1.0", digests=(two,)),
    )
    assert [source.url for source in found] == [
        (links / "one-1.0.tar.gz").as_uri(),
        index.file_url("two-1.0.tar.gz"),
    ]
    assert not touched.exists()


def test_a_yanked_release_is_taken(index: LocalIndex, cache: Path) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz", yanked="broken")
    (found,) = locate(cache, index.options(), pin(sdist))
    assert found.digest == sdist.digest


def test_an_index_without_sizes_and_times_gives_none(index: LocalIndex, cache: Path) -> None:
    index.json = False
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    (found,) = locate(cache, index.options(), pin(sdist))
    assert (found.size, found.uploaded) == (None, None)


def test_a_folder_served_by_a_file_url_is_an_index(cache: Path, tmp_path: Path) -> None:
    data = make_sdist("one", "1.0")
    folder = tmp_path / "simple" / "one"
    folder.mkdir(parents=True)
    (folder / "one-1.0.tar.gz").write_bytes(data)
    (folder / "index.html").write_text('<a href="one-1.0.tar.gz">one-1.0.tar.gz</a>')
    options = IndexOptions(index_url=folder.parent.as_uri())
    wanted = Pin(name="one", version="1.0", digests=(Digest.of(data),))
    (found,) = locate(cache, options, wanted)
    assert found.url == (folder / "one-1.0.tar.gz").as_uri()


@pytest.mark.parametrize("swapped", [False, True])
def test_the_hash_decides_which_index_a_file_comes_from(
    index: LocalIndex, other_index: LocalIndex, cache: Path, swapped: bool
) -> None:
    index.add(make_sdist("one", "1.0", {"evil.py": "evil"}), "one-1.0.tar.gz")
    right = other_index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    first, second = (other_index, index) if swapped else (index, other_index)
    options = first.options(extra_index_urls=(second.url,))
    (found,) = locate(cache, options, pin(right))
    assert found.url == other_index.file_url("one-1.0.tar.gz")


def test_a_release_that_only_the_extra_index_has_is_found(
    index: LocalIndex, other_index: LocalIndex, cache: Path
) -> None:
    index.add(make_sdist("one", "2.0"), "one-2.0.tar.gz")
    right = other_index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    options = index.options(extra_index_urls=(other_index.url,))
    (found,) = locate(cache, options, pin(right))
    assert found.digest == right.digest


def test_another_hash_on_the_index_is_named_and_the_pin_wins(
    index: LocalIndex, cache: Path
) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz", advertised="0" * 64)
    origin = Origin(path="requirements.txt", line=7)
    error = refusal(cache, index.options(), pin(sdist, origin=origin))
    assert error.code == ExitCode.BAD_INPUT
    assert error.origin == origin
    assert "hash mismatch" in error.why
    assert str(sdist.digest) in error.why
    assert "0" * 64 in error.why


@pytest.mark.parametrize("form", ["json", "html", "folder"])
def test_of_two_sdists_of_a_release_the_hash_decides(
    index: LocalIndex, cache: Path, tmp_path: Path, form: str
) -> None:
    index.json = form == "json"
    index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    other = index.add(b"PK another", "one-1.0.zip", uploaded=JUNE)
    options = index.options()
    if form == "folder":
        for file in index.files.values():
            (tmp_path / file.filename).write_bytes(file.data)
        options = IndexOptions(no_index=True, find_links=(str(tmp_path),))
    (found,) = locate(cache, options, pin(other))
    assert (found.filename, found.digest) == ("one-1.0.zip", other.digest)
    assert found.uploaded == (JUNE if form == "json" else None)
    place = (
        (tmp_path / "one-1.0.zip").as_uri() if form == "folder" else index.file_url(found.filename)
    )
    assert found.url == place


def test_a_pin_takes_a_release_with_a_local_label(index: LocalIndex, cache: Path) -> None:
    local = index.add(make_sdist("one", "1.0+local.1"), "one-1.0+local.1.tar.gz")
    (found,) = locate(cache, index.options(), pin(local))
    assert (found.version, found.filename) == ("1.0+local.1", "one-1.0+local.1.tar.gz")


def test_a_release_beside_one_with_a_local_label_is_taken(index: LocalIndex, cache: Path) -> None:
    plain = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    index.add(make_sdist("one", "1.0+local"), "one-1.0+local.tar.gz")
    (found,) = locate(cache, index.options(), pin(plain))
    assert (found.version, found.digest) == ("1.0", plain.digest)


def test_a_pin_with_a_local_label_takes_no_other(index: LocalIndex, cache: Path) -> None:
    plain = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    assert "no such version" in refusal(cache, index.options(), pin(plain, version="1.0+a")).why


def test_a_pin_of_wheels_alone_says_how_to_mend_it(index: LocalIndex, cache: Path) -> None:
    index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    wheel = index.add(make_wheel("one", "1.0"), "one-1.0-py3-none-any.whl")
    error = refusal(cache, index.options(), pin(wheel))
    assert error.why == "only wheels are pinned, not the sdist"
    assert "--only-binary one" in error.hint


@pytest.mark.parametrize("tag", ["py3-none-any", "cp39-cp39-win32"])
def test_a_release_without_sdist_is_named(index: LocalIndex, cache: Path, tag: str) -> None:
    wheel = index.add(make_wheel("one", "1.0", tag=tag), f"one-1.0-{tag}.whl")
    error = refusal(cache, index.options(), pin(wheel))
    assert error.why.startswith("no sdist")
    assert error.code == ExitCode.BAD_INPUT


@pytest.mark.parametrize("suffix", [".tar.bz2", ".tar.xz"])
def test_an_sdist_in_another_format_is_refused(cache: Path, tmp_path: Path, suffix: str) -> None:
    data = make_sdist("one", "1.0")
    (tmp_path / f"one-1.0{suffix}").write_bytes(data)
    options = IndexOptions(no_index=True, find_links=(str(tmp_path),))
    error = refusal(cache, options, Pin(name="one", version="1.0", digests=(Digest.of(data),)))
    assert error.code == ExitCode.BAD_INPUT


def test_every_pin_that_fails_is_named(index: LocalIndex, cache: Path) -> None:
    good = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    error = refusal(
        cache,
        index.options(),
        pin(good),
        pin(good, version="9.0", origin=Origin(path="r.txt", line=2)),
        pin(good, name="absent", origin=Origin(path="r.txt", line=3)),
    )
    assert error.lines() == (
        "error: one==9.0: no such version on the index (r.txt line 2)",
        "error: absent==1.0: no such project on the index (r.txt line 3)",
    )


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


def test_a_published_wheel_is_taken_by_its_hash(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    general = index.add(make_wheel("one", "1.0"), "one-1.0-py3-none-any.whl")
    best_tag = interpreter.tags[0]
    special = index.add(make_wheel("one", "1.0", tag=best_tag), f"one-1.0-{best_tag}.whl")
    arguments: dict[str, Any] = {"wheels_for": frozenset({"one"}), "tags": interpreter.tags}
    (found,) = locate(cache, index.options(), pin(general, special), **arguments)
    assert (found.filename, found.taken) == (special.filename, True)
    (found,) = locate(cache, index.options(), pin(general), **arguments)
    assert (found.filename, found.digest) == (general.filename, general.digest)
    other = File(filename="", data=b"other")
    error = refusal(cache, index.options(), pin(other), **arguments)
    assert error.why == "no wheel with a pinned hash fits the interpreter"


def test_a_direct_url_is_taken_with_the_index_s_time(index: LocalIndex, cache: Path) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    url = index.file_url("one-1.0.tar.gz").replace("//", "//me:secret@")
    (found,) = locate(cache, index.options(), pin(sdist, url=url))
    assert found.url == index.file_url("one-1.0.tar.gz")
    assert found.uploaded == UPLOADED
    assert found.filename == "one-1.0.tar.gz"


@pytest.mark.parametrize(
    "path",
    ["..%2f..%2fetc%2fpasswd.tar.gz", "%252e%252e%252fx.tar.gz", "a%5cb.zip", "x%00.tar.gz"],
)
def test_a_local_name_never_comes_from_a_url(index: LocalIndex, cache: Path, path: str) -> None:
    sdist = File(filename="", data=b"data")
    (found,) = locate(
        cache, index.options(), pin(sdist, name="my-one", url=f"https://127.0.0.1/{path}")
    )
    assert found.filename in {"my_one-1.0.tar.gz", "my_one-1.0.zip"}


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x.exe", "ftp://127.0.0.1/one-1.0.tar.gz", "http://example.org/a.zip"]
)
def test_a_direct_url_of_another_kind_is_refused(index: LocalIndex, cache: Path, url: str) -> None:
    error = refusal(cache, index.options(), pin(File(filename="", data=b""), url=url))
    assert error.code == ExitCode.BAD_INPUT


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


def test_upload_times_are_those_of_the_same_hash(index: LocalIndex, cache: Path) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz", uploaded=JUNE)
    other = Digest.of(b"another archive of that name")
    times = upload_times(
        [
            Pin(name="one", version="1.0", digests=(sdist.digest, other)),
            Pin(name="absent", version="1.0", digests=(other,)),
        ],
        index=index.options(),
        python=PYTHON,
        cache=cache,
    )
    assert times == {sdist.digest: JUNE}


@pytest.mark.parametrize(
    "options",
    [
        IndexOptions(index_url="http://127.0.0.1:9/", environment=AT_ONCE),
        IndexOptions(index_url="http://example.org/"),
        IndexOptions(offline=True),
    ],
    ids=["down", "refused", "offline"],
)
def test_upload_times_never_fail(cache: Path, options: IndexOptions) -> None:
    wanted = pin(File(filename="", data=b""))
    assert upload_times([wanted], index=options, python=PYTHON, cache=cache) == {}


def test_build_requirements_resolve_to_hashed_wheels(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    needed = index.add(make_wheel("needed", "1.0"), "needed-1.0-py3-none-any.whl")
    index.add(make_wheel("tool", "1.0", requires=["needed"]), "tool-1.0-py3-none-any.whl")
    found = resolving.resolve(
        ["tool>=1"], index=index.options(), interpreter=interpreter, as_of=JUNE, cache=cache
    )
    assert [file.filename for file in found.files] == [
        "needed-1.0-py3-none-any.whl",
        "tool-1.0-py3-none-any.whl",
    ]
    assert found.files[0] == ResolvedFile(
        filename=needed.filename,
        digest=needed.digest,
        url=index.file_url(needed.filename),
        size=len(needed.data),
    )
    assert found.notes == ()


def test_no_requirements_resolve_to_nothing(cache: Path, interpreter: Interpreter) -> None:
    nothing = resolving.resolve(
        [], index=IndexOptions(), interpreter=interpreter, as_of=None, cache=cache
    )
    assert nothing == Resolution()


def test_constraints_hold(index: LocalIndex, cache: Path, interpreter: Interpreter) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("tool", version), f"tool-{version}-py3-none-any.whl")
    files, _ = resolve(cache, index, interpreter, "tool", constraints=["tool<2", "other==1"])
    assert files == ("tool-1.0-py3-none-any.whl",)


def test_markers_are_those_of_the_interpreter(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    files, _ = resolve(
        cache, index, interpreter, "tool; python_version>'3'", "absent; python_version<'3'"
    )
    assert files == ("tool-1.0-py3-none-any.whl",)


def test_what_was_uploaded_later_does_not_exist(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    index.add(
        make_wheel("tool", "2.0"),
        "tool-2.0-py3-none-any.whl",
        uploaded=datetime(2024, 7, 1, tzinfo=UTC),
    )
    assert resolve(cache, index, interpreter, "tool")[0] == ("tool-1.0-py3-none-any.whl",)
    now, _ = resolve(cache, index, interpreter, "tool", as_of=None)
    assert now == ("tool-2.0-py3-none-any.whl",)


def test_a_date_without_solution_takes_a_week_more_and_says_so(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    soon = datetime(2024, 6, 4, tzinfo=UTC)
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl", uploaded=soon)
    files, notes = resolve(cache, index, interpreter, "tool")
    assert files == ("tool-1.0-py3-none-any.whl",)
    assert notes == (
        "no solution as of 2024-06-01T00:00:00Z: resolved as of a week later, 2024-06-08T00:00:00Z",
    )
    late = datetime(2024, 7, 4, tzinfo=UTC)
    index.add(make_wheel("slow", "1.0"), "slow-1.0-py3-none-any.whl", uploaded=late)
    error = no_resolution(cache, index, interpreter, "slow")
    assert error.code == ExitCode.BUILD_FAILED
    assert "as of 2024-06-01T00:00:00Z" in error.why
    assert "--as-of" in error.hint


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
def test_projects_without_upload_times_are_resolved_without_the_date(
    index: LocalIndex, cache: Path, interpreter: Interpreter, as_json: bool
) -> None:
    index.json, index.upload_times = as_json, False
    index.add(make_wheel("tool", "1.0", requires=["my-needed"]), "tool-1.0-py3-none-any.whl")
    index.add(make_wheel("my-needed", "1.0"), "my_needed-1.0-py3-none-any.whl")
    files, notes = resolve(cache, index, interpreter, "tool")
    assert files == ("my_needed-1.0-py3-none-any.whl", "tool-1.0-py3-none-any.whl")
    assert notes == (
        "my-needed: no upload times, resolved without the date",
        "tool: no upload times, resolved without the date",
    )


def test_only_the_project_without_upload_times_is_freed_of_the_date(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("old", "1.0"), "old-1.0-py3-none-any.whl", uploaded=None)
    for version, uploaded in (("1.0", UPLOADED), ("2.0", datetime(2025, 1, 1, tzinfo=UTC))):
        name = f"tool-{version}-py3-none-any.whl"
        index.add(make_wheel("tool", version, requires=["old"]), name, uploaded=uploaded)
    files, notes = resolve(cache, index, interpreter, "tool")
    assert files == ("old-1.0-py3-none-any.whl", "tool-1.0-py3-none-any.whl")
    assert notes == ("old: no upload times, resolved without the date",)


def test_the_best_wheel_for_the_interpreter_is_chosen(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    for tag in ("py3-none-any", interpreter.tags[0], interpreter.tags[5], "cp39-cp39-win32"):
        index.add(make_wheel("tool", "1.0", tag=tag), f"tool-1.0-{tag}.whl")
    files, _ = resolve(cache, index, interpreter, "tool")
    assert files == (f"tool-1.0-{interpreter.tags[0]}.whl",)


def test_a_build_requirement_that_is_only_an_sdist_is_named_and_not_run(
    index: LocalIndex, cache: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    index.add(canary("source", touched), "source-1.0.tar.gz")
    index.add(make_wheel("tool", "1.0", requires=["source"]), "tool-1.0-py3-none-any.whl")
    for requirement in ("source", "tool"):
        error = no_resolution(cache, index, interpreter, requirement)
        assert error.what == "build requirement source"
        assert error.code == ExitCode.BUILD_FAILED
        assert error.hint
    assert not touched.exists()
    assert not index.requested("files/source-1.0.tar.gz")


def test_the_first_index_that_has_a_project_is_kept(
    index: LocalIndex, other_index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "9.0"), "tool-9.0-py3-none-any.whl")
    other_index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    found = resolving.resolve(
        ["tool"],
        index=index.options(extra_index_urls=(other_index.url,)),
        interpreter=interpreter,
        as_of=None,
        cache=cache,
    )
    assert [file.filename for file in found.files] == ["tool-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    "requirement",
    [
        "tool @ file:///etc/passwd",
        "tool @ git+https://example.org/tool",
        "-r /etc/passwd",
        "--index-url=http://example.org",
        "tool==1.0\n--pre",
        "../tool",
    ],
)
def test_a_requirement_that_is_no_name_with_a_specifier_is_refused(
    index: LocalIndex, cache: Path, interpreter: Interpreter, requirement: str
) -> None:
    error = no_resolution(cache, index, interpreter, requirement)
    assert error.code == ExitCode.BAD_INPUT
    assert len("".join(error.lines())) < 600
    assert not index.requests


def test_contradicting_requirements_are_one_line(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    error = no_resolution(cache, index, interpreter, "tool<1", "tool>=1")
    assert error.code == ExitCode.BUILD_FAILED
    assert "tool" in error.why
    assert "\n" not in error.lines()[0]


def test_an_index_that_is_down_while_resolving_is_an_input_output_error(
    cache: Path, interpreter: Interpreter
) -> None:
    with pytest.raises(AsamanError) as caught:
        resolving.resolve(
            ["tool"],
            index=IndexOptions(index_url="http://127.0.0.1:9/", environment=AT_ONCE),
            interpreter=interpreter,
            as_of=JUNE,
            cache=cache,
        )
    assert caught.value.code == ExitCode.INPUT_OUTPUT


def test_locked_files_are_found_by_name_and_hash(
    index: LocalIndex, other_index: LocalIndex, cache: Path
) -> None:
    index.add(make_wheel("tool", "1.0", {"evil.py": ""}), "tool-1.0-py3-none-any.whl")
    right = other_index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    newer = index.add(make_wheel("tool", "2.0"), "tool-2.0-py3-none-any.whl", yanked=True)
    files = [LockedFile(filename=file.filename, digest=file.digest) for file in (right, newer)]
    options = other_index.options(extra_index_urls=(index.url,))
    found = find_files(files, index=options, python=PYTHON, cache=cache)
    assert {file.filename: (it.url, it.size) for file, it in found.items()} == {
        right.filename: (other_index.file_url(right.filename), len(right.data)),
        newer.filename: (index.file_url(newer.filename), len(newer.data)),
    }


def test_every_locked_file_that_no_index_has_is_named(index: LocalIndex, cache: Path) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    files = [
        LockedFile(filename=name, digest=Digest.of(b"other"))
        for name in ("tool-1.0-py3-none-any.whl", "tool-1.0-1-py3-none-any.whl")
    ]
    with pytest.raises(AsamanError) as caught:
        find_files(files, index=index.options(), python=PYTHON, cache=cache)
    lines = "\n".join(caught.value.lines())
    assert all(file.filename in lines for file in files)
    assert "--relock" in lines


@pytest.mark.parametrize("name", ["../tool-1.0-py3-none-any.whl", "tool.whl", "tool-1.0.tar.gz"])
def test_a_locked_name_that_is_no_wheel_s_is_refused(
    index: LocalIndex, cache: Path, name: str
) -> None:
    file = LockedFile(filename=name, digest=Digest.of(b""))
    with pytest.raises(AsamanError, match="not the file name of a wheel"):
        find_files([file], index=index.options(), python=PYTHON, cache=cache)


@pytest.mark.online
def test_the_real_index_knows_a_corpus_pin(cache: Path, interpreter: Interpreter) -> None:
    names = ("SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY")
    environment = tuple((name, os.environ[name]) for name in names if name in os.environ)
    options = IndexOptions(environment=environment)
    digest = "sha256:75d7cefc7fb576747b2c81b4442d4d4a1ce0900973527c011d1030fd3bf4af1b"
    wanted = Pin(name="attrs", version="25.3.0", digests=(Digest.parse(digest),))
    (found,) = locate(cache, options, wanted)
    assert (found.filename, found.size) == ("attrs-25.3.0.tar.gz", 812032)
    assert found.uploaded == datetime(2025, 3, 13, 11, 10, 22, tzinfo=UTC)
    as_of = datetime(2024, 5, 1, tzinfo=UTC)
    resolved = resolving.resolve(
        ["setuptools<69"], index=options, interpreter=interpreter, as_of=as_of, cache=cache
    )
    assert [file.filename for file in resolved.files] == ["setuptools-68.2.2-py3-none-any.whl"]
