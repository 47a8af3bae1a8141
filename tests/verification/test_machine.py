"""What this machine has of what a record names is found, and what it lacks is named."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import tools
from amrasaman_nox.environments.interpreters import inspect
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildRecord, Digest, Interpreter, SystemPackage, Tool
from amrasaman_nox.verification import machine

from ..test_records import of_rust, record

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store

HEADER = "/usr/include/openssl/ssl.h"


def compiled(own: BuildRecord) -> BuildRecord:
    name = "attrs-25.3.0-cp311-cp311-linux_x86_64.whl"
    return dataclasses.replace(own, wheel=dataclasses.replace(own.wheel, filename=name))


def package(name: str, version: str, path: str = HEADER, content: bytes = b"h") -> SystemPackage:
    files = ((path, Digest.of(content)),)
    return SystemPackage(kind="deb", name=name, version=version, architecture="amd64", files=files)


def python(version: str, digest: bytes = b"", platform: str = "linux-x86_64") -> Interpreter:
    own = record().interpreter
    assert own is not None
    minor = "".join(version.split(".")[:2])
    tags = (f"cp{minor}-cp{minor}-linux_x86_64", "py3-none-any")
    return dataclasses.replace(
        own, version=version, platform=platform, digest=Digest.of(digest), tags=tags
    )


# --- the interpreter -------------------------------------------------------------------------


def chosen(own: BuildRecord, *there: Interpreter) -> Interpreter:
    by_name = {str(number): one for number, one in enumerate(there)}

    def find(request: str) -> Interpreter:
        if request not in by_name:
            raise AsamanError(f"interpreter {request}", "missing")
        return by_name[request]

    return machine.interpreter_for(own, ["none", *by_name], find)


def test_the_interpreter_that_is_most_alike_is_chosen() -> None:
    same, patch, other = python("3.11.2", b"python"), python("3.11.2"), python("3.11.9")
    assert chosen(record(), other, patch, same) == same
    assert chosen(record(), other, patch) == patch
    assert chosen(record(), other) == other


@pytest.mark.parametrize(
    "there",
    [
        (),
        (python("3.12.2"),),
        (python("3.11.2", platform="linux-aarch64"),),
        (dataclasses.replace(python("3.11.2"), implementation="pypy"),),
        (dataclasses.replace(python("3.11.2"), tags=("cp311-cp311t-linux_x86_64",)),),
    ],
)
def test_an_interpreter_of_another_kind_is_none(there: tuple[Interpreter, ...]) -> None:
    with pytest.raises(
        AsamanError, match=r"built by cpython 3\.11\.2 on linux-x86_64, here"
    ) as one:
        chosen(compiled(record()), *there)
    assert one.value.code is ExitCode.NOT_AVAILABLE


def test_the_path_in_a_record_is_not_followed() -> None:
    requests = list(machine.requests(record(), ()))
    assert requests == ["", "3.11"]
    assert list(machine.requests(record(), ("3.12",))) == ["3.12"]
    hostile = record().interpreter
    assert hostile is not None
    hostile = dataclasses.replace(hostile, version="../bin/evil.1")
    assert list(machine.requests(dataclasses.replace(record(), interpreter=hostile), ())) == [""]


# --- what is not the same here ---------------------------------------------------------------


def lines(own: BuildRecord, **found: object) -> tuple[str, ...]:
    return machine.lacking(own, dataclasses.replace(own, **found))  # type: ignore[arg-type]


def test_a_package_is_named_with_its_version_and_the_one_here() -> None:
    own = dataclasses.replace(compiled(record()), system=(package("libssl-dev", "3.0.15"),))
    assert lines(own, system=(package("libssl-dev", "3.0.17"),)) == (
        "libssl-dev 3.0.15, here 3.0.17",
    )
    assert lines(own, system=()) == ("libssl-dev 3.0.15, here none",)
    # What is only here is not missing.
    more = (package("libssl-dev", "3.0.15"), package("libz", "1", "/usr/include/z.h"))
    assert lines(own, system=more) == ()


def test_what_only_a_compiler_reads_is_not_named_for_a_pure_wheel() -> None:
    changed = {"tools": (Tool(name="cc", version="cc 13"),), "distribution": "fedora 42"}
    assert lines(record(), **changed) == ()
    own = dataclasses.replace(compiled(record()), distribution="debian 12")
    assert lines(own, **changed) == ("cc 12, here 13", "distribution debian 12, here fedora 42")


def test_the_interpreter_the_toolchain_and_the_rung_are_named() -> None:
    assert lines(record(), interpreter=python("3.11.9"), isolation="namespaces") == (
        "interpreter cpython 3.11.2 linux-x86_64, here cpython 3.11.9 linux-x86_64",
        "isolation rung full, here namespaces",
    )
    rust = of_rust().rust
    assert rust is not None
    other = dataclasses.replace(rust, version="1.60.0")
    assert lines(compiled(of_rust()), rust=other) == (
        "Rust toolchain 1.95.0 x86_64-unknown-linux-gnu, here 1.60.0 x86_64-unknown-linux-gnu",
    )


def test_of_many_things_some_are_named() -> None:
    many = tuple(package(f"lib{number}-dev", "1", f"/usr/include/{number}") for number in range(40))
    found = lines(dataclasses.replace(compiled(record()), system=many), system=())
    assert len(found) == 13
    assert found[-1] == "and 28 more"


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="there is no dpkg here")
def test_packages_are_those_that_own_the_files_here(store: Store) -> None:
    shell = package("dash", "0.0.1", "/usr/bin/env")
    paths = ("/etc/passwd", "/usr/no/such", "/usr/\0", "relative", "/usr/../etc/shadow")
    evil = tuple(package("x", "1", path) for path in paths)
    own = dataclasses.replace(compiled(record()), system=(shell, *evil))
    interpreter = inspect(sys.executable)
    found = machine.here(own, interpreter, None, "none", store)
    assert [path for one in found.system for path, _ in one.files] == ["/usr/bin/env"]
    assert (found.tools, found.isolation) == (tools.reachable(), "none")
    assert found.interpreter == interpreter
    assert "dash 0.0.1, here none" in machine.lacking(own, found)
