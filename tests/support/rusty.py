"""A Rust source of one function and one crate, built by a backend of one page with cargo."""

from __future__ import annotations

import functools
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .crates import crate, crate_file, lock_text
from .projects import make_sdist

if TYPE_CHECKING:
    from amrasaman_nox.model import Crate

#: How a lock names the registry that cargo calls ``crates-io``.
DEFAULT = "registry+https://example.org/rust-lang/crates.io-index"
MANIFEST = """\
[package]
name = "rusty"
version = "1.0.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[dependencies]
greets = "1"
"""
LIBRARY = """\
#[no_mangle]
pub extern "C" fn rusty(n: usize) -> usize { greets::greet(n).len() + file!().len() }
"""
GREETS = """\
pub fn greet(n: usize) -> String {
    if n > 9 { panic!("too many") }
    format!("{} {}", n, env!("GREETING"))
}
"""
BUILD = """\
fn main() { println!("cargo:rustc-env=GREETING=hello"); }
"""
#: Builds with cargo, and packs the library.
BACKEND = """\
import base64, hashlib, os, subprocess, zipfile
INFO = "rusty-1.0.dist-info"
METADATA = b"Metadata-Version: 2.1\\nName: rusty\\nVersion: 1.0\\n"
WHEEL = (b"Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: false\\n"
         b"Tag: py3-none-linux_x86_64\\n")
def build_wheel(folder, config_settings=None, metadata_directory=None):
    subprocess.run(["cargo", "build", "--release"], check=True)
    name = "rusty-1.0-py3-none-linux_x86_64.whl"
    with open(os.environ["CARGO_TARGET_DIR"] + "/release/librusty.so", "rb") as file:
        members = {"rusty.so": file.read()}
    members |= {INFO + "/METADATA": METADATA, INFO + "/WHEEL": WHEEL}
    rows = []
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, data in members.items():
            wheel.writestr(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(data)}")
        wheel.writestr(INFO + "/RECORD", "\\n".join([*rows, INFO + "/RECORD,,", ""]))
    return name
"""


def greets(more: str = "", build: str = BUILD, version: str = "1.0.0") -> bytes:
    """Return the crate; *more* is added to its library, *build* is its build script."""
    manifest = (
        f'[package]\nname = "greets"\nversion = "{version}"\nedition = "2021"\nbuild = "build.rs"\n'
    )
    files = {
        "Cargo.toml": manifest.encode(),
        "src/lib.rs": f"{GREETS}{more}".encode(),
        "build.rs": build.encode(),
    }
    return crate_file("greets", version, files=files)


def rusty(*crates: Crate, **files: str | bytes) -> bytes:
    """Return the sdist, its lock with *crates*; *files* are added, or replace its own."""
    own = '[[package]]\nname = "rusty"\nversion = "1.0.0"\ndependencies = ["greets"]\n\n'
    lock = f"version = 3\n\n{lock_text(*crates)}{own}"
    return unlocked(**{"Cargo.lock": lock, **files})


def unlocked(**files: str | bytes) -> bytes:
    """Return the same sdist without a lock."""
    contents: dict[str, bytes | str] = {"Cargo.toml": MANIFEST, "src/lib.rs": LIBRARY}
    contents |= {"backend.py": BACKEND, **files}
    return make_sdist("rusty", "1.0", contents, requires=(), backend="backend", backend_path=".")


@functools.cache
def sysroot() -> str:
    """Return the folder of the toolchain that is installed here; skip the test if none is."""
    program = shutil.which("rustc")
    if program is None:
        pytest.skip("no Rust toolchain is installed")
    done = subprocess.run([program, "--print", "sysroot"], capture_output=True, check=True)
    return done.stdout.decode().strip()


def _package(name: str, more: str = "") -> bytes:
    text = f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n{more}'
    return text.encode()


