"""What a published wheel shows of how it was built."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from amrasaman_nox.verification.evidence import Evidence, read_evidence
from amrasaman_nox.verification.recipe import infer
from amrasaman_nox.wheels.reader import read_wheel

from ..wheels.handmade import METADATA, WHEEL, wheel

NAME = "demo-1.0-py3-none-any.whl"
INFO = "demo-1.0.dist-info"
UPLOADED = datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)


def evidence_of(data: bytes) -> Evidence:
    content = read_wheel(io.BytesIO(data), NAME, lenient=True)
    return read_evidence(content, UPLOADED)


def generated(line: str) -> bytes:
    return wheel({f"{INFO}/WHEEL": WHEEL.replace(b"maker 1.0", line.encode())})


@pytest.mark.parametrize(
    ("line", "backend", "version"),
    [
        ("bdist_wheel (0.37.1)", "wheel", "0.37.1"),
        ("setuptools (80.9.0)", "setuptools", "80.9.0"),
        ("hatchling 1.27.0", "hatchling", "1.27.0"),
        ("flit 3.12.0", "flit-core", "3.12.0"),
        ("poetry-core 2.1.3", "poetry-core", "2.1.3"),
        ("poetry 1.0.8", "poetry-core", "1.0.8"),
        ("pdm-backend (2.4.5)", "pdm-backend", "2.4.5"),
        ("scikit-build-core 0.11.1", "scikit-build-core", "0.11.1"),
        ("maturin (1.9.4)", "maturin", "1.9.4"),
        ("uv 0.8.3", "uv-build", "0.8.3"),
        ("meson", "", ""),
        ("somebody's own 1.0", "", ""),
        ("hatchling one", "hatchling", ""),
    ],
)
def test_the_generator_line_names_the_backend(line: str, backend: str, version: str) -> None:
    found = evidence_of(generated(line))
    assert (found.generator, found.backend) == (line, backend)
    if backend:
        assert found.version == version


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ((1980, 1, 1, 0, 0, 0), 315532800),
        ((2020, 2, 2, 0, 0, 0), 1580601600),
        ((2107, 12, 31, 23, 59, 58), 4354819198),
    ],
)
def test_times_are_read_as_utc(time: tuple[int, int, int, int, int, int], seconds: int) -> None:
    found = evidence_of(wheel(time=time))
    assert found.times == (seconds,)
    assert found.info_time == seconds


@pytest.mark.parametrize(
    ("mode", "umask"),
    [
        (0o100644, 0o022),
        (0o100664, 0o002),
        (0o100600, 0o077),
        (0o100640, 0o027),
        (0o100660, 0o007),
        (0o100755, 0o022),
    ],
)
def test_modes_tell_the_umask(mode: int, umask: int) -> None:
    assert evidence_of(wheel(mode=mode)).umask == umask


@pytest.mark.parametrize(
    ("epoch", "backend", "times"),
    [
        (1700000000, "setuptools", (1700000000,)),
        (1700000000, "hatchling", (1700000000,)),
        (None, "hatchling", (1580601600,)),
        (None, "pdm-backend", (1451606400,)),
        (1580601600, "setuptools", (1580601600,)),
        (None, "wheel", (1600000000, 1700000000)),
        (None, "flit-core", (1451606400, 1700000000)),
        (None, "", ()),
    ],
)
def test_the_epoch_is_that_of_all_members_or_unset(
    epoch: int | None, backend: str, times: tuple[int, ...]
) -> None:
    assert infer(Evidence(backend=backend, times=times), (), None).source_date_epoch == epoch


METADATA_OF_OLD = METADATA + b"\n\n"
LINES = METADATA.replace(b"\n\n", b"\n%s\n\n", 1)


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({}, set()),
        ({f"{INFO}/METADATA": LINES % b"Platform: UNKNOWN"}, {"unknown-field"}),
        ({f"{INFO}/METADATA": METADATA_OF_OLD}, {"blank-lines-behind-description"}),
        (
            {f"{INFO}/entry_points.txt": b"[console_scripts]\na = b:c\n\n"},
            {"blank-line-behind-entry-points"},
        ),
        ({f"{INFO}/entry_points.txt": b"[console_scripts]\na = b:c\n"}, set()),
        ({f"{INFO}/LICENSE": b"MIT\n"}, {"license-not-listed"}),
        (
            {
                f"{INFO}/LICENSE": b"MIT\n",
                f"{INFO}/METADATA": LINES % b"License-File: LICENSE",
            },
            set(),
        ),
        (
            {f"{INFO}/METADATA": LINES % b"Requires-Dist: click (<9,>=2)"},
            {"requirements-in-parentheses"},
        ),
        ({f"{INFO}/METADATA": LINES % b"Requires-Dist: click <9,>=2"}, set()),
        (
            {f"{INFO}/METADATA": LINES % b"Requires-Dist: click[x]<9,>=2"},
            {"requirements-without-spaces"},
        ),
        ({f"{INFO}/METADATA": LINES % b"Requires-Dist: click"}, set()),
    ],
)
def test_marks_of_tools_are_found(changes: dict[str, bytes | None], marks: set[str]) -> None:
    assert evidence_of(wheel(changes)).marks == marks


def test_a_namespace_package_gives_the_python_away() -> None:
    found = evidence_of(wheel({"demo-1.0-py3.9-nspkg.pth": b"import sys\n"}))
    assert found.python == "3.9"
    assert evidence_of(wheel()).python == ""
