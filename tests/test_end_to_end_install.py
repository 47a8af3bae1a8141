"""What is built installs, by three installers, with nothing but the verified file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .support import miniatures
from .support.bench import BIN

if TYPE_CHECKING:
    from pathlib import Path

    from .support.bench import Bench

IMPORTS = (
    "import mini_flit, mini_hatch, mini_setuptools, mini_c, mini_poetry, mini_pdm, mini_legacy"
)


@pytest.fixture
def built(bench: Bench) -> Bench:
    """A folder with the wheels of all miniatures and the verified file."""
    assert bench.asaman("-r", bench.write(*miniatures.pins())).returncode == 0
    assert bench.generate("requirements.txt").returncode == 0
    return bench


def run(bench: Bench, *command: str | Path) -> str:
    done = subprocess.run(
        command,
        cwd=bench.folder,
        env={**bench.environment(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pip_installs_them_by_their_hashes(built: Bench) -> None:
    python = built.folder / "venv/bin/python"
    run(built, sys.executable, "-m", "venv", "venv")
    run(
        built,
        *(python, "-m", "pip", "install", "--no-index", "--find-links", "./wheels"),
        *("--require-hashes", "--only-binary", ":all:", "-r", "verified-requirements.txt"),
    )
    assert "No broken requirements found" in run(built, python, "-m", "pip", "check")
    run(built, python, "-c", IMPORTS)


def test_uv_installs_them_by_their_hashes(built: Bench) -> None:
    uv = BIN / "uv"
    run(built, uv, "venv", "--python", sys.executable, "venv", "--offline", "--no-config")
    client = (uv, "pip", "install", "--python", "venv", "--offline", "--no-config", "--no-cache")
    run(
        built,
        *(*client, "--no-index", "--find-links", "wheels", "--require-hashes"),
        *("--only-binary", ":all:", "-r", "verified-requirements.txt"),
    )
    run(built, uv, "pip", "check", "--python", "venv", "--offline", "--no-config")
    run(built, built.folder / "venv/bin/python", "-c", IMPORTS)


@pytest.mark.slow
def test_uv_installs_from_the_verified_pylock(built: Bench) -> None:
    pins = [miniatures.pin(name).partition("sha256:")[2] for name in ("mini-flit", "mini-c")]
    files = built.index_url.removesuffix("simple/") + "files"
    built.write(
        'lock-version = "1.0"\ncreated-by = "test"',
        *(
            f'[[packages]]\nname = "{name}"\nversion = "1.0"\nsdist = '
            f'{{ url = "{files}/{name.replace("-", "_")}-1.0.tar.gz", '
            f'hashes = {{ sha256 = "{digest}" }} }}'
            for name, digest in zip(("mini-flit", "mini-c"), pins, strict=True)
        ),
        name="pylock.toml",
    )
    assert built.asaman("-r", "pylock.toml").returncode == 0
    assert built.generate("pylock.toml").returncode == 0
    uv = BIN / "uv"
    run(built, uv, "venv", "--python", sys.executable, "venv", "--offline", "--no-config")
    client = (uv, "pip", "sync", "--python", "venv", "--offline", "--no-config", "--no-cache")
    run(built, *client, "--preview-features", "pylock", "pylock.verified.toml")
    run(built, built.folder / "venv/bin/python", "-c", "import mini_flit, mini_c")


@pytest.mark.slow
def test_installer_takes_them(built: Bench) -> None:
    pytest.importorskip("installer")
    for wheel in built.hashes():
        run(
            built,
            *(sys.executable, "-m", "installer", "--validate-record", "all"),
            *("--destdir", "installed", "--no-compile-bytecode", built.wheels / wheel),
        )
    assert list((built.folder / "installed").rglob("mini_flit.py"))


@pytest.mark.slow
def test_the_verified_file_installs_from_an_index_of_the_wheels(built: Bench) -> None:
    run(built, BIN / "asaman", "verify", "-r", "requirements.txt", "--vary", "umask",
        "--index-url", built.index_url, "--cache-dir", built.cache, "--json", "v.json")  # fmt: skip
    run(built, BIN / "asaman", "index", "wheels", "site", "--report", "v.json")
    assert "identical" in (built.folder / "site/projects/mini-c.html").read_text()
    uv, index = BIN / "uv", f"{(built.folder / 'site/simple').as_uri()}/"
    given = ("--require-hashes", "--only-binary", ":all:", "-r", "verified-requirements.txt")
    run(built, uv, "venv", "--python", sys.executable, "venv", "--offline", "--no-config")
    client = (uv, "pip", "install", "--python", "venv", "--no-config", "--no-cache")
    run(built, *client, "--default-index", index, *given)
    run(built, built.folder / "venv/bin/python", "-c", IMPORTS)
    run(built, sys.executable, "-m", "venv", "other")
    python = built.folder / "other/bin/python"
    run(built, python, "-m", "pip", "install", "--no-cache-dir", "--index-url", index, *given)
    run(built, python, "-c", IMPORTS)
