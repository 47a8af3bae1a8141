"""A record that has one of everything that an SBOM tells of."""

from __future__ import annotations

import dataclasses

from amrasaman_nox.model import (
    BuildEnvironment,
    BuildRecord,
    Crate,
    Digest,
    LockedFile,
    RustToolchain,
    SystemPackage,
    Tool,
    Verdict,
)
from amrasaman_nox.verification.verdicts import Found

from ..reports.examples import interpreter, record

FLIT = LockedFile(filename="flit_core-3.12.0-py3-none-any.whl", digest=Digest.of(b"flit"))
ITOA = Crate(name="itoa", version="1.0.11", digest=Digest.of(b"itoa"), registry="registry")
LIBC = SystemPackage(
    kind="deb",
    name="libc6-dev",
    version="2.36-9+deb12u14",
    architecture="amd64",
    files=(("/usr/include/stdio.h", Digest.of(b"stdio")),),
)
NOBODYS = SystemPackage(
    kind="", name="", version="", architecture="", files=(("/opt/x.h", Digest.of(b"x")),)
)
PYTHON = interpreter("/usr/bin/python3", "3.11.7", b"python")
RUST = RustToolchain(
    sysroot="/r",
    version="1.95.0",
    commit="abc",
    host="x86_64-unknown-linux-gnu",
    cargo="cargo 1.95.0",
    digest=Digest.of(b"rust"),
)
SAME = Found(against="rebuild", verdict=Verdict.IDENTICAL, varied=("umask", "clock"))


def full(name: str = "a") -> BuildRecord:
    """A record of a wheel with C and Rust in it."""
    plain = record(name)
    return dataclasses.replace(
        plain,
        source=dataclasses.replace(plain.source, crates=(ITOA,)),
        requirements=(FLIT,),
        interpreter=PYTHON,
        rust=RUST,
        tools=(Tool(name="cc", version="cc 12.2"),),
        distribution="debian 12",
        system=(LIBC, NOBODYS),
        environment=BuildEnvironment(),
        isolation="full",
        backend="maturin",
    )
