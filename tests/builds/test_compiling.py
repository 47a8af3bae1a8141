"""What cargo compiles is told while it works."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import compiling
from amrasaman_nox.builds.jobs import job_of
from amrasaman_nox.config.config import Config
from amrasaman_nox.model import Crate, Digest, Event, Pin, RustToolchain, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import BuildJob, Interpreter

CRATES = tuple(
    Crate(name=name, version="1.0.0", digest=Digest.of(name.encode())) for name in ("a", "b", "c")
)
TOOLCHAIN = RustToolchain(
    sysroot="/opt/rust", version="1.95.0", commit="c", host="h", cargo="c", digest=Digest.of(b"")
)


@pytest.fixture
def job(interpreter: Interpreter) -> BuildJob:
    pin = Pin(name="one", version="1.0")
    source = Source(pin=pin, filename="one-1.0.tar.gz", digest=Digest.of(b"s"), crates=CRATES)
    found = job_of(source, interpreter, (), config=Config(), isolation="none")
    return replace(found, rust=TOOLCHAIN)


def heard(job: BuildJob, output: Sequence[bytes]) -> list[tuple[str, str, int]]:
    events: list[Event] = []
    with compiling.told(job, events.append) as take:
        assert take is not None
        for part in output:
            take(part)
    return [(one.state, one.name, one.count) for one in events]


def test_each_crate_is_told_and_counted_against_the_lock(job: BuildJob) -> None:
    output = [b"   Compiling a v1.0.0\n   Comp", b"iling b v1.0.0-rc.1+x\r\nwarning: x\n"]
    assert heard(job, output) == [
        ("total", "", 4),
        ("start", "a v1.0.0", 0),
        ("done", "a v1.0.0", 0),
        ("start", "b v1.0.0-rc.1+x", 0),
        ("done", "b v1.0.0-rc.1+x", 0),
        # What is for another platform.
        ("total", "", -2),
    ]


def test_the_source_itself_is_named_without_its_folder(job: BuildJob) -> None:
    assert ("start", "one v1.0.0", 0) in heard(job, [b"   Compiling one v1.0.0 (/build/source)\n"])


@pytest.mark.parametrize(
    "line",
    [
        b"   Compiling \x1b[31m v1.0.0\n",
        b"   Compiling " + b"a" * 65 + b" v1.0.0\n",
        b"   Compiling a\n",
        b"note: Compiling a v1.0.0\n",
        b"\0" * 100_000 + b"\n",
        b"   Compiling a v1.0.0",
    ],
)
def test_other_lines_are_no_crate(job: BuildJob, line: bytes) -> None:
    assert heard(job, [line]) == [("total", "", 4), ("total", "", -4)]


def test_a_line_without_an_end_is_not_kept(job: BuildJob) -> None:
    with compiling.told(job, lambda event: None) as take:
        assert take is not None
        for _ in range(100):
            take(b"x" * 10_000)
        assert len(take.__self__.rest) <= 200  # type: ignore[attr-defined]


def test_where_there_is_no_rust_or_nobody_looks_nothing_is_read(job: BuildJob) -> None:
    with compiling.told(job, None) as take:
        assert take is None
    with compiling.told(replace(job, rust=None), lambda event: None) as take:
        assert take is None
