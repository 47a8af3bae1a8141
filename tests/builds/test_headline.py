"""The one line of a failed hook's output that says why."""

from __future__ import annotations

import time

import pytest

from amrasaman_nox.builds.headline import headline, telling

HOOK = """Traceback (most recent call last):
  File "/build/frontend/start.py", line 165, in <module>
    main()
  File "/build/frontend/hook.py", line 381, in main
    json_out["return_val"] = hook(**hook_input["kwargs"])
                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/build/environment/lib/python3.11/site-packages/setuptools/build_meta.py", line 438, in b
    raise CalledProcessError(retcode, cmd)
"""
CALLED = "subprocess.CalledProcessError: Command '['x']' returned non-zero exit status 127."
COMPILED = """gcc -Wall -c a.c -o build/a.o
In file included from cupsconnection.c:22:
cupsconnection.h:26:10: fatal error: cups/http.h: No such file or directory
   26 | #include <cups/http.h>
      |          ^~~~~~~~~~~~~
compilation terminated.
error: command '/usr/bin/gcc' failed with exit code 1
"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        # The exception that ended the hook, and nothing that its message goes on with.
        (
            f"{HOOK}Exception: autogen.sh failed, you might lack one of: autoconf automake\n"
            "To opt out, set NO_COMPILE (if there is an error: ask)\n",
            "Exception: autogen.sh failed, you might lack one of: autoconf automake",
        ),
        (f"{HOOK}KeyError: 'x'\n", "KeyError: 'x'"),
        # What a program said before the exception that only tells that it failed.
        (
            f"/build/source/autogen.sh: 3: autoreconf: not found\n{HOOK}{CALLED}\n",
            "/build/source/autogen.sh: 3: autoreconf: not found",
        ),
        (
            'meson.build:107:0: ERROR: Dependency "dbus-1" not found, tried pkgconfig\n\n'
            f"A full log can be found at /build/x.txt\n+ meson setup\n{HOOK}{CALLED}\n",
            'meson.build:107:0: ERROR: Dependency "dbus-1" not found, tried pkgconfig',
        ),
        (
            COMPILED,
            "cupsconnection.h:26:10: fatal error: cups/http.h: No such file or directory",
        ),
        (
            "error[E0425]: cannot find value `x` in this scope\n --> src/lib.rs:1:1\n"
            "error: could not compile `demo` (lib) due to 1 previous error\n"
            "error: `cargo rustc --lib` failed with code 101\n",
            "error[E0425]: cannot find value `x` in this scope",
        ),
        (
            "CMake Error at CMakeLists.txt:3 (find_package):\n"
            "  Could not find a package configuration file provided by \"foo\"\n\n"
            "-- Configuring incomplete, errors occurred!\n"
            "*** CMake configuration failed\n",
            "CMake Error at CMakeLists.txt:3 (find_package): "
            'Could not find a package configuration file provided by "foo"',
        ),
        (
            "Package 'cairo', required by 'virtual:world', not found\n"
            "Command '['pkg-config', '--exists', 'cairo']' returned non-zero exit status 1.\n",
            "Package 'cairo', required by 'virtual:world', not found",
        ),
        (
            "/usr/bin/ld: cannot find -lfoo: No such file or directory\n"
            "collect2: error: ld returned 1 exit status\n"
            "error: command '/usr/bin/gcc' failed with exit code 1\n",
            "/usr/bin/ld: cannot find -lfoo: No such file or directory",
        ),
        # An exception whose message begins in the next line, or that has none of its own.
        (f"{HOOK}RuntimeError:\n\n  give it a name\n", "RuntimeError: give it a name"),
        (
            f"{HOOK}sipbuild.pyproject.PyProjectOptionException\n"
            "PyProjectOptionException: specify a working Qt qmake\n",
            "PyProjectOptionException: specify a working Qt qmake",
        ),
        (f"{HOOK}AssertionError\n", "AssertionError"),
        # Nothing but the wrapper, a last line, nothing at all.
        (f"building\n{HOOK}{CALLED}\n", CALLED),
        ("warning: no files found matching '*.rst'\nbye\n", "bye"),
        ("", ""),
        ("\n \n", ""),
    ],
)  # fmt: skip
def test_the_cause_is_named_and_not_what_wraps_it(output: str, line: str) -> None:
    assert headline(output) == line


def test_an_inner_traceback_is_named_by_its_exception() -> None:
    inner = (
        "Traceback (most recent call last):\n"
        '  File "setup.py", line 3, in <module>\n'
        "    import Error: x\n"
        "ImportError: no such thing\n"
    )
    assert headline(f"{inner}{HOOK}{CALLED}\n") == "ImportError: no such thing"


def test_what_only_has_the_words_does_not_tell() -> None:
    output = (
        "checking for fork... not found\n"
        "warning: no files found matching '*.txt'\n"
        "a.c:3:5: warning: an error: of a kind\n"
        "a.c:9:1: error: expected ';'\n"
        "copying error: not found.py -> build\n"
    )
    assert list(telling(output)) == ["a.c:9:1: error: expected ';'"]


@pytest.mark.parametrize(
    "text",
    ["Command " * 200_000, "CMake Error at " * 100_000, "Error" * 300_000, "error: \n" * 200_000,
     'File "/build/frontend/hook.py"\n' * 50_000, "a" * 2_000_000],
)  # fmt: skip
def test_no_output_can_stall_the_search(text: str) -> None:
    started = time.process_time()
    headline(text)
    list(telling(text))
    assert time.process_time() - started < 1.0
