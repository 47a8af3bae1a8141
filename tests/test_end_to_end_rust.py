"""Rust sources from the command line: what is built, and what is refused."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import Digest
from tests.support.archives import END, gzipped, tar_member
from tests.support.crates import crate, serve
from tests.support.index import redirect, status, truncated
from tests.support.miniatures import add_sdist, pins
from tests.support.projects import make_sdist
from tests.support.rusty import (
    BACKEND,
    DEFAULT,
    MANIFEST,
    greets,
    project,
    registry,
    rusty,
    sysroot,
)

if TYPE_CHECKING:
    import subprocess

    from tests.support.bench import Bench

HASH = "0" * 64
GREETS = crate("greets", greets(), registry=DEFAULT)


def lock(name: str = "greets", version: str = "1.0.0", checksum: str = HASH) -> str:
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "{DEFAULT}"\n'
        f'checksum = "{checksum}"\n'
    )


#: Locks that are refused, and what the error says.
LOCKS = {
    "a duplicate": (lock() + lock(), "greets 1.0.0 is listed twice"),
    "two checksums of one crate": (lock() + lock(checksum="1" * 64), "listed twice"),
    "a name that leaves its folder": (lock("../greets"), "'../greets 1.0.0' is not the name"),
    "a version that leaves its folder": (lock(version="1.0.0-../../x"), "is not the name"),
    "10 MB": ("#" * (10 << 20), "larger than 4 MiB"),
    "a git dependency": (
        '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "git+https://example.org/a#1"\n',
        "crate a 1.0.0 comes from a git repository",
    ),
    "no checksum": (lock().replace("checksum", "other"), "greets 1.0.0 has no checksum"),
    "no TOML": ("[[package", "malformed"),
    "bytes that are not text": ("\udcff", "malformed"),
    "tables in tables": ("a = " + "[" * 100_000, "malformed"),
}


def top(*members: bytes) -> bytes:
    manifest = tar_member("greets-1.0.0/Cargo.toml", b'[package]\nname = "greets"\n')
    return gzipped(b"".join((manifest, *members)) + END)


#: Files that are served with the hash of the lock, and are no sound crate.
CRATES = {
    "an outside member": top(tar_member("greets-1.0.0/../../evil", b"x")),
    "an absolute member": top(tar_member("/tmp/evil", b"x")),
    "a second folder": top(tar_member("other-1.0.0/evil", b"x")),
    "a link that leads out": top(tar_member("greets-1.0.0/etc", kind=b"2", link=b"../../../etc")),
    "a truncated archive": greets()[:-200],
    "a page": b"<html>please log in</html>",
    "nothing": b"",
}


def built(cold: Bench, sdist: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert cold.index is not None
    pin = add_sdist(cold.index, "rusty", sdist)
    cold.write(pin)
    place = f"{cold.index.base}/files"
    return cold.asaman(
        *("-r", "requirements.txt", "--rust", sysroot(), "--crate-index", place), *arguments
    )


def check_refused(
    cold: Bench, done: subprocess.CompletedProcess[str], code: int, *words: str
) -> None:
    """Check that one line names the source and says why, and that nothing was written."""
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    (line,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert all(word in line for word in words), line
    assert "Traceback" not in said
    assert not cold.wheels.exists() or not list(cold.wheels.iterdir())
    assert not list(cold.cache.glob("crates/*"))


@pytest.mark.parametrize("name", LOCKS)
def test_a_bad_lock_is_one_line_and_nothing_is_asked_or_written(cold: Bench, name: str) -> None:
    text, why = LOCKS[name]
    assert cold.index is not None
    serve(cold.index, greets=greets())
    content = text.encode("utf-8", "surrogateescape")
    # What maturin builds cannot do without its crates.
    files = {"Cargo.lock": content, "Cargo.toml": MANIFEST}
    done = built(cold, make_sdist("rusty", "1.0", files, requires=("maturin",), backend="maturin"))
    check_refused(cold, done, 2, "rusty", "Cargo.lock", why)
    assert not [request for request in cold.index.requests if ".crate" in request.path]


@pytest.mark.parametrize("name", CRATES)
def test_a_crate_that_is_no_sound_archive_is_refused_although_its_hash_is_right(
    cold: Bench, name: str
) -> None:
    assert cold.index is not None
    data = CRATES[name]
    serve(cold.index, greets=data)
    done = built(cold, rusty(replace(GREETS, digest=Digest.of(data))))
    check_refused(cold, done, 2, "greets")
    assert not list(cold.folder.rglob("evil"))


def test_other_bytes_than_the_lock_names_are_refused(cold: Bench) -> None:
    assert cold.index is not None
    serve(cold.index, greets=greets("// other\n"))
    check_refused(cold, built(cold, rusty(GREETS)), 2, "greets-1.0.0.crate", "sha256")


#: What a registry does when its configuration or its crate is asked for, the exit code, and why.
REGISTRIES = {
    "config.json is missing": ("config.json", status(404), 5, "404"),
    "config.json leads to a file": ("config.json", redirect("file:///etc/passwd"), 5, "refused"),
    "config.json never ends to redirect": ("config.json", redirect("config.json"), 5, "redirects"),
    "the crate is missing": ("greets-1.0.0.crate", status(404), 5, "404"),
    "the crate is for members": ("greets-1.0.0.crate", status(403), 5, "403"),
    "the crate leads to a file": (
        "greets-1.0.0.crate",
        redirect("file:///etc/passwd"),
        5,
        "redirect to file:///etc/passwd is refused",
    ),
    "the crate leads over plain HTTP": (
        "greets-1.0.0.crate",
        redirect("http://example.org/greets.crate"),
        5,
        "refused",
    ),
    "the crate arrives in part, again and again": ("greets-1.0.0.crate", truncated, 5, "truncated"),
}


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_registry_that_does_not_give_the_crate_is_one_line(cold: Bench, name: str) -> None:
    path, behaviour, code, why = REGISTRIES[name]
    assert cold.index is not None
    serve(cold.index, greets=greets())
    cold.index.always(f"files/{path}", behaviour)
    check_refused(cold, built(cold, rusty(GREETS)), code, path, why)


@pytest.mark.slow
def test_a_redirect_of_the_registry_is_followed_and_what_is_there_is_checked(cold: Bench) -> None:
    assert cold.index is not None
    serve(cold.index, greets=greets())
    cold.index.add(greets(), "elsewhere.crate")
    cold.index.always("files/greets-1.0.0.crate", redirect("/files/elsewhere.crate"))
    done = built(cold, rusty(GREETS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert cold.index.requested("files/elsewhere.crate")
    check_rebuilt(cold)


def check_rebuilt(cold: Bench) -> None:
    """Check that the record alone gives the wheel again, and refuses crates of another lock."""
    assert cold.index is not None
    (name,) = cold.hashes()
    record = cold.folder / f"{name}.provenance.json"
    shutil.copy(cold.wheels / record.name, record)
    rebuild = ("rebuild", record.name, "--rust", sysroot(), "-o", "again")
    place = ("--crate-index", f"{cold.index.base}/files")
    done = replace(cold, cache=cold.folder / "new").asaman(*rebuild, *place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (cold.folder / "again" / name).read_bytes() == (cold.wheels / name).read_bytes()
    record.write_text(record.read_text().replace(GREETS.digest.value, HASH))
    done = cold.asaman(*rebuild, *place)
    assert done.returncode == 2
    assert "its record has other crates than its Cargo.lock" in done.stderr + done.stdout


#: A build script that tries what it must not, and says what it reached.
HOSTILE = """\
use std::{fs, net::TcpStream, path::Path};
fn main() {
    let mut reached = vec![];
    if TcpStream::connect("ADDRESS").is_ok() { reached.push("the network"); }
    if Path::new("CACHE").exists() { reached.push("the store"); }
    let others = format!("{}/..", env!("CARGO_MANIFEST_DIR"));
    for place in [env!("CARGO_MANIFEST_DIR"), &others, "/build/rust/bin", "/build/frontend/bin"] {
        if fs::write(format!("{place}/evil"), "x").is_ok() { reached.push("shared folders"); }
    }
    if !reached.is_empty() { panic!("reached {reached:?}"); }
    println!("cargo:rustc-env=GREETING=hello");
}
"""


@pytest.mark.parametrize("isolation", ["full", "namespaces"])
def test_a_build_script_has_no_network_no_store_and_writes_to_no_other_build(
    cold: Bench, isolation: str
) -> None:
    assert cold.index is not None
    address = f"{cold.index.host}:{cold.index.port}"
    script = HOSTILE.replace("ADDRESS", address).replace("CACHE", str(cold.cache))
    data = greets(build=script)
    serve(cold.index, greets=data)
    done = built(cold, rusty(replace(GREETS, digest=Digest.of(data))), "--isolation", isolation)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(cold.cache.rglob("evil"))


#: What a source's own configuration names, and whether cargo can build with that.
CONFIGURATIONS = {
    "a registry": (
        '[source.crates-io]\nreplace-with = "own"\n'
        '[source.own]\nregistry = "sparse+http://ADDRESS/files/"\n',
        3,
    ),
    "a linker": (
        '[target.x86_64-unknown-linux-gnu]\nlinker = "/build/source/evil"\n'
        '[target.aarch64-unknown-linux-gnu]\nlinker = "/build/source/evil"\n',
        0,
    ),
}
#: Stands for a linker; it links only if it could not leave a trace.
LINKER = """\
#!/bin/sh
touch /build/crates/evil /build/rust/evil /usr/evil && exit 7
exec cc "$@"
"""


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_the_configuration_of_a_source_names_stays_in_the_sandbox(
    cold: Bench, name: str
) -> None:
    text, code = CONFIGURATIONS[name]
    assert cold.index is not None
    text = text.replace("ADDRESS", f"{cold.index.host}:{cold.index.port}")
    backend = f"import os\nos.chmod('evil', 0o755)\n{BACKEND}"
    files = {".cargo/config.toml": text, "evil": LINKER, "backend.py": backend}
    serve(cold.index, greets=greets())
    done = built(cold, rusty(GREETS, **files))
    assert done.returncode == code, done.stdout + done.stderr
    assert not list(cold.cache.rglob("evil"))
    # All that is fetched is fetched before the build, by us.
    assert [request.path for request in cold.index.requests if "files/config" in request.path] == [
        "/files/config.json"
    ]


def test_a_source_that_needs_a_toolchain_is_one_failure_and_the_others_are_built(
    cold: Bench,
) -> None:
    assert cold.index is not None
    wants = make_sdist("rusty", "1.0", {"Cargo.toml": MANIFEST}, requires=("maturin",))
    cold.write(add_sdist(cold.index, "rusty", wants), pins()[0])
    done = cold.asaman("-r", "requirements.txt", "--rust", "1.2.3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "rusty==1.0" in done.stderr
    assert "hint: rustup toolchain install 1.2.3 --profile minimal" in done.stderr
    assert len(cold.hashes()) == 1


@pytest.mark.parametrize("backend", ["maturin", "setuptools-rust"])
def test_a_project_with_all_that_crates_can_be_is_built_the_same_on_two_rungs(
    cold: Bench, backend: str
) -> None:
    pytest.importorskip(backend.replace("-", "_"))
    assert cold.index is not None
    cold.index.add_installed(backend)
    serve(cold.index, **registry())
    done = built(cold, project(backend))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nfetched crates 4 (0.0 MB)\n" in done.stderr
    assert "\ncompiled 5\n" in done.stderr
    ((wheel, first),) = cold.hashes().items()
    record = cold.record(wheel)["predicate"]["buildDefinition"]
    uris = {one.get("uri"): one["digest"]["sha256"] for one in record["resolvedDependencies"]}
    for name, data in registry().items():
        assert uris[f"pkg:cargo/{name}@1.0.0"] == Digest.of(data).value
    assert record["internalParameters"]["rust"]["version"]
    with zipfile.ZipFile(cold.wheels / wheel) as opened:
        (member,) = (name for name in opened.namelist() if name.endswith((".so", "/rusty")))
        assert b"LOUD" in opened.read(member)
    done = built(cold, project(backend), "--rebuild", "--isolation", "namespaces")
    assert done.returncode == 0, done.stdout + done.stderr
    assert cold.hashes() == {wheel: first}
