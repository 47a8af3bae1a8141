"""Real Rust sources: built at the first try, verified under all variations, and installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..evaluation import benchmark
from ..support.bench import Bench
from ..support.rusty import sysroot

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.online, pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent
SERVER = HERE / "requirements-server.txt"
FILES = (
    Path(benchmark.__file__).with_name(benchmark.SETS["rust"].file),
    HERE / "requirements-rust.txt",
)


def pins(*files: Path) -> Iterator[str]:
    for file in files:
        yield from file.read_text().partition("\n")[2].replace("\\\n", "").splitlines()


def rust_bench(folder: Path, name: str) -> Bench:
    """Return a bench that takes crates from where the user's cargo takes them."""
    bench = Bench(folder / name, "", folder / "cache" / name)
    bench.patience = 3600
    bench.variables["CARGO_HOME"] = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    return bench


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")


@pytest.mark.parametrize("pin", list(pins(*FILES)), ids=lambda pin: pin.partition(" ")[0])
def test_a_rust_source_is_the_same_under_all_variations_and_on_both_rungs(
    pin: str, tmp_path: Path
) -> None:
    need("pkg-config")
    one, other = rust_bench(tmp_path, "one"), rust_bench(tmp_path, "another folder")
    options = ("-r", one.write(pin), "--rust", sysroot())
    done = one.asaman("verify", *options, "--isolation", "full", "--json", "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads((one.folder / "report.json").read_text())["comparisons"]
    assert found["verdict"] == "identical", found
    other.variables |= {"TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "USER": "somebody"}
    other.write(pin)
    done = other.asaman(*options, "--isolation", "namespaces", preexec=lambda: os.umask(0o077))
    assert done.returncode == 0, done.stdout + done.stderr
    assert other.hashes() == one.hashes()


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the file is for Python 3.11")
def test_the_server_of_the_first_users_is_built_verified_and_installed_without_a_published_wheel(
    tmp_path: Path,
) -> None:
    need("pkg-config", "apxs")
    bench = rust_bench(tmp_path, "server")
    bench.write(*pins(SERVER))
    done = bench.asaman("verify", "-r", "requirements.txt", "--rust", sysroot())
    assert done.returncode == 0, done.stdout + done.stderr
    assert bench.generate("requirements.txt").returncode == 0
    subprocess.run([sys.executable, "-m", "venv", "fresh"], cwd=bench.folder, check=True)
    install = ("install", "--no-index", "--find-links", "wheels", "--only-binary", ":all:")
    for command in ((*install, "--require-hashes", "-r", "verified-requirements.txt"), ("check",)):
        subprocess.run(["fresh/bin/pip", *command], cwd=bench.folder, check=True)
