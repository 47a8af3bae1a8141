"""Where the file of a pin is, by its hash."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import Digest, IndexOptions, LockedFile, Pin, Source
from amrasaman_nox.sources import resolve as resolving
from amrasaman_nox.sources.locate import find_files, upload_times
from tests.sources.asking import AT_ONCE, JUNE, PYTHON, canary, locate, pin, refusal

from ..support.index import UPLOADED, File, LocalIndex
from ..support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter


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


@pytest.mark.parametrize("beside", [(), ("one-1.0-py3-none-any.whl",), ("one-1.0.tar.gz",)])
@pytest.mark.parametrize("suffix", [".tar.bz2", ".tar.xz"])
def test_an_sdist_that_the_index_client_does_not_take_is_located(
    cache: Path, tmp_path: Path, suffix: str, beside: tuple[str, ...]
) -> None:
    (tmp_path / f"One-1.0{suffix}").write_bytes(b"x")
    for name in beside:
        made = make_wheel("one", "1.0") if name.endswith(".whl") else make_sdist("one", "1.0")
        (tmp_path / name).write_bytes(made)
    options = IndexOptions(no_index=True, find_links=(str(tmp_path),))
    (found,) = locate(cache, options, Pin(name="one", version="1.0", digests=(Digest.of(b"x"),)))
    assert found.filename == f"one-1.0{suffix}"
    other = Pin(name="one", version="1.0", digests=(Digest.of(b"y"),))
    assert refusal(cache, options, other).code == ExitCode.BAD_INPUT


def test_every_pin_that_fails_is_named(index: LocalIndex, cache: Path) -> None:
    good = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    error = refusal(
        cache,
        index.options(),
        pin(good),
        pin(good, version="9.0", origin=Origin(path="r.txt", line=2)),
        pin(good, name="absent", origin=Origin(path="r.txt", line=3)),
    )
    assert error.lines()[::2] == (
        "error: one==9.0: no such version on the index (r.txt line 2)",
        "error: absent==1.0: no such project on the index (r.txt line 3)",
    )
    assert all(line.startswith("hint: ") for line in error.lines()[1::2])


def test_a_published_wheel_is_taken_by_its_hash(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    general = index.add(make_wheel("one", "1.0"), "one-1.0-py3-none-any.whl")
    best_tag = interpreter.tags[0]
    special = index.add(make_wheel("one", "1.0", tag=best_tag), f"one-1.0-{best_tag}.whl")
    arguments: dict[str, Any] = {"wheels_for": frozenset({"one"}), "tags": interpreter.tags}
    (found,) = locate(cache, index.options(), pin(general, special), **arguments)
    assert (found.filename, found.as_published) == (special.filename, True)
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


def test_a_direct_url_of_an_sdist_gives_no_wheel(index: LocalIndex, cache: Path) -> None:
    sdist = index.add(make_sdist("one", "1.0"), "one-1.0.tar.gz")
    direct = pin(sdist, url=index.file_url("one-1.0.tar.gz"))
    error = refusal(cache, index.options(), direct, wheels_for=frozenset({"one"}))
    assert error.why.startswith("no wheel can be used")


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
    with pytest.raises(AsamanError, match="not a valid wheel file name"):
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
