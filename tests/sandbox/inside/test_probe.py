"""The backend that looks at what a build sees, under this interpreter."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.sandbox.inside import probe
from amrasaman_nox.wheels.reader import read_wheel

BUILDS = "import sys; import probe; print(probe.build_wheel(sys.argv[1]))"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source as the probe wants it."""
    folder = tmp_path / "source"
    (folder / probe.LISTED).mkdir(parents=True)
    for name in ("b", "a"):
        (folder / probe.LISTED / name).touch()
        os.utime(folder / probe.LISTED / name, (1_000_000_000, 1_000_000_000))
    return folder


def built(source: Path, **variables: str) -> bytes:
    """Return the wheel that the probe builds as a backend does, isolated from this process."""
    output = source.parent / "output"
    output.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BUILDS, output],
        cwd=source,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(probe.__file__).parent), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return (output / done.stdout.strip()).read_bytes()


def seen(source: Path, **variables: str) -> dict[str, list[Any]]:
    content = read_wheel(
        io.BytesIO(built(source, **variables)), "amrasaman_probe-1.0-py3-none-any.whl"
    )
    found: dict[str, list[Any]] = json.loads(content.read(probe.SEEN))
    return found


def test_its_wheel_is_sound_and_has_what_was_seen_of_everything(source: Path) -> None:
    found = seen(source, TZ="UTC-3", PYTHONHASHSEED="0", TERM="dumb")
    assert set(found) == set(probe.SIGHTS)
    assert found["build-path"][0] == str(source)
    assert found["time-zone"] == ["+0300", "+0300"]
    assert sorted(found["directory-order"][0]) == ["a", "b"]
    assert found["source-times"] == [1_000_000_000]
    assert found["user"][0] == os.getuid()
    assert "dumb" in found["extra-variables"][0]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("time-zone", {"TZ": "UTC"}, {"TZ": "UTC-3"}),
        ("hash-seed", {"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "1"}),
        ("home", {"HOME": "/one"}, {"HOME": "/other"}),
        ("extra-variables", {}, {"BUILD_NUMBER": "7"}),
        ("locale", {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}),
    ],
)
def test_what_is_varied_is_seen(
    source: Path, name: str, one: dict[str, str], other: dict[str, str]
) -> None:
    assert seen(source, **one)[name] != seen(source, **other)[name]


def test_the_same_world_gives_the_same_wheel(source: Path) -> None:
    clock = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
    first, second = (seen(source, **clock) for _ in range(2))
    for name in set(first) - {"clock"}:
        assert first[name] == second[name]


def test_what_cannot_be_looked_at_is_seen_as_its_fault(source: Path) -> None:
    (source / probe.LISTED / "a").unlink()
    assert seen(source)["source-times"] == ["FileNotFoundError"]
    assert seen(source, LC_ALL="xx_XX.none")["locale"] == ["Error"]
