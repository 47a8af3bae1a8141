"""A Rust source of one function and one crate, built by a backend of one page with cargo."""

from __future__ import annotations

import functools
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .crates import crate_file, lock_text
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


def greets(more: str = "", build: str = BUILD) -> bytes:
    """Return the crate; *more* is added to its library, *build* is its build script."""
    manifest = (
        '[package]\nname = "greets"\nversion = "1.0.0"\nedition = "2021"\nbuild = "build.rs"\n'
    )
    files = {
        "Cargo.toml": manifest.encode(),
        "src/lib.rs": f"{GREETS}{more}".encode(),
        "build.rs": build.encode(),
    }
    return crate_file("greets", files=files)


def rusty(*crates: Crate, **files: str | bytes) -> bytes:
    """Return the sdist, its lock with *crates*; *files* are added, or replace its own."""
    own = '[[package]]\nname = "rusty"\nversion = "1.0.0"\ndependencies = ["greets"]\n\n'
    lock = f"version = 3\n\n{lock_text(*crates)}{own}"
    contents: dict[str, bytes | str] = {
        "Cargo.toml": MANIFEST,
        "Cargo.lock": lock,
        "src/lib.rs": LIBRARY,
    }
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
