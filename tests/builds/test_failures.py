"""What a failed build comes to: its stage, its reason, and the hint that holds."""

from __future__ import annotations

import dataclasses
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import builder
from amrasaman_nox.builds.failures import HINTS, LATER_HINTS, failure_of, hint_for
from amrasaman_nox.builds.hooks import HookFailed
from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import BuildFailure, Digest, Pin, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


ORIGIN = Origin(path="requirements.txt", line=3)
DIGEST = Digest.of(b"")
SOURCE = Source(
    pin=Pin(name="demo", version="1.0", digests=(DIGEST,), origin=ORIGIN),
    filename="demo-1.0.tar.gz",
    digest=DIGEST,
)


def of_hook(log: str, reason: str = "it broke") -> BuildFailure:
    return failure_of(SOURCE, "build", HookFailed(hook="build_wheel", reason=reason, log=log))


def test_an_error_keeps_its_text_hint_and_exit_code_at_the_stage_where_it_came_up() -> None:
    error = AsamanError("wheels", "read-only", hint="mount it", code=ExitCode.INPUT_OUTPUT)
    found = failure_of(SOURCE, "publish", error)
    assert (found.name, found.version, found.origin) == ("demo", "1.0", ORIGIN)
    assert (found.stage, found.reason, found.hint) == ("publish", str(error), "mount it")
    assert found.code is ExitCode.INPUT_OUTPUT


def test_a_hook_that_failed_is_the_stage_and_its_log_is_kept() -> None:
    error = HookFailed(hook="build_wheel", reason="it broke", log="the end of it")
    error.log_path = "/logs/demo.log"
    found = failure_of(SOURCE, "lock", error)
    assert (found.stage, found.reason, found.hint) == ("build_wheel", "it broke", "")
    assert (found.log, found.log_path) == ("the end of it", "/logs/demo.log")
    assert found.code is ExitCode.BUILD_FAILED


@pytest.mark.parametrize(
    ("log", "hint"),
    [
        ("error: can't find Rust compiler", "Rust toolchain"),
        ("/bin/sh: 1: cargo: not found", "Rust toolchain"),
        ("Cargo, the Rust package manager, is not installed or is not on PATH.\nerror: x", ""),
        ("error: Cargo, the Rust package manager, is not installed", "Rust toolchain"),
        ("error: failed to get `foo`: Could not resolve host: index.crates.io", "Cargo.lock"),
        ("could not fetch from crates.io", "its Cargo.lock does not name"),
        ("error: failed to get `greets` as a dependency", "its Cargo.lock does not name"),
        ("Could not find directory of OpenSSL installation", "libssl-dev (Debian)"),
        ("The system library `libpq` required by crate `pq-sys` was not found.", "libpq-dev"),
        ("error: package `a v1.0.0` cannot be built: it requires rustc 1.99", "--rust"),
        ("error: could not compile `greets` (lib) due to 1 previous error; cargo, rustc", ""),
        # Only where it is so: names of files and of build requirements say nothing.
        ("copying cargo/maturin.py\nerror: it broke", ""),
        ("Installing maturin\nValueError: crates", ""),
        ("URLError: <urlopen error [Errno -3]>", "a build has no network"),
        ("error: Temporary failure in name resolution", "no network"),
        ("a.c:1:10: fatal error: Python.h: No such file or directory", "python3-dev"),
        ("a.c:1:10: fatal error: Python.h: No such file or directory", "python3-devel (Fedora)"),
        ("error: command 'gcc' failed: No such file or directory", "build-essential"),
        ("/bin/sh: 1: cc: not found", "gcc-c++"),
        ("sh: clang: command not found", "build-essential"),
        ("CMake Error: No C compiler", "build-essential"),
        ("../meson.build:1:0: ERROR: Unknown compiler(s): [['cc']]", "build-essential"),
        ("x.c:2:10: fatal error: zlib.h: No such file or directory", "zlib1g-dev (Debian)"),
        ("a.c:1:10: fatal error: libpq-fe.h: No such file or directory", "libpq-devel (Fedora)"),
        ("a.c:1:10: fatal error: own/thing.h: No such file or directory", "apt-file search"),
        # No header of a library: those of the interpreter that are no more.
        ("a.c:1:10: fatal error: longintrepr.h: No such file or directory", "too old for this"),
        (
            "a.c:1:2: error: ‘_PyErr_StackItem’ {aka ‘struct _err’} has no member named x",
            "too old for this",
        ),
        ("a.c:407:23: error: lvalue required as left operand of assignment", "too old for this"),
        ("AttributeError: module 'pkgutil' has no attribute 'ImpImporter'", "too old for this"),
        ("ModuleNotFoundError: No module named 'distutils'", "too old for this"),
        ("ModuleNotFoundError: No module named 'lib2to3.pgen2'", "too old for this"),
        ("AttributeError: 'Element' object has no attribute 'getiterator'", "too old for this"),
        ("AttributeError: module 'collections' has no attribute 'Mapping'", "too old for this"),
        ("AttributeError: 'Command' object has no attribute 'own'", ""),
        ("ModuleNotFoundError: No module named 'urllib2'", "is for Python 2: pin a newer"),
        ("NameError: name 'unicode' is not defined", "is for Python 2"),
        ("SyntaxError: Missing parentheses in call to 'print'. Did you mean", "is for Python 2"),
        ("SyntaxError: multiple exception types must be parenthesized", "is for Python 2"),
        ("NameError: name 'own' is not defined", ""),
        ("error: invalid command 'bdist_msi'", "too old for this"),
        (
            "LookupError: setuptools-scm was unable to detect version for /x.",
            "--env SETUPTOOLS_SCM",
        ),
        ("ValueError: Cannot find the version from SCM or SCM isn't detected.", "--env PDM_BUILD"),
        ("Exception: Versioning for this project requires either an sdist", "--env PBR_VERSION="),
        ("error: invalid command 'bdist_wininst'", "--relock demo --as-of demo=2022-06-01"),
        ("a.c:1:10: fatal error: numpy/arrayobject.h: No such file or directory", "not declare"),
        ("ModuleNotFoundError: No module named 'setuptools'", "report this to the project"),
        ("ModuleNotFoundError: No module named 'cffi'", "does not declare"),
        ("OSError: [Errno 28] No space left on device", "free some space"),
        ("all is well", ""),
        ("something else went wrong", ""),
        ("file not found", ""),
        ("a fatal error: of another kind", ""),
    ],
)
def test_the_log_suggests_a_hint(log: str, hint: str) -> None:
    found = of_hook(log).hint
    assert hint in found
    assert bool(hint) == bool(found)


