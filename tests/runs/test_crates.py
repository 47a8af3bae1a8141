"""Crates of a source without a ``Cargo.lock`` are in the build lock, and nowhere else."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.model import Digest
from tests.support import toolchain
from tests.support.crates import index_line, serve_index
from tests.support.rusty import greets, sysroot, unlocked

if TYPE_CHECKING:
    from tests.support.bench import Bench
    from tests.support.index import LocalIndex

#: The index says that the sdist was uploaded in between.
EARLY, LATE = "2023-12-31T00:00:00Z", "2024-01-02T00:00:00Z"


@pytest.fixture
def place(rust_bench: Bench, index: LocalIndex) -> str:
    """A registry with two releases of the crate, and a package index with the sdist."""
    early, late = greets(), greets(version="1.1.0")
    sdist = unlocked()
    index.add(sdist, "rusty-1.0.tar.gz")
    rust_bench.write(f"rusty==1.0 --hash={Digest.of(sdist)}")
    lines = index_line("greets", "1.0.0", early, pubtime=EARLY)
    lines += index_line("greets", "1.1.0", late, pubtime=LATE)
    files = {"greets-1.0.0.crate": early, "greets-1.1.0.crate": late}
    return serve_index(index, {"greets": lines}, files)


def run(rust_bench: Bench, place: str, *arguments: str) -> str:
    options = ("-r", "requirements.txt", "--rust", sysroot(), "--crate-index", place)
    done = rust_bench.asaman(*options, *arguments)
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def crates_of(rust_bench: Bench) -> list[dict[str, Any]]:
    lock = tomllib.loads((rust_bench.folder / "requirements.build-lock.toml").read_text())
    (entry,) = lock["sources"]
    found: list[dict[str, Any]] = entry["crates"]
    return found


def test_crates_are_locked_as_of_the_upload_then_taken_by_hash_and_are_in_the_record(
    rust_bench: Bench, place: str
) -> None:
    said = run(rust_bench, place)
    assert said.startswith("exit 0"), said
    assert "rusty==1.0: it has no Cargo.lock: its crates are those of 2024-01-01" in said
    row = {"name": "greets", "version": "1.0.0", "hash": str(Digest.of(greets()))}
    assert crates_of(rust_bench) == [row]
    first = rust_bench.hashes()
    (name,) = first
    assert "greets-1.0.0.crate" in json.dumps(rust_bench.record(name))
    # Nothing is looked up any more.
    said = run(rust_bench, place, "--locked", "--offline")
    assert said.startswith("exit 0"), said
    assert "kept" in said
    said = run(rust_bench, place, "--locked", "--rebuild")
    assert said.startswith("exit 0"), said
    assert rust_bench.hashes() == first


@pytest.mark.slow
def test_another_date_gives_other_crates_and_another_wheel(rust_bench: Bench, place: str) -> None:
    assert run(rust_bench, place).startswith("exit 0")
    first = rust_bench.hashes()
    said = run(rust_bench, place, "--relock", "--as-of", "now")
    assert said.startswith("exit 0"), said
    assert [row["version"] for row in crates_of(rust_bench)] == ["1.1.0"]
    assert rust_bench.hashes() != first


def test_locked_refuses_to_resolve_crates(rust_bench: Bench, place: str) -> None:
    assert run(rust_bench, place).startswith("exit 0")
    lock = rust_bench.folder / "requirements.build-lock.toml"
    text = lock.read_text()
    lock.write_text(text[: text.index("[[sources.crates]]")])
    said = run(rust_bench, place, "--locked", "--rebuild")
    assert said.startswith("exit 2"), said
    assert "its crates, since it has no Cargo.lock, are not in the build lock" in said


@pytest.mark.slow
def test_a_published_wheel_is_compared_with_crates_that_are_resolved(
    rust_bench: Bench, index: LocalIndex, place: str
) -> None:
    assert run(rust_bench, place).startswith("exit 0")
    (wheel,) = rust_bench.hashes()
    index.add(rust_bench.wheels / wheel)
    options = ("-r", "requirements.txt", "--rust", sysroot(), "--crate-index", place)
    done = rust_bench.asaman("verify", *options, "--against", "published", "--json", "r.json")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads((rust_bench.folder / "r.json").read_text())["comparisons"]
    assert found["verdict"] == "equivalent", found


@pytest.mark.slow
def test_a_build_requirement_without_a_cargo_lock_is_built_from_source_in_stages(
    rust_bench: Bench, index: LocalIndex, place: str
) -> None:
    assert run(rust_bench, place).startswith("exit 0")
    index.add(rust_bench.wheels / next(iter(rust_bench.hashes())))
    toolchain.add_backend(index)
    rust_bench.write(toolchain.add_pin(index, "user", "minibuild", "rusty"))
    options = ("-r", "requirements.txt", "--rust", sysroot(), "--crate-index", place)
    done = rust_bench.asaman("bootstrap", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    # Another machine: what is locked is fetched by hash, and nothing resolved.
    fresh = ("--build-requirements", "source", "-o", "other", "--locked")
    command = ("asaman", *options, *fresh, "--index-url", rust_bench.index_url)
    done = rust_bench.run(*command, "--cache-dir", "cache-2")
    assert done.returncode == 0, done.stdout + done.stderr