def registry() -> dict[str, bytes]:
    """Return crates by name: a build script, a macro with a feature, a C compiler, a platform's."""
    macro = b"""\
use proc_macro::TokenStream;
#[proc_macro]
pub fn shout(_: TokenStream) -> TokenStream { "\\"LOUD\\"".parse().unwrap() }
"""
    compiler = b"""\
use std::{env, process::Command};
pub fn compile(file: &str, name: &str) {
    let out = env::var("OUT_DIR").unwrap();
    let (object, library) = (format!("{out}/{name}.o"), format!("{out}/lib{name}.a"));
    let done = Command::new("cc").args(["-O2", "-fPIC", "-c", file, "-o", &object]).status();
    assert!(done.unwrap().success());
    assert!(Command::new("ar").args(["crsD", &library, &object]).status().unwrap().success());
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static={name}");
}
"""
    return {
        "greets": greets(),
        "shouts": crate_file(
            "shouts",
            files={
                "Cargo.toml": _package(
                    "shouts", "[features]\nloud = []\n[lib]\nproc-macro = true\n"
                ),
                "src/lib.rs": b'#[cfg(not(feature = "loud"))] compile_error!("too quiet");\n'
                + macro,
            },
        ),
        "cc": crate_file("cc", files={"Cargo.toml": _package("cc"), "src/lib.rs": compiler}),
        "onwindows": crate_file(
            "onwindows", files={"src/lib.rs": b'compile_error!("another platform");'}
        ),
    }


#: What both projects have: a workspace, and a crate that uses all of the registry.
_WORKSPACE = """\
[workspace]
members = ["inner"]
[dependencies]
inner = { path = "inner" }
greets = "1"
shouts = { version = "1", features = ["loud"] }
[target.'cfg(windows)'.dependencies]
onwindows = "1"
[build-dependencies]
cc = "1"
"""
_USES = """\
extern "C" { fn from_c(n: i32) -> i32; }
pub fn all(n: usize) -> String {
    let c = unsafe { from_c(n as i32) };
    format!("{} {} {} {c}", greets::greet(n), shouts::shout!(), inner::inner())
}
"""


def project(backend: str) -> bytes:
    """Return the sdist of a project that uses all of :func:`registry`.

    :param backend: ``maturin``, for a program, or ``setuptools-rust``, for an extension module
    """
    crates = (crate(name, data, registry=DEFAULT) for name, data in registry().items())
    own = '[[package]]\nname = "inner"\nversion = "1.0.0"\n\n'
    files = {
        "Cargo.lock": f"version = 3\n\n{lock_text(*crates)}{own}",
        "build.rs": 'fn main() { cc::compile("part.c", "part"); }\n',
        "part.c": "int from_c(int n) { return n + 1; }\n",
        "inner/Cargo.toml": _package("inner").decode(),
        "inner/src/lib.rs": 'pub fn inner() -> &\'static str { "inner" }\n',
    }
    if backend == "maturin":
        files["Cargo.toml"] = _package("rusty", _WORKSPACE).decode()
        files["src/main.rs"] = f'{_USES}fn main() {{ println!("{{}}", all(3)); }}\n'
        tool = '[tool.maturin]\nbindings = "bin"\n'
        return _sdist(files, "maturin", '"maturin"', tool)
    files["Cargo.toml"] = _package(
        "rusty", f'[lib]\ncrate-type = ["cdylib"]\n{_WORKSPACE}'
    ).decode()
    files["src/lib.rs"] = (
        f'{_USES}#[no_mangle] pub extern "C" fn rusty(n: usize) -> usize {{ all(n).len() }}\n'
    )
    files["rusty/__init__.py"] = ""
    tool = (
        '[tool.setuptools]\npackages = ["rusty"]\n'
        '[[tool.setuptools-rust.ext-modules]]\ntarget = "rusty.lib"\nbinding = "NoBinding"\n'
    )
    return _sdist(files, "setuptools.build_meta", '"setuptools", "setuptools-rust"', tool)


def _sdist(files: dict[str, str], backend: str, requires: str, tool: str) -> bytes:
    pyproject = (
        f'[build-system]\nrequires = [{requires}]\nbuild-backend = "{backend}"\n'
        f'[project]\nname = "rusty"\nversion = "1.0"\n{tool}'
    )
    return make_sdist("rusty", "1.0", files, pyproject=pyproject)
