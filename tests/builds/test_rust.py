"""Rust sources are built for real, offline, with the crates of their lock and nothing else."""

from __future__ import annotations

import json
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import rust
from amrasaman_nox.model import BuildEnvironment, Digest, RustToolchain
from amrasaman_nox.records import parse
from amrasaman_nox.sandbox.normalise import NATIVE_CPU
from amrasaman_nox.sandbox.view import Isolation
from amrasaman_nox.sdists.rust import RustSource
from tests.support.crates import SOURCE, crate, crate_file, serve
from tests.support.projects import make_sdist
from tests.support.rusty import BACKEND, DEFAULT, MANIFEST, greets, rusty, sysroot

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store
    from tests.support.bench import Bench
    from tests.support.index import LocalIndex

TOOLCHAIN = RustToolchain(
    sysroot="/opt/rust", version="1.80.0", commit="abc", host="h", cargo="cargo 1.80.0",
    digest=Digest.of(b"rust"),
)  # fmt: skip


def built(
    bench: Bench,
    index: LocalIndex,
    sdist: bytes,
    *arguments: str,
    place: str = "",
    rust: str = "",
) -> str:
    """Build; return what was said, with the exit code in front of it."""
    (bench.folder / "rusty-1.0.tar.gz").write_bytes(sdist)
    place = place or serve(index, greets=greets())
    options = ("-s", "rusty-1.0.tar.gz", "--rust", rust or sysroot(), "--crate-index", place)
    done = bench.asaman(*options, *arguments)
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def test_a_rust_source_is_built_with_its_crates_the_same_wherever_and_its_paths_are_constant(
    bench: Bench, index: LocalIndex
) -> None:
    sdist = rusty(crate("greets", greets(), registry=DEFAULT))
    said = built(bench, index, sdist)
    assert said.startswith("exit 0"), said
    (wheel,) = bench.wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        library = opened.read("rusty.so")
    assert b"/build/crates/greets-1.0.0/src/lib.rs" in library
    assert str(bench.cache).encode() not in library
    first = bench.hashes()
    said = built(bench, index, sdist, "--rebuild", "--isolation", "namespaces")
    assert said.startswith("exit 0"), said
    assert bench.hashes() == first


