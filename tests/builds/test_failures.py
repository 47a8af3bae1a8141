"""What a failed build comes to: its stage, its reason, and the hint that holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds.failures import failure, failure_of
from amrasaman_nox.builds.hooks import HookFailed
from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.model import Digest, Pin, Source

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildFailure

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
        ("error: can't find Rust compiler, rustc", "--only-binary demo"),
        ("URLError: <urlopen error [Errno -3]>", "a build has no network"),
        ("a.c:1:10: fatal error: Python.h: No such file or directory", "python3-dev"),
        ("error: command 'gcc' failed: No such file or directory", "install a C and C++ compiler"),
        ("x.c:2:10: fatal error: zlib.h: No such file or directory", "the library's headers"),
        ("ModuleNotFoundError: No module named 'setuptools'", "report it to the project"),
        ("OSError: [Errno 28] No space left on device", "free some space"),
        ("all is well", ""),
    ],
)
def test_the_log_suggests_a_hint(log: str, hint: str) -> None:
    found = of_hook(log).hint
    assert hint in found
    assert bool(hint) == bool(found)


@pytest.mark.parametrize(
    ("limit", "option"), [("time (3600 s)", "--timeout"), ("memory (1 GiB)", "--max-memory")]
)
def test_a_limit_names_the_option_that_raises_it(limit: str, option: str) -> None:
    assert option in of_hook("", reason=f"limit passed: {limit}").hint


def test_a_failure_is_that_of_its_source() -> None:
    found = failure(SOURCE, stage="executor", reason="gone", code=ExitCode.NOT_AVAILABLE)
    assert (found.name, found.version, found.origin) == ("demo", "1.0", ORIGIN)
    assert (found.log, found.log_path, found.hint) == ("", None, "")
