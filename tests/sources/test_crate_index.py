"""What an index of crates says of releases, and which of them a resolution looks at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, IndexOptions, RustToolchain
from amrasaman_nox.sdists.cargo_manifest import Dependency
from amrasaman_nox.sources.crate_index import PartialIndex, lookup_of, releases
from amrasaman_nox.sources.site import RustSite, Site
from tests.support.crates import index_line, serve_index
from tests.support.index import running_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from amrasaman_nox.sources.crate_index import Lookup
    from amrasaman_nox.sources.store import Store
    from tests.support.index import LocalIndex

UNTIL = datetime(2024, 6, 1, tzinfo=UTC)
EARLY, LATE = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with running_index() as running:
        yield running


def toolchain(channel: str) -> RustToolchain:
    return RustToolchain(
        sysroot="/none", version="1", commit="", host="", cargo="", digest=Digest.of(b"")
    )


def site(store: Store, place: str) -> Site:
    return Site(
        store=store, index=IndexOptions(), rust=RustSite(toolchain=toolchain, crate_index=place)
    )


def of(pages: dict[str, bytes], asked: list[str]) -> Lookup:
    def lookup(names: Sequence[str]) -> Mapping[str, bytes]:
        asked.extend(names)
        return {name: pages[name] for name in names if name in pages}

    return lookup


def test_releases_count_that_came_out_by_then_or_of_which_nobody_says_when() -> None:
    lines = [
        index_line("a", "1.10.0", pubtime=EARLY),
        index_line("a", "1.2.0"),
        index_line("a", "2.0.0", pubtime=LATE),
        index_line("a", "1.11.0", pubtime=EARLY, yanked=True),
        b"not JSON",
        b"[]",
        b'{"vers": "3.0.0"}',
        b'{"vers": "3.0.0", "deps": [], "pubtime": "soon"}',
    ]
    found = releases(b"\n".join(lines), UNTIL)
    assert [one.version for one in found] == ["1.2.0", "1.10.0"]
    assert [one.published for one in found] == [None, datetime(2024, 1, 1, tzinfo=UTC)]


def test_what_crates_need_is_looked_up_each_crate_once() -> None:
    optional = {"name": "extra", "req": "^1", "optional": True}
    unused = {"name": "unused", "req": "^1", "optional": True}
    renamed = {"name": "short", "package": "long-name", "req": "^0.3"}
    pages = {
        "a": index_line(
            "a", "1.1.0", deps=[optional, unused, renamed, {"name": "dev", "kind": "dev"}],
            features={"default": ["std"], "std": ["dep:extra", "short/std"]},
        ),
        "long-name": index_line("long-name", "0.3.9", deps=[{"name": "a", "req": "^1"}])
        + index_line("long-name", "0.4.0", deps=[{"name": "never", "req": "^1"}]),
    }  # fmt: skip
    asked: list[str] = []
    index = PartialIndex(lookup=of(pages, asked), until=UNTIL)
    index.add([Dependency(name="a", requirement="1"), Dependency(name="../evil")])
    assert asked == ["a", "extra", "long-name"]


def test_a_feature_that_is_asked_for_turns_its_dependencies_on() -> None:
    extra = {"name": "extra", "req": "^1", "optional": True}
    pages = {"a": index_line("a", "1.0.0", deps=[extra], features2={"more": ["dep:extra"]})}
    asked: list[str] = []
    index = PartialIndex(lookup=of(pages, asked), until=UNTIL)
    index.add([Dependency(name="a", requirement="=1.0.0", features=("more",))])
    assert asked == ["a", "extra"]


def test_a_local_registry_holds_what_was_found(tmp_path: Path) -> None:
    line = index_line("Abcd", "1.0.0", pubtime=EARLY)
    index = PartialIndex(lookup=of({"Abcd": line}, []), until=UNTIL)
    index.add([Dependency(name="Abcd"), Dependency(name="abc")])
    index.write(tmp_path)
    assert (tmp_path / "index/ab/cd/abcd").read_bytes() == line
    assert (tmp_path / "index/3/a/abc").read_bytes() == b""
    assert index.is_dated("Abcd", "1.0.0")
    assert not index.is_dated("Abcd", "1.0.1")


def test_an_index_without_end_is_given_up() -> None:
    def lookup(names: Sequence[str]) -> Mapping[str, bytes]:
        return {
            name: index_line(name, "1.0.0", deps=[{"name": f"{name[0]}{int(name[1:]) + 1}"}])
            for name in names
        }

    with pytest.raises(AsamanError, match="more than 3,000 are needed"):
        PartialIndex(lookup=lookup, until=UNTIL).add([Dependency(name="a0")])


def test_a_sparse_index_is_asked_and_what_it_does_not_have_is_left_out(
    store: Store, index: LocalIndex
) -> None:
    line = index_line("greets", "1.0.0")
    place = serve_index(index, {"greets": line})
    assert lookup_of(site(store, place))(["greets", "missing"]) == {"greets": line}


def test_an_index_that_does_not_answer_stops_the_run(store: Store, index: LocalIndex) -> None:
    place = serve_index(index, {})
    index.auth = ("user", "password")
    with pytest.raises(AsamanError) as caught:
        lookup_of(site(store, place))(["greets"])
    assert caught.value.code is ExitCode.INPUT_OUTPUT


def test_a_folder_of_crates_is_no_index(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AsamanError) as caught:
        lookup_of(site(store, str(tmp_path)))
    assert caught.value.code is ExitCode.BAD_INPUT
    assert "sparse index" in (caught.value.hint or "")


@pytest.mark.online
def test_the_users_cargo_looks_crates_up(store: Store) -> None:
    from amrasaman_nox.config.variables import own_variables
    from amrasaman_nox.environments import toolchains

    variables = own_variables()
    known = toolchains.inspect("", dict(variables), store)
    rust = RustSite(toolchain=lambda channel: known, variables=variables)
    lookup = lookup_of(Site(store=store, index=IndexOptions(), rust=rust))
    found = lookup(["cfg-if", "no-such-crate-of-amrasaman-nox", "Inflector"])
    assert set(found) == {"cfg-if", "Inflector"}
    lines = [json.loads(line) for line in found["cfg-if"].splitlines()]
    assert {"1.0.0"} <= {line["vers"] for line in lines}
    assert any(one.published for one in releases(found["cfg-if"], datetime.now(UTC)))