def test_the_published_wheel_is_offered_where_its_hash_is_pinned() -> None:
    error = HookFailed(hook="build_wheel", reason="it broke", log="sh: 1: swig: not found")
    pin = dataclasses.replace(SOURCE.pin, digests=(DIGEST, Digest.of(b"wheel")))
    found = failure_of(dataclasses.replace(SOURCE, pin=pin), "build", error)
    offer = "use the published wheel: --only-binary demo"
    assert found.hint == f"install it: swig (Debian), swig (Fedora), or {offer}"
    assert found.takes_wheel
    alone = failure_of(SOURCE, "build", error)
    assert "--only-binary" not in alone.hint
    assert not alone.takes_wheel


@pytest.mark.parametrize(
    ("limit", "option"),
    [
        ("time limit exceeded (3600 s)", "--timeout"),
        ("memory limit exceeded (1 GiB)", "--max-memory"),
    ],
)
def test_a_limit_names_the_option_that_raises_it(limit: str, option: str) -> None:
    assert option in of_hook("", reason=limit).hint


def test_a_failure_is_that_of_its_source() -> None:
    pin, code = SOURCE.pin, ExitCode.NOT_AVAILABLE
    found = BuildFailure.of(pin, stage="executor", reason="gone", code=code)
    assert found.code is code
    assert (found.name, found.version, found.origin) == ("demo", "1.0", ORIGIN)
    assert (found.log, found.log_path, found.hint) == ("", None, "")


# --- what a stranger can make long ---------------------------------------------------------------


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Fail if the block uses more CPU seconds than *seconds*."""
    started = time.process_time()
    yield
    used = time.process_time() - started
    assert used < seconds, f"{used:.2f} CPU seconds"


def test_only_the_end_of_a_log_is_searched() -> None:
    assert not hint_for("", "cc: not found\n" + "more\n" * 1000)
    assert hint_for("", "more\n" * 1000 + "sh: cc: not found\n")


def test_no_pattern_can_repeat() -> None:
    for hint in (*HINTS, *LATER_HINTS):
        for pattern in hint.patterns:
            assert not re.search(r"(?<!\\)[*+]", pattern), pattern


@pytest.mark.parametrize(
    "text",
    [
        "cc " * 22_000,
        "cc: " * 16_000,
        "g++' : gcc " * 6_000,
        "fatal error: " * 5_000,
        "cc: \n" * 13_000,
        "name resolutio" * 4_700,
        "ModuleNotFoundError: No module named '" * 1_700,
    ],
)
def test_a_log_cannot_stall_the_search(text: str) -> None:
    with bounded(1.0):
        hint_for(text, text)


def test_a_reason_is_cut_where_it_is_made() -> None:
    with bounded(4.0):
        failed = HookFailed(hook="build_wheel", reason="x\x1b" * 2_500_000)
        assert len(failed.reason) <= 1000
        error = AsamanError("y\x1b" * 2_500_000, "z" * 5_000_000, hint="w" * 5_000_000)
        assert all(len(line) <= 500 for line in error.lines())
        assert len(str(error)) + len(repr(error)) + len(error.hint) < 200_000


def test_a_few_names_of_many_files_are_listed(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number:04}-{'x' * 200}").touch()
    with (
        bounded(2.0),
        pytest.raises(HookFailed) as caught,
        builder.collect(tmp_path, "n" * 5_000_000),
    ):
        pass
    assert "0000-xxx" in caught.value.reason
    assert "0004-xxx" in caught.value.reason
    assert "0005-" not in caught.value.reason
    assert caught.value.reason.endswith(" and 2995 more")
    assert len(caught.value.reason) < 1000
