"""Headers and libraries of the system that a build read are found, and no wheel changes by that."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import system_files
from amrasaman_nox.model import Digest, SystemPackage
from amrasaman_nox.records import parse, render
from tests.support.projects import make_sdist
from tests.support.rusty import BACKEND
from tests.wheels.handmade import wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.sources.store import Store
    from tests.support.bench import Bench

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("dpkg-query") is None,
    reason="there is no gcc or no dpkg here",
)
SOURCE = "#include <math.h>\ndouble twice(double x) { return sin(x) + cos(x); }\n"
GCC = 'subprocess.run(["gcc", "-shared", "-fPIC", "-o", "x.so", "x.c", "-lm"], check=True)'


def read(listed: Path, store: Store, target: Path | None = None) -> tuple[SystemPackage, ...]:
    return system_files.read(listed, target, io.BytesIO(wheel()), "x-1-py3-none-any.whl", store)


def compiled(folder: Path, name: str, **variables: str) -> bytes:
    (folder / "x.c").write_text(SOURCE)
    command = ["gcc", "-c", "-O2", "-o", name, "x.c"]
    environment = {"PATH": os.environ["PATH"], **variables}
    subprocess.run(command, cwd=folder, check=True, env=environment)
    return (folder / name).read_bytes()


def test_gcc_lists_what_it_reads_and_writes_the_same_bytes(tmp_path: Path, store: Store) -> None:
    plain = compiled(tmp_path, "plain.o")
    assert compiled(tmp_path, "listed.o", **system_files.variables(str(tmp_path))) == plain
    found = read(tmp_path / system_files.LIST, store)
    (header,) = [one for one in found if any(path.endswith("/math.h") for path, _ in one.files)]
    assert (header.kind, header.name) == ("deb", "libc6-dev")
    assert header.version
    # The second time all of it is remembered.
    assert read(tmp_path / system_files.LIST, store) == found


def test_only_files_of_the_system_count_whatever_a_build_lists(
    tmp_path: Path, store: Store
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    listed = tmp_path / "list"
    listed.write_text(
        f"system: \\\n {secret} /etc/passwd /usr/../etc/shadow /usr/include /usr/no/such "
        f"/lib/../{secret} /usr/bin/env\x00 /usr/bin/env"
    )
    found = read(listed, store)
    assert [path for one in found for path, _ in one.files] == ["/usr/bin/env"]
    listed.unlink()
    os.mkfifo(listed)
    assert read(listed, store) == ()
    assert read(tmp_path / "none", store) == ()


def test_lists_of_rustc_count(tmp_path: Path, store: Store) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "release/x.d").write_text("x.so: src/lib.rs /usr/bin/env\n")
    found = read(tmp_path / "none", store, tmp_path)
    assert [path for one in found for path, _ in one.files] == ["/usr/bin/env"]


def test_the_record_of_a_compiled_wheel_has_them_and_the_wheel_is_the_same_without(
    rust_bench: Bench,
) -> None:
    start = BACKEND.index("    subprocess.run(")
    end = BACKEND.index("    name = ")
    backend = f"{BACKEND[:start]}    {GCC}\n{BACKEND[end:]}".replace(
        'os.environ["CARGO_TARGET_DIR"] + "/release/librusty.so"', '"x.so"'
    )
    contents: dict[str, bytes | str] = {"x.c": SOURCE, "backend.py": backend}
    sdist = make_sdist("rusty", "1.0", contents, requires=(), backend="backend", backend_path=".")
    (rust_bench.folder / "rusty-1.0.tar.gz").write_bytes(sdist)
    done = rust_bench.asaman("-s", "rusty-1.0.tar.gz")
    assert done.returncode == 0, done.stdout + done.stderr
    first = rust_bench.hashes()
    (name,) = first
    content = (rust_bench.wheels / f"{name}.provenance.json").read_bytes()
    record = parse(content, name)
    assert {"libc6", "libc6-dev"} <= {package.name for package in record.system}
    assert record.distribution
    assert render(record).encode() == content
    elsewhere = "SUNPRO_DEPENDENCIES=/tmp/elsewhere x"
    done = rust_bench.asaman("-s", "rusty-1.0.tar.gz", "--env", elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rust_bench.hashes() == first
    other = parse((rust_bench.wheels / f"{name}.provenance.json").read_bytes(), name)
    assert {package.name for package in other.system} == {"libc6"}
    # On another machine: what its record names and is not there is said, and the wheel is built.
    missing = SystemPackage(
        kind="deb", name="libssl-dev", version="3.0.15", architecture="amd64",
        files=(("/usr/include/openssl/no-such.h", Digest.of(b"h")),),
    )  # fmt: skip
    again = rust_bench.folder / f"{name}.provenance.json"
    again.write_text(render(dataclasses.replace(record, system=(*record.system, missing))))
    done = rust_bench.asaman("rebuild", again.name, "-o", "rebuilt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rusty==1.0: not as in its record: libssl-dev 3.0.15, here none" in done.stderr
    rebuilt = Digest.of((rust_bench.folder / "rebuilt" / name).read_bytes())
    assert rebuilt == record.wheel.digest
