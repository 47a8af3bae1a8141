"""What of an sdist cargo builds, and with which crates."""

from __future__ import annotations

import json

from amrasaman_nox.sdists.rust import RustFiles, RustSource

REGISTRY = "registry+https://example.org/index"
PACKAGE = '[[package]]\nname = "{}"\nversion = "1.0.0"\nsource = "{}"\nchecksum = "{}"\n'


def lock(*names: str) -> bytes:
    return "".join(PACKAGE.format(name, REGISTRY, checksum(name)) for name in names).encode()


def checksum(name: str) -> str:
    return f"{ord(name[0]):02x}" * 32


def collected(files: dict[str, bytes], pyproject: str = "") -> RustSource | None:
    found = RustFiles()
    for path, content in files.items():
        list(found.add(tuple(path.split("/")), len(content), iter([content])))
    return found.source("x-1.tar.gz", pyproject.encode())


def names(source: RustSource | None) -> list[str]:
    assert source is not None
    assert not source.fault
    return [crate.name for crate in source.crates]


def test_a_source_without_a_manifest_has_no_rust() -> None:
    assert collected({"setup.py": b"", "a/Cargo.lock": lock("a")}) is None


def test_the_crates_of_all_locks_are_needed_once_each() -> None:
    files = {"Cargo.toml": b"", "Cargo.lock": lock("b", "a"), "n/Cargo.toml": b""}
    assert names(collected({**files, "n/Cargo.lock": lock("a", "c")})) == ["a", "b", "c"]


def test_crates_that_the_source_brings_are_not_fetched_and_their_own_locks_do_not_count() -> None:
    vendored = json.dumps({"files": {}, "package": checksum("a")}).encode()
    files = {
        "Cargo.toml": b"",
        "Cargo.lock": lock("a", "b"),
        "vendor/a/.cargo-checksum.json": vendored,
        "vendor/a/Cargo.toml": b"",
        "vendor/a/Cargo.lock": lock("z"),
    }
    source = collected(files)
    assert names(source) == ["b"]
    assert source is not None
    assert source.brought == (checksum("a"),)
    assert source.manifests == ("",)


def test_locks_of_tests_and_examples_do_not_count() -> None:
    files = {"Cargo.toml": b"", "Cargo.lock": lock("a")}
    for folder in ("tests", "examples", "docs"):
        files |= {f"{folder}/x/Cargo.toml": b"", f"{folder}/x/Cargo.lock": lock("z")}
    assert names(collected(files)) == ["a"]
    del files["Cargo.toml"]
    assert collected(files) is None


def test_the_lock_of_the_manifest_that_maturin_builds_counts_or_that_of_its_workspace() -> None:
    files = {"Cargo.lock": lock("a"), "one/Cargo.toml": b"", "two/Cargo.toml": b""}
    pyproject = '[tool.maturin]\nmanifest-path = "one/Cargo.toml"\n'
    assert names(collected({**files, "two/Cargo.lock": lock("b")}, pyproject)) == ["a"]
    assert names(collected({**files, "one/Cargo.lock": lock("c")}, pyproject)) == ["c"]


def test_a_lock_that_cannot_be_used_is_told_with_its_path() -> None:
    source = collected({"Cargo.toml": b"", "n/Cargo.toml": b"", "n/Cargo.lock": b"version = 9"})
    assert source is not None
    assert source.fault.startswith("x-1.tar.gz: n/Cargo.lock: unknown lock format")


def test_a_lock_beyond_the_limit_is_not_kept_in_memory() -> None:
    found = RustFiles()
    found.add(("Cargo.toml",), 0, iter([b""]))
    never = iter([b"never read"])
    assert found.add(("Cargo.lock",), 10 << 20, never) is never
    source = found.source("x-1.tar.gz", None)
    assert source is not None
    assert "larger than 4 MiB" in source.fault


def test_a_source_without_a_lock_says_so() -> None:
    source = collected({"Cargo.toml": b""})
    assert source == RustSource(locked=False, manifests=("",))


def test_what_is_remembered_of_a_source_is_the_same_after_json() -> None:
    source = collected({"Cargo.toml": b"", "Cargo.lock": lock("a", "b")})
    assert source is not None
    assert RustSource.of_facts(json.loads(json.dumps(source.facts()))) == source


def test_the_toolchain_and_the_oldest_rust_of_a_source_are_told() -> None:
    files = {
        "Cargo.toml": b'[package]\nrust-version = "1.70"\n',
        "native/Cargo.toml": b'[package]\nrust-version = "1.80"\n',
        "rust-toolchain": b"1.81\n",
        "rust-toolchain.toml": b'[toolchain]\nchannel = "1.82"\n',
        "native/rust-toolchain": b"1.83\n",
    }
    source = collected(files)
    assert source is not None
    assert (source.channel, source.rust_version) == ("1.81", "1.70")
    files["Cargo.lock"] = b"version = 4\n"
    source = collected(files)
    assert source is not None
    assert source.rust_version == "1.78"
    built = collected(files, '[tool.maturin]\nmanifest-path = "native/Cargo.toml"\n')
    assert built is not None
    assert built.rust_version == "1.80"