@pytest.mark.slow
def test_verify_finds_a_rust_wheel_identical(bench: Bench, index: LocalIndex) -> None:
    sdist = rusty(crate("greets", greets(), registry=DEFAULT))
    assert built(bench, index, sdist).startswith("exit 0")
    place = f"{index.base}/files"
    options = ("-s", "rusty-1.0.tar.gz", "--rust", sysroot(), "--crate-index", place)
    done = bench.asaman("verify", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical" in done.stdout
    done = bench.asaman("verify", *options, "--vary", "clock", "--json", "-")
    (found,) = json.loads(done.stdout)["comparisons"]
    assert found["varied"] == ["clock"]
    assert [each["variation"] for each in found["not_varied"]] == ["clock in rustc"]


def test_a_build_has_no_crate_that_the_lock_does_not_name(bench: Bench, index: LocalIndex) -> None:
    said = built(bench, index, rusty())
    assert said.startswith("exit 3"), said
    assert "greets" in said


def test_a_lock_cut_out_of_a_workspace_is_pruned_and_the_source_is_built(
    bench: Bench, index: LocalIndex
) -> None:
    unused = crate_file("unused")
    named = (crate("greets", greets(), registry=DEFAULT), crate("unused", unused, registry=DEFAULT))
    said = built(bench, index, rusty(*named), place=serve(index, greets=greets(), unused=unused))
    assert said.startswith("exit 0"), said


def test_a_lock_with_more_than_the_source_has_is_an_error(bench: Bench, index: LocalIndex) -> None:
    forging = (
        (
            'with open("Cargo.lock", "a") as lock:\n'
            '        lock.write(\'\\n[[package]]\\nname = "added"\\nversion = "1.0.0"\\n\'\n'
            '                   \'source = "SOURCE"\\nchecksum = "CHECKSUM"\\n\')\n'
            '    subprocess.run(["cargo", "--version"], check=True)\n'
        )
        .replace("SOURCE", DEFAULT)
        .replace("CHECKSUM", "0" * 64)
    )
    backend = BACKEND.replace("    name = ", f"    {forging}    name = ", 1)
    sdist = rusty(crate("greets", greets(), registry=DEFAULT), **{"backend.py": backend})
    said = built(bench, index, sdist)
    assert said.startswith("exit 3"), said
    assert (
        "Cargo.lock: cargo added what is not in the Cargo.lock of the source: added 1.0.0" in said
    )


def test_other_bytes_than_the_lock_names_stop_the_run(bench: Bench, index: LocalIndex) -> None:
    place = serve(index, greets=crate_file("greets"))
    # One that no other test has put into the store.
    never = greets("// never served\n")
    said = built(bench, index, rusty(crate("greets", never, registry=DEFAULT)), place=place)
    assert said.startswith("exit 2"), said
    assert "greets-1.0.0.crate" in said
    assert not list(bench.wheels.glob("*.whl"))


def test_a_configuration_of_the_source_cannot_reach_outside_its_build(
    bench: Bench, index: LocalIndex
) -> None:
    config = {".cargo/config.toml": '[build]\nrustc-wrapper = "/build/source/evil"\n'}
    evil = {"evil": '#!/bin/sh\ntouch /build/crates/evil && exit 7\nexec "$@"\n'}
    sdist = rusty(crate("greets", greets(), registry=DEFAULT), **config, **evil)
    said = built(bench, index, sdist)
    assert said.startswith("exit 0"), said


def test_without_a_toolchain_the_error_says_what_to_install(
    bench: Bench, index: LocalIndex
) -> None:
    (bench.folder / "rusty-1.0.tar.gz").write_bytes(
        make_sdist(
            "rusty", "1.0", {"Cargo.toml": MANIFEST}, requires=("maturin",), backend="maturin"
        )
    )
    done = bench.asaman("-s", "rusty-1.0.tar.gz", "--rust", "1.2.3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "needs Rust, but no toolchain was found" in done.stdout + done.stderr
    assert "hint: rustup toolchain install 1.2.3 --profile minimal" in done.stdout + done.stderr


def prepared(store: Store, folder: Path, isolation: str, **world: object) -> rust.RustFolders:
    data = crate_file("a")
    store.add(iter([data]), Digest.of(data))
    crates = (crate("a", data, registry=DEFAULT), crate("a", data, registry=SOURCE))
    return rust.prepare(
        TOOLCHAIN,
        crates[:1] if isolation == "full" else crates[1:],
        folder / "rust",
        BuildEnvironment(**world),  # type: ignore[arg-type]
        source=RustSource(manifests=("", "native")),
        store=store,
        isolation=Isolation(rung=isolation),
    )


def test_cargo_takes_every_registry_from_the_folder_and_nothing_from_the_network(
    store: Store, tmp_path: Path
) -> None:
    prepared(store, tmp_path, "full")
    config = tomllib.loads((tmp_path / "rust/cargo/config.toml").read_text())
    assert config["source"]["amrasaman"]["directory"] == "/build/crates"
    assert config["source"]["crates-io"]["replace-with"] == "amrasaman"
    assert config["net"]["offline"] is True
    assert len(config["source"]) == 2


def test_another_registry_of_the_lock_is_replaced_as_well(store: Store, tmp_path: Path) -> None:
    place = prepared(store, tmp_path, "none")
    config = tomllib.loads((tmp_path / "rust/cargo/config.toml").read_text())
    assert config["source"]["amrasaman"]["directory"] == str(place.crates)
    assert config["source"]["other-0"] == {
        "registry": SOURCE.removeprefix("registry+"),
        "replace-with": "amrasaman",
    }


def test_the_wrapper_maps_what_differs_to_the_constant_paths(store: Store, tmp_path: Path) -> None:
    place = prepared(store, tmp_path, "full", build_path="/build/elsewhere")
    text = (tmp_path / "rust/rustc").read_text()
    assert "--remap-path-prefix=/build/elsewhere=/build/source" in text
    assert "--remap-path-prefix=/build/rust/lib/rustlib/src/rust=/rustc/abc" in text
    assert "-Cstrip=symbols" in text
    assert rust.variables(place, BuildEnvironment())["PATH"].startswith(
        "/build/environment/bin:/build/frontend/bin:/build/rust/bin:"
    )


def test_debug_information_is_kept_on_demand_and_the_users_variables_win(
    store: Store, tmp_path: Path
) -> None:
    world = BuildEnvironment(keep_debug_info=True, variables=(("CARGO_INCREMENTAL", "1"),))
    place = prepared(store, tmp_path, "full", keep_debug_info=True)
    assert "strip" not in (tmp_path / "rust/rustc").read_text()
    assert rust.variables(place, world)["CARGO_INCREMENTAL"] == "1"


def test_native_is_another_model_of_processor_only_where_a_rebuild_varies_it(
    store: Store, tmp_path: Path
) -> None:
    flags = ["-C", "target-cpu=native", "-Ctarget-cpu=native", "a b", "--cfg=x"]
    given = {}
    for name, variables in {"usual": (), "varied": ((NATIVE_CPU, "generic"),)}.items():
        (tmp_path / name).mkdir()
        prepared(store, tmp_path / name, "full", variables=variables)
        done = subprocess.run(
            [tmp_path / name / "rust/rustc", "printf", "%s\n", *flags],
            capture_output=True,
            check=True,
        )
        given[name] = done.stdout.decode().splitlines()[: len(flags)]
    assert given["usual"] == flags
    model = ["-C", "target-cpu=generic", "-Ctarget-cpu=generic"]
    assert given["varied"] == [*model, "a b", "--cfg=x"]


def test_the_home_of_cargo_is_beside_that_of_the_build_and_is_mapped(
    store: Store, tmp_path: Path
) -> None:
    world = BuildEnvironment(home="/home/other")
    place = prepared(store, tmp_path, "full", home="/home/other")
    assert rust.variables(place, world)["CARGO_HOME"] == "/home/cargo"
    assert "--remap-path-prefix=/home/cargo=/build/cargo" in (tmp_path / "rust/rustc").read_text()
    assert "/home/cargo" in [folder.inside for folder in rust.folders(place)]


def test_the_distributions_toolchain_builds_it_too_and_the_record_says_which(
    bench: Bench, index: LocalIndex
) -> None:
    if not Path("/usr/bin/rustc").exists():
        pytest.skip("the distribution has no Rust here")
    named = {"rust-toolchain.toml": '[toolchain]\nchannel = "1.2.3"\n'}
    sdist = rusty(crate("greets", greets(), registry=DEFAULT), **named)
    said = built(bench, index, sdist, rust="/usr")
    assert said.startswith("exit 0"), said
    assert "its rust-toolchain file names 1.2.3, and it is built with" in said
    (name,) = bench.hashes()
    internal = bench.record(name)["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["rust"]["sysroot"] == "/usr"
    assert internal["rust"]["channel"] == "1.2.3"
    record = parse((bench.wheels / f"{name}.provenance.json").read_bytes(), name)
    assert record.source.rust_channel == "1.2.3"
