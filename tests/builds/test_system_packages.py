"""Packages of Debian and Fedora that hold what a build lacks."""

from __future__ import annotations

import time

import pytest

from amrasaman_nox.builds.system_packages import PACKAGES, hint_for_missing, missing_in, package_of


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("/build/source/autogen.sh: 3: autoreconf: not found", "autoreconf"),
        ("bash: line 1: frobnicate: command not found", "frobnicate"),
        ("sh: 1: frobnicate: not found", "frobnicate"),
        ("error: command 'swig' failed: No such file or directory", "swig"),
        ("error: command '/usr/bin/swig' failed: No such file or directory", "swig"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'cmake'", "cmake"),
        ("Error: pg_config executable not found.", "pg_config"),
        ("ERROR: Program 'flex' not found or not executable", "flex"),
        ("PyProjectOptionException: specify a working Qt qmake or add it to PATH", "qmake"),
        ("a.c:1:10: fatal error: sasl/sasl.h: No such file or directory", "sasl/sasl.h"),
        ("a.cc:1:10: fatal error: boost/any.hpp: No such file or directory", "boost/any.hpp"),
        ('meson.build:1:0: ERROR: Dependency "dbus-1" not found, tried pkgconfig', "dbus-1.pc"),
        ("Package cairo was not found in the pkg-config search path.", "cairo.pc"),
        ("Package 'cairo', required by 'virtual:world', not found", "cairo.pc"),
        ("No package 'libffi' found", "libffi.pc"),
        ("Command 'pkg-config --exists libmariadb' returned non-zero exit status 1.",
         "libmariadb.pc"),
        ("/usr/bin/ld: cannot find -lffi: No such file or directory", "libffi.so"),
        ("error: libhdf5.so: cannot open shared object file: No such file", "libhdf5.so"),
        # A file of the project is no program.
        ("FileNotFoundError: [Errno 2] No such file or directory: 'README.md'", ""),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/build/source/cmake'", ""),
        ("file not found", ""),
        ("module not found", ""),
        ("all is well", ""),
    ],
)  # fmt: skip
def test_what_is_missing_is_read_from_a_line(line: str, missing: str) -> None:
    assert missing_in(line) == missing


@pytest.mark.parametrize(
    ("missing", "debian", "fedora"),
    [
        ("autoreconf", "autoconf", "autoconf"),
        ("sasl/sasl.h", "libsasl2-dev", "cyrus-sasl-devel"),
        ("Python.h", "python3-dev", "python3-devel"),
        ("libpq-fe.h", "libpq-dev", "libpq-devel"),
        ("postgresql/libpq-fe.h", "libpq-dev", "libpq-devel"),
        ("dbus-1.pc", "libdbus-1-dev", "dbus-devel"),
        ("libffi.so", "libffi-dev", "libffi-devel"),
        ("qmake", "qt6-base-dev", "qt6-qtbase-devel"),
    ],
)
def test_the_hint_names_the_packages_of_both(missing: str, debian: str, fedora: str) -> None:
    hint = hint_for_missing(missing)
    assert f"{debian} (Debian)" in hint
    assert f"{fedora} (Fedora)" in hint


@pytest.mark.parametrize("missing", ["strange/thing.h", "strange", "strange.pc"])
def test_what_no_row_has_is_searched_for_with_the_tools_of_both(missing: str) -> None:
    hint = hint_for_missing(missing)
    assert f"apt-file search {missing}" in hint
    assert "dnf provides" in hint


def test_each_thing_is_in_one_row_with_both_names() -> None:
    held = [name for package in PACKAGES for name in package.holds.split()]
    assert len(held) == len(set(held))
    assert all(package.debian and package.fedora for package in PACKAGES)
    assert package_of("nothing of this") is None


@pytest.mark.parametrize(
    "text", ["a" * 1000, "pkg-config --a " * 60, "(: not found" * 80, "a: " * 300]
)
def test_no_line_can_stall_the_search(text: str) -> None:
    started = time.process_time()
    for _ in range(40):
        missing_in(text)
    assert time.process_time() - started < 1.0
